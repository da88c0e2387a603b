// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// A number as its literal, so that no digit is lost; equality is equality of literals.
public struct JSONNumber: Sendable, Hashable, CustomStringConvertible {
  /// The text of the number, valid JSON.
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

  /// The nearest double, or nil beyond the largest finite one.
  public var double: Double? {
    guard let value = Double(literal), value.isFinite else { return nil }
    return value
  }

  /// The text shown to people.
  public var description: String { literal }
}
