// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// A JSON value.
///
/// Strings are equal if their UTF-8 bytes are, numbers if their literals are.
public enum JSONValue: Sendable {
  /// `null`.
  case null
  /// `true` or `false`.
  case bool(Bool)
  /// A number as it is written.
  case number(JSONNumber)
  /// A text.
  case string(String)
  /// Values in their order.
  case array([JSONValue])
  /// Members in their order, repeated keys included.
  case object(JSONObject)

  /// The type of the value.
  public var kind: JSONKind {
    switch self {
    case .null: .null
    case .bool: .bool
    case .number: .number
    case .string: .string
    case .array: .array
    case .object: .object
    }
  }

  /// The value if it is a boolean.
  public var boolValue: Bool? {
    if case .bool(let value) = self { value } else { nil }
  }

  /// The value if it is an integer literal that fits.
  public var integerValue: Int? {
    if case .number(let number) = self { number.integer } else { nil }
  }

  /// The value if it is a whole number that fits, however it is written.
  public var wholeValue: Int? {
    if case .number(let number) = self { number.whole } else { nil }
  }

  /// The value if it is a number within the range of doubles.
  public var doubleValue: Double? {
    if case .number(let number) = self { number.double } else { nil }
  }

  /// The value if it is a string.
  public var stringValue: String? {
    if case .string(let value) = self { value } else { nil }
  }

  /// The elements if it is an array.
  public var arrayValue: [JSONValue]? {
    if case .array(let elements) = self { elements } else { nil }
  }

  /// The members if it is an object.
  public var objectValue: JSONObject? {
    if case .object(let object) = self { object } else { nil }
  }

  /// The value of a key if it is an object that has the key.
  public subscript(key: String) -> JSONValue? {
    objectValue?[key]
  }
}

extension JSONValue: Hashable {
  /// Whether both are the same value, strings by bytes and objects in order.
  public static func == (lhs: JSONValue, rhs: JSONValue) -> Bool {
    switch (lhs, rhs) {
    case (.null, .null): true
    case (.bool(let a), .bool(let b)): a == b
    case (.number(let a), .number(let b)): a == b
    case (.string(let a), .string(let b)): JSONKey(a) == JSONKey(b)
    case (.array(let a), .array(let b)): a == b
    case (.object(let a), .object(let b)): a == b
    default: false
    }
  }

  /// Feeds the value to the hasher.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(kind)
    switch self {
    case .null: break
    case .bool(let value): hasher.combine(value)
    case .number(let value): hasher.combine(value)
    case .string(let value): hasher.combine(JSONKey(value))
    case .array(let value): hasher.combine(value)
    case .object(let value): hasher.combine(value)
    }
  }
}

/// The type of a JSON value.
public enum JSONKind: String, Sendable, CustomStringConvertible {
  /// `null`.
  case null
  /// `true` or `false`.
  case bool = "a boolean"
  /// A number.
  case number = "a number"
  /// A text.
  case string = "a string"
  /// An array.
  case array = "an array"
  /// An object.
  case object = "an object"

  /// The text shown to people, with its article.
  public var description: String { rawValue }
}

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
