// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// Choices as bytes: a version, the number of choices, then for each a tag (kind, forced, signed),
/// its constraint and its value. Numbers are ULEB128; equal constraints are written once.
extension ChoiceSequence {
  /// The version of the encoding that `encoded` writes.
  public static let encodingVersion: UInt8 = 1

  /// The sequence as bytes.
  public var encoded: [UInt8] {
    var writer = ByteWriter()
    writer.bytes.append(Self.encodingVersion)
    writer.number(UInt64(choices.count))
    var known: [Constraint: Int] = [:]
    for choice in choices {
      let forced: UInt64 = choice.isForced ? 1 : 0
      if let index = known[choice.constraint] {
        writer.number(UInt64(index + 1) << 1 | forced)
      } else {
        writer.number(forced)
        known[choice.constraint] = known.count
        writer.constraint(choice.constraint)
      }
      if choice.constraint.kind == .symbols {
        let content = content(of: choice)
        writer.number(UInt64(content.count))
        for symbol in content { writer.number(UInt64(symbol)) }
      } else {
        // Integers as their place in the order of simplicity: simple ones are short.
        let isInteger = choice.constraint.kind == .integer
        writer.number(
          isInteger ? choice.constraint.index(ofInteger: choice.bits) : choice.bits)
      }
    }
    return writer.bytes
  }

  /// Why bytes are not a choice sequence.
  public enum DecodingError: Error, Equatable, Sendable {
    /// Written by another version; `found` is its number.
    case unknownVersion(found: UInt8)
    /// The bytes end in the middle.
    case truncated
    /// There are bytes after the last choice.
    case trailingBytes
    /// What stands at an offset cannot be.
    case malformed(offset: Int)
  }

  /// The sequence that `bytes` encode; memory in proportion to the number of bytes.
  public init(decoding bytes: [UInt8]) throws(DecodingError) {
    var reader = ByteReader(bytes: bytes)
    let version = try reader.byte()
    guard version == Self.encodingVersion else { throw .unknownVersion(found: version) }
    let count = try reader.count()
    self.init()
    choices.reserveCapacity(count)
    var known: [Constraint] = []
    for _ in 0..<count {
      let head = try reader.number()
      let constraint: Constraint
      if head >> 1 == 0 {
        constraint = try reader.constraint()
        known.append(constraint)
      } else {
        guard head >> 1 <= UInt64(known.count) else { throw reader.malformed }
        constraint = known[Int(head >> 1) - 1]
      }
      choices.append(Choice(constraint: constraint, bits: 0, isForced: head & 1 == 1))
      if constraint.kind == .symbols {
        let length = try reader.count()
        var content: [UInt32] = []
        content.reserveCapacity(length)
        for _ in 0..<length {
          guard let symbol = UInt32(exactly: try reader.number()) else { throw reader.malformed }
          content.append(symbol)
        }
        guard constraint.permits(content) else { throw reader.malformed }
        setContent(content, at: choices.count - 1)
      } else {
        let number = try reader.number()
        let bits = constraint.kind == .integer ? constraint.integer(atIndex: number) : number
        guard let bits, constraint.permits(bits) else { throw reader.malformed }
        choices[choices.count - 1].bits = bits
      }
    }
    guard reader.isAtEnd else { throw .trailingBytes }
  }
}

extension [UInt8] {
  /// Appends a number seven bits a byte, the lowest first.
  mutating func append(uleb128 number: UInt64) {
    var rest = number
    while rest >= 0x80 {
      append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    append(UInt8(truncatingIfNeeded: rest))
  }
}

private struct ByteWriter {
  var bytes: [UInt8] = []

  mutating func number(_ value: UInt64) {
    bytes.append(uleb128: value)
  }

  mutating func constraint(_ constraint: Constraint) {
    bytes.append(constraint.kind.rawValue)
    bytes.append(constraint.flags)
    if constraint.kind == .float {
      bytes.append(constraint.format.exponentBits)
      bytes.append(constraint.format.significandBits)
      bytes.append(constraint.format.hasInfinity ? 1 : 0)
    }
    number(constraint.lower)
    number(constraint.upper &- constraint.lower)
    number(constraint.anchor)
  }
}

private struct ByteReader {
  let bytes: [UInt8]
  private var offset = 0

  init(bytes: [UInt8]) { self.bytes = bytes }

  var isAtEnd: Bool { offset == bytes.count }
  var malformed: ChoiceSequence.DecodingError { .malformed(offset: offset) }

  mutating func byte() throws(ChoiceSequence.DecodingError) -> UInt8 {
    guard offset < bytes.count else { throw .truncated }
    defer { offset += 1 }
    return bytes[offset]
  }

  mutating func number() throws(ChoiceSequence.DecodingError) -> UInt64 {
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 70, by: 7) {
      let next = try byte()
      let part = UInt64(next & 0x7F)
      guard shift < 63 || part <= 1, next & 0x80 == 0 || shift < 63 else { throw malformed }
      value |= part << shift
      if next & 0x80 == 0 {
        // One encoding for each number.
        guard part != 0 || shift == 0 else { throw malformed }
        return value
      }
    }
    throw malformed
  }

  /// A number of things that take a byte each at least.
  mutating func count() throws(ChoiceSequence.DecodingError) -> Int {
    let value = try number()
    guard value <= UInt64(bytes.count - offset) else { throw .truncated }
    return Int(value)
  }

  mutating func constraint() throws(ChoiceSequence.DecodingError) -> Constraint {
    guard let kind = ChoiceKind(rawValue: try byte()) else { throw malformed }
    let flags = try byte()
    var format = FloatFormat.none
    if kind == .float {
      let exponent = Int(try byte())
      let significand = Int(try byte())
      let infinity = try byte()
      guard (2...15).contains(exponent), significand >= 1, exponent + significand <= 63,
        infinity <= 1, flags <= FloatClasses.all.rawValue
      else { throw malformed }
      format = FloatFormat(
        exponentBits: exponent, significandBits: significand, hasInfinity: infinity == 1)
    } else if flags > 1 || kind == .symbols && flags != 0 {
      throw malformed
    }
    let lower = try number()
    let upper = lower &+ (try number())
    let anchor = try number()
    let constraint = Constraint(
      kind: kind, flags: flags, format: format, lower: lower, upper: upper, anchor: anchor)
    guard constraint.isConsistent else { throw malformed }
    return constraint
  }
}

extension Constraint {
  /// Whether the parts agree, as they do in every constraint that was not read from somewhere.
  fileprivate var isConsistent: Bool {
    switch kind {
    case .integer:
      return anchor &- lower <= upper &- lower
        && (flags == 1
          ? Int64(bitPattern: lower) <= Int64(bitPattern: upper) : lower <= upper)
    case .boolean: return lower <= 1 << 32 && upper == 1 && anchor == 0
    case .symbols:
      return lower <= upper && upper <= UInt64(Int.max) && anchor > 0
        && anchor <= UInt64(UInt32.max)
    case .float:
      let all = format.signBit | (format.signBit - 1)
      return lower <= all && upper <= all && anchor <= all && !format.isNaN(lower)
        && !format.isNaN(upper) && format.isFinite(anchor)
        && format.ordinal(lower) <= format.ordinal(anchor)
        && format.ordinal(anchor) <= format.ordinal(upper)
    }
  }
}
