// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import StrictJSON

/// The members of an object in a file of known divergences, read with checks.
struct KnownFields {
  let path: String
  var entry: String?
  /// What stands before the names of members, such as `violations[0].`.
  var prefix = ""
  let json: JSONValue

  func error(_ field: String?, expected: String, found: String? = nil) -> KnownDivergencesError {
    let value: JSONValue? = if let field { json[field] } else { json }
    let text = value.map { String($0.text(.compact).prefix(80)) } ?? "no such member"
    let name = field.map { prefix + $0 } ?? (prefix.isEmpty ? nil : String(prefix.dropLast()))
    return KnownDivergencesError(
      path: path, entry: entry, field: name, expected: expected, found: found ?? text)
  }

  /// Throws if this is no object of these members.
  func require(
    only names: [String], optional: [String] = []
  ) throws(KnownDivergencesError) {
    guard let object = json.objectValue else {
      throw error(nil, expected: "an object", found: json.kind.description)
    }
    for key in object.keys where !names.contains(key) && !optional.contains(key) {
      let known = (names + optional).map { "'\($0)'" }.joined(separator: ", ")
      throw error(key, expected: "no other members than \(known)", found: "another one")
    }
    for name in names where object[name] == nil { throw error(name, expected: "the member") }
  }

  func string(_ field: String) throws(KnownDivergencesError) -> String {
    guard let text = json[field]?.stringValue else { throw error(field, expected: "a string") }
    return text
  }

  /// A text that a person has written.
  func text(_ field: String) throws(KnownDivergencesError) -> String {
    let text = try string(field)
    guard text.contains(where: { !$0.isWhitespace }) else {
      throw error(
        field, expected: "words for the reader", found: "none; a person has to write them")
    }
    return text
  }

  func array(_ field: String) throws(KnownDivergencesError) -> [JSONValue] {
    guard let array = json[field]?.arrayValue else { throw error(field, expected: "an array") }
    return array
  }

  func strings(_ field: String) throws(KnownDivergencesError) -> [String] {
    let array = try array(field)
    let strings = array.compactMap(\.stringValue)
    guard strings.count == array.count else { throw error(field, expected: "an array of strings") }
    return strings
  }

  /// An element of an array that is an object.
  func element(_ field: String, _ position: Int, _ json: JSONValue) -> KnownFields {
    KnownFields(path: path, entry: entry, prefix: "\(prefix)\(field)[\(position)].", json: json)
  }
}
