// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// A number as its literal, so that no digit is lost; equality is equality of literals.
public struct JSONNumber: Sendable, Hashable, CustomStringConvertible {
  /// The text of the number, valid JSON unless the reader accepts numbers that are not finite.
  public let literal: String

  /// Creates a number from text that follows the grammar.
  init(validLiteral: String) {
    literal = validLiteral
  }

  /// Creates a number from an integer.
  public init(_ value: some BinaryInteger) {
    literal = String(value)
  }

  /// Creates a number spelled as Python's `repr` spells it, or nil of an infinity or a NaN.
  public init?(_ value: Double) {
    guard value.isFinite else { return nil }
    // Python turns to exponents at 1e16, Swift at 2^53.
    if value.magnitude >= 0x1p53, value.magnitude < 1e16 {
      literal = "\(Int64(value)).0"
    } else {
      literal = value.description
    }
  }

  /// The value if the literal is an integer that fits.
  ///
  /// A fraction or an exponent makes a literal no integer, as `1.0` and `1e3`; nor is `-0` one,
  /// because its sign would be lost.
  public var integer: Int? {
    literal == "-0" ? nil : Int(literal)
  }

  /// The value if it is whole and fits, however it is written: `8`, `8.0`, `80e-1`.
  public var whole: Int? {
    if let integer { return integer }
    let isNegative = literal.hasPrefix("-")
    let parts = literal.dropFirst(isNegative ? 1 : 0).split { "eE".contains($0) }
    let mantissa = parts[0].split(separator: ".", omittingEmptySubsequences: false)
    guard mantissa.count <= 2, let power = parts.count == 1 ? 0 : Int(parts[1]) else { return nil }
    var digits = mantissa.joined().drop { $0 == "0" }
    guard digits.utf8.allSatisfy({ $0 &- UInt8(ascii: "0") < 10 }) else { return nil }
    var (scale, overflow) = power.subtractingReportingOverflow(mantissa.dropFirst().joined().count)
    while digits.last == "0" {
      digits.removeLast()
      if !overflow { (scale, overflow) = scale.addingReportingOverflow(1) }
    }
    if digits.isEmpty { return 0 }
    // No longer number fits.
    guard !overflow, 0...19 ~= scale else { return nil }
    return Int((isNegative ? "-" : "") + digits + String(repeating: "0", count: scale))
  }

  /// The nearest double, or nil beyond the largest finite one.
  public var double: Double? {
    guard let value = Double(literal), value.isFinite else { return nil }
    return value
  }

  /// The text shown to people.
  public var description: String { literal }
}
