// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// Choices as bytes: a tag for each, then its value. A tag is the kind in the low four bits and
/// 0x10 if the choice was forced. What the choice was chosen from is not kept: a replay asks the
/// generator.
private enum ChoiceTag: UInt8 {
  /// ULEB128 of the zigzag of the number.
  case signed = 0
  /// ULEB128.
  case unsigned = 1
  case no = 2
  case yes = 3
  /// Exponent width, significand width (0x80 if there is an infinity), then the pattern.
  case float = 4
  /// ULEB128 of the length and of each position.
  case symbols = 5
}

extension ByteWriter {
  mutating func write(_ sequence: ChoiceSequence) {
    write(UInt64(sequence.count))
    for choice in sequence.choices { write(choice, sequence.blobs) }
  }

  mutating func write(_ choice: Choice, _ blobs: [[UInt32]]) {
    let constraint = choice.constraint
    let tag: ChoiceTag =
      switch constraint.kind {
      case .integer: constraint.flags & 1 == 1 ? .signed : .unsigned
      case .boolean: choice.bits == 0 ? .no : .yes
      case .float: .float
      case .symbols: .symbols
      }
    bytes.append(tag.rawValue | (choice.isForced ? 0x10 : 0))
    switch tag {
    case .signed: write(choice.bits << 1 ^ (choice.bits >> 63 == 1 ? .max : 0))
    case .unsigned: write(choice.bits)
    case .no, .yes: break
    case .float:
      let format = constraint.format
      bytes.append(format.exponentBits)
      bytes.append(format.significandBits | (format.hasInfinity ? 0x80 : 0))
      write(fixed: choice.bits, bytes: format.byteCount)
    case .symbols:
      let content = choice.bits < UInt64(blobs.count) ? blobs[Int(choice.bits)] : []
      write(UInt64(content.count))
      for symbol in content { write(UInt64(symbol)) }
    }
  }
}

extension ByteReader {
  mutating func sequence() throws(StoredFailureError) -> ChoiceSequence {
    var result = ChoiceSequence()
    for _ in 0..<(try count("the number of choices")) { try choice(into: &result) }
    return result
  }

  private mutating func choice(into sequence: inout ChoiceSequence) throws(StoredFailureError) {
    let byte = try byte("a choice")
    guard byte & 0xE0 == 0, let tag = ChoiceTag(rawValue: byte & 0x0F) else {
      throw .invalid(part: "the tag of a choice")
    }
    let constraint: Constraint
    var bits: UInt64 = 0
    switch tag {
    case .signed:
      let zigzag = try number("an integer")
      bits = zigzag >> 1 ^ (zigzag & 1 == 1 ? .max : 0)
      constraint = .integer(Int64.min...Int64.max)
    case .unsigned:
      bits = try number("an integer")
      constraint = .integer(UInt64.min...UInt64.max)
    case .no, .yes:
      bits = tag == .yes ? 1 : 0
      constraint = .boolean()
    case .float:
      let format = try floatFormat()
      bits = try fixed("a float", bytes: format.byteCount)
      guard bits <= format.signBit | (format.signBit - 1) else { throw .invalid(part: "a float") }
      let top = format.hasInfinity ? format.firstNonFinite : format.firstNonFinite - 1
      constraint = .float(format, lower: top | format.signBit, upper: top, classes: .all)
    case .symbols:
      var content: [UInt32] = []
      for _ in 0..<(try count("the length of symbols")) {
        guard let symbol = UInt32(exactly: try number("a symbol")) else {
          throw .invalid(part: "a symbol")
        }
        content.append(symbol)
      }
      bits = UInt64(sequence.blobs.count)
      sequence.blobs.append(content)
      constraint = .symbols(alphabet: 1 << 32, lengths: 0...Int.max)
    }
    sequence.choices.append(
      Choice(constraint: constraint, bits: bits, isForced: byte & 0x10 != 0))
  }

  private mutating func floatFormat() throws(StoredFailureError) -> FloatFormat {
    let exponent = Int(try byte("a float format"))
    let second = try byte("a float format")
    let significand = Int(second & 0x7F)
    guard (2...15).contains(exponent), significand >= 1, exponent + significand <= 63 else {
      throw .invalid(part: "a float format")
    }
    return FloatFormat(
      exponentBits: exponent, significandBits: significand, hasInfinity: second & 0x80 != 0)
  }
}

extension FloatFormat {
  fileprivate var byteCount: Int { Int(magnitudeBits + 8) / 8 }
}
