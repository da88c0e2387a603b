// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// Choices as bits without their constraints, for tokens: the number of choices, then for each a code
/// and its value.
///
/// | code | value |
/// |---|---|
/// | 0 | an integer whose pattern has its top bit clear: a number |
/// | 10 | a coin: one bit |
/// | 110 | an integer whose pattern has its top bit set: the number of its complement |
/// | 1110 | a float: six bits for the zeros at its end, the number of what stands before them |
/// | 1111 | symbols: the number of them, a number for each |
///
/// A number is written three bits at a time, the lowest first, each three after a bit that says
/// whether more follow. Bits fill bytes from the top; zeros fill the last.
extension ChoiceSequence {
  var bareBytes: [UInt8] {
    var writer = BitWriter()
    writer.write(number: UInt64(count))
    for choice in choices {
      switch choice.constraint.kind {
      case .boolean: writer.write(0b100 | choice.bits & 1, count: 3)
      case .integer where choice.bits >> 63 == 0:
        writer.write(0, count: 1)
        writer.write(number: choice.bits)
      case .integer:
        writer.write(0b110, count: 3)
        writer.write(number: ~choice.bits)
      case .float:
        let zeros = choice.bits == 0 ? 0 : choice.bits.trailingZeroBitCount
        writer.write(0b1110, count: 4)
        writer.write(UInt64(zeros), count: 6)
        writer.write(number: choice.bits >> UInt64(zeros))
      case .symbols:
        let content = content(of: choice)
        writer.write(0b1111, count: 4)
        writer.write(number: UInt64(content.count))
        for symbol in content { writer.write(number: UInt64(symbol)) }
      }
    }
    return writer.bytes
  }

  /// Reads `bareBytes`; each choice gets the widest constraint of its kind. Memory in proportion to
  /// the number of bytes.
  init(bareBytes: ArraySlice<UInt8>) throws(StoredFailureError) {
    self.init()
    var reader = BitReader(bareBytes)
    // A choice takes three bits at least.
    let count = try reader.count(bitsEach: 3)
    choices.reserveCapacity(count)
    for _ in 0..<count {
      if try reader.read(1) == 0 {
        let bits = try reader.number()
        guard bits >> 63 == 0 else { throw reader.invalid }
        append(.bareInteger, bits)
      } else if try reader.read(1) == 0 {
        append(.bareBoolean, try reader.read(1))
      } else if try reader.read(1) == 0 {
        let bits = try reader.number()
        guard bits >> 63 == 0 else { throw reader.invalid }
        append(.bareInteger, ~bits)
      } else if try reader.read(1) == 0 {
        let zeros = try reader.read(6)
        let head = try reader.number()
        let isShort = head.leadingZeroBitCount >= Int(zeros)
        guard isShort, head & 1 == 1 || head == 0 && zeros == 0 else { throw reader.invalid }
        append(.bareFloat, head << zeros)
      } else {
        let length = try reader.count(bitsEach: 4)
        var content: [UInt32] = []
        content.reserveCapacity(length)
        for _ in 0..<length {
          let number = try reader.number()
          guard let symbol = UInt32(exactly: number), symbol < .max else { throw reader.invalid }
          content.append(symbol)
        }
        append(.bareSymbols, 0)
        setContent(content, at: choices.count - 1)
      }
    }
    guard reader.wholeBytesLeft == 0 else { throw .trailingBytes(reader.wholeBytesLeft) }
    guard reader.isFilledWithZeros else { throw reader.invalid }
  }

  private mutating func append(_ constraint: Constraint, _ bits: UInt64) {
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
  fileprivate static let bareSymbols = Constraint.symbols(
    alphabet: Int(UInt32.max), lengths: 0...Int.max)
}
