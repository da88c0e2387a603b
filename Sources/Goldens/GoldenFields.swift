// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import StrictJSON

/// The members of a JSON object, read with checks.
struct GoldenFields {
  let json: JSONValue
  /// What the object belongs to, for errors.
  let place: String
  var code = GoldenError.Code.malformedDescription

  init(
    _ json: JSONValue, place: String, code: GoldenError.Code = .malformedDescription
  ) {
    self.json = json
    self.place = place
    self.code = code
  }

  func wrong(_ field: String, _ expected: String) -> GoldenError {
    let found = json[field].map { String($0.text(.compact).prefix(80)) } ?? "no such field"
    return GoldenError(code, "\(place): \(field)", expected: expected, found: found)
  }

  /// Throws if there are other members than these.
  func requireOnly(_ names: Set<String>) throws(GoldenError) {
    guard let object = json.objectValue else {
      throw GoldenError(code, place, expected: "an object", found: "\(json.kind)")
    }
    for name in object.keys where !names.contains(name) {
      throw GoldenError(
        code, "\(place): \(name)", expected: "only the fields of this format version",
        found: "another field")
    }
  }

  func value(_ field: String) throws(GoldenError) -> JSONValue {
    guard let value = json[field] else { throw wrong(field, "a value or null") }
    return value
  }

  /// Whether a field that must be there is null.
  func isNull(_ field: String) throws(GoldenError) -> Bool {
    if case .null = try value(field) { return true }
    return false
  }

  /// Whether there is a field.
  func has(_ field: String) -> Bool { json.objectValue?.keys.contains(field) ?? false }

  func string(_ field: String) throws(GoldenError) -> String {
    guard let text = json[field]?.stringValue else { throw wrong(field, "a string") }
    return text
  }

  func integer(_ field: String) throws(GoldenError) -> Int {
    guard let number = json[field]?.integerValue, number >= 0 else {
      throw wrong(field, "a whole number")
    }
    return number
  }

  func array(_ field: String) throws(GoldenError) -> [JSONValue] {
    guard let array = json[field]?.arrayValue else { throw wrong(field, "an array") }
    return array
  }

  func object(_ field: String) throws(GoldenError) -> GoldenFields {
    guard let value = json[field], value.objectValue != nil else {
      throw wrong(field, "an object")
    }
    return GoldenFields(value, place: "\(place): \(field)", code: code)
  }

  func strings(_ field: String) throws(GoldenError) -> [String] {
    let array = try array(field)
    let strings = array.compactMap(\.stringValue)
    guard strings.count == array.count else { throw wrong(field, "an array of strings") }
    return strings
  }

  func choice<Choice>(_ field: String) throws(GoldenError) -> Choice
  where Choice: RawRepresentable<String> & CaseIterable {
    guard let text = json[field]?.stringValue, let choice = Choice(rawValue: text) else {
      throw wrong(field, Self.list(Choice.self))
    }
    return choice
  }

  func choices<Choice>(_ field: String) throws(GoldenError) -> [Choice]
  where Choice: RawRepresentable<String> & CaseIterable {
    var choices: [Choice] = []
    for text in try strings(field) {
      guard let choice = Choice(rawValue: text) else { throw wrong(field, Self.list(Choice.self)) }
      choices.append(choice)
    }
    return choices
  }

  private static func list<Choice>(_ type: Choice.Type) -> String
  where Choice: RawRepresentable<String> & CaseIterable {
    "one of " + type.allCases.map { "'\($0.rawValue)'" }.joined(separator: ", ")
  }
}
