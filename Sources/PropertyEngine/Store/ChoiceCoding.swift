// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// Choices as bits without their constraints: the number of choices, then for each a code and its
/// value.
///
/// | code | value |
/// |---|---|
/// | 0 | an integer whose pattern has its top bit clear: a number |
/// | 10 | a coin: one bit |
/// | 110 | an integer whose pattern has its top bit set: the number of its complement |
/// | 1110 | a float: six bits for the zeros at its end, the number of what stands before them |
///
/// A number is written three bits at a time, the lowest first, each three after a bit that says
/// whether more follow. Bits fill bytes from the top; zeros fill the last.
extension BitWriter {
  mutating func write(_ sequence: ChoiceSequence) {
    write(number: UInt64(sequence.count))
    for choice in sequence.choices {
      switch choice.constraint.kind {
      case .boolean: write(0b100 | choice.bits & 1, count: 3)
      case .integer where choice.bits >> 63 == 0:
        write(0, count: 1)
        write(number: choice.bits)
      case .integer:
        write(0b110, count: 3)
        write(number: ~choice.bits)
      case .float:
        let zeros = choice.bits == 0 ? 0 : choice.bits.trailingZeroBitCount
        write(0b1110, count: 4)
        write(UInt64(zeros), count: 6)
        write(number: choice.bits >> UInt64(zeros))
      }
    }
  }
}

extension BitReader {
  /// Reads choices up to the end; each gets the widest constraint of its kind. Memory in proportion
  /// to the number of bytes.
  mutating func choices() throws(ReplayTokenError) -> ChoiceSequence {
    // A choice takes three bits at least.
    let count = try count(bitsEach: 3)
    var sequence = ChoiceSequence()
    sequence.choices.reserveCapacity(count)
    for _ in 0..<count {
      if try read(1) == 0 {
        sequence.append(.bareInteger, try positive())
      } else if try read(1) == 0 {
        sequence.append(.bareBoolean, try read(1))
      } else if try read(1) == 0 {
        sequence.append(.bareInteger, ~(try positive()))
      } else if try read(1) == 0 {
        let zeros = try read(6)
        let head = try number()
        let isShort = head.leadingZeroBitCount >= Int(zeros)
        guard isShort, head & 1 == 1 || head == 0 && zeros == 0 else { throw invalid }
        sequence.append(.bareFloat, head << zeros)
      } else {
        throw invalid
      }
    }
    try finish()
    return sequence
  }

  /// A number whose top bit is clear.
  private mutating func positive() throws(ReplayTokenError) -> UInt64 {
    let number = try number()
    guard number >> 63 == 0 else { throw invalid }
    return number
  }
}

extension ChoiceSequence {
  /// The bytes of the choices alone.
  var encoded: [UInt8] {
    var writer = BitWriter()
    writer.write(self)
    return writer.bytes
  }

  fileprivate mutating func append(_ constraint: Constraint, _ bits: UInt64) {
    choices.append(Choice(constraint: constraint, bits: bits, isForced: false))
  }
}

/// The constraints that permit every value of a kind.
extension Constraint {
  fileprivate static let bareBoolean = Constraint.boolean()
  fileprivate static let bareInteger = Constraint.integer(Int64.min...Int64.max)
  /// Patterns of narrower formats are patterns of this one too.
  fileprivate static let bareFloat = Constraint.float(
    .double, lower: (-Double.infinity).bitPattern, upper: Double.infinity.bitPattern, classes: .all)
}
