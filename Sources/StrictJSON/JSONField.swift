// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// A value of a document that is read with checks, or the lack of one, and where it is.
public struct JSONField: Sendable {
  /// The value; nil if there is none.
  public let json: JSONValue?
  /// Where it is, such as `violations[0].law`; empty for the whole document.
  public let place: String

  /// The whole of a document.
  public init(_ json: JSONValue) {
    self.init(json, "")
  }

  private init(_ json: JSONValue?, _ place: String) {
    self.json = json
    self.place = place
  }

  /// The largest count: sums of a thousand of them fit.
  private static let mostCounted = 1 << 53

  /// The member of a name.
  public subscript(name: String) -> JSONField {
    JSONField(json?[name], place.isEmpty ? name : "\(place).\(name)")
  }

  /// The value, or nil of null and of none.
  public var present: JSONValue? { json == .null ? nil : json }

  /// An error about the value.
  public func error(expected: String, found: String? = nil) -> JSONFieldError {
    let text = json.map { String($0.text(.compact).prefix(80)) } ?? "no such member"
    return JSONFieldError(place: place, expected: expected, found: found ?? text)
  }

  private func checked<Value>(
    _ value: Value?, _ expected: String
  ) throws(JSONFieldError) -> Value {
    guard let value else { throw error(expected: expected) }
    return value
  }

  /// The value.
  ///
  /// - Throws: `JSONFieldError` if there is none.
  public func value() throws(JSONFieldError) -> JSONValue { try checked(json, "the member") }

  /// The string.
  ///
  /// - Throws: `JSONFieldError` if the value is none, as the other readers do.
  public func string() throws(JSONFieldError) -> String {
    try checked(json?.stringValue, "a string")
  }

  /// A string that a person has written.
  public func text() throws(JSONFieldError) -> String {
    let text = try string()
    guard text.contains(where: { !$0.isWhitespace }) else {
      throw error(
        expected: "words for the reader", found: "none; a person has to write them")
    }
    return text
  }

  /// The boolean.
  public func bool() throws(JSONFieldError) -> Bool {
    try checked(json?.boolValue, "true or false")
  }

  /// The number.
  public func number() throws(JSONFieldError) -> Double {
    try checked(json?.doubleValue, "a number")
  }

  /// A number from 0 to 2 to the power of 53.
  public func count() throws(JSONFieldError) -> Int {
    let count = json?.integerValue.flatMap { (0...Self.mostCounted).contains($0) ? $0 : nil }
    return try checked(count, "a count")
  }

  /// The object.
  public func object() throws(JSONFieldError) -> JSONObject {
    try checked(json?.objectValue, "an object")
  }

  /// The elements of the array.
  public func elements() throws(JSONFieldError) -> [JSONField] {
    try checked(json?.arrayValue, "an array").enumerated().map {
      JSONField($0.element, "\(place)[\($0.offset)]")
    }
  }

  /// The strings of the array.
  public func strings() throws(JSONFieldError) -> [String] {
    let array = try checked(json?.arrayValue, "an array")
    let strings = array.compactMap(\.stringValue)
    return try checked(strings.count == array.count ? strings : nil, "an array of strings")
  }

  /// Throws if this is no object of these members.
  public func require(
    only names: [String], optional: [String] = []
  ) throws(JSONFieldError) {
    guard let object = json?.objectValue else {
      throw error(expected: "an object", found: json?.kind.description)
    }
    for key in object.keys where !names.contains(key) && !optional.contains(key) {
      throw self[key].error(
        expected: "a member that is \(WordList(names + optional).expectation(for: key))",
        found: "'\(key.prefix(80))'")
    }
    for name in names where object[name] == nil { throw self[name].error(expected: "the member") }
  }
}

/// What is wrong with a value of a document, and where.
public struct JSONFieldError: Error, Sendable, Equatable, CustomStringConvertible {
  /// Where the value is, such as `violations[0].law`; empty for the whole document.
  public let place: String
  /// What would have been right.
  public let expected: String
  /// What is there.
  public let found: String

  /// Creates an error.
  public init(place: String, expected: String, found: String) {
    self.place = place
    self.expected = expected
    self.found = found
  }

  /// The text shown to people.
  public var description: String {
    (place.isEmpty ? "" : "\(place): ") + "expected \(expected), found \(found)"
  }
}
