// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

extension JSONValue: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral,
  ExpressibleByIntegerLiteral, ExpressibleByStringLiteral, ExpressibleByStringInterpolation,
  ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
  /// Creates null.
  public init(nilLiteral: ()) {
    self = .null
  }

  /// Creates a boolean from a literal.
  public init(booleanLiteral value: Bool) {
    self = .bool(value)
  }

  /// Creates a number from a literal.
  public init(integerLiteral value: Int) {
    self = .number(JSONNumber(value))
  }

  /// Creates a string from a literal.
  public init(stringLiteral value: String) {
    self = .string(value)
  }

  /// Creates an array from a literal.
  public init(arrayLiteral elements: JSONValue...) {
    self = .array(elements)
  }

  /// Creates an object from a literal.
  public init(dictionaryLiteral elements: (String, JSONValue)...) {
    self = .object(JSONObject(elements))
  }
}

extension JSONValue {
  /// Creates a number from an integer.
  public init(_ value: some BinaryInteger) {
    self = .number(JSONNumber(value))
  }

  /// Creates a number, or null of an infinity or a NaN, which JSON cannot express.
  public init(_ value: Double) {
    self = JSONNumber(value).map { .number($0) } ?? .null
  }
}
