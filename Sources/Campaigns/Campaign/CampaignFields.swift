// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import StrictJSON

/// The members of an object in the file of a campaign, read with checks.
struct CampaignFields {
  let path: String
  /// What stands before the names of members, such as `findings[0].`.
  var prefix = ""
  let json: JSONValue

  /// The document of a file.
  static func parsed(_ document: [UInt8], _ path: String) throws(CampaignFileError) -> JSONValue {
    do throws(JSONError) {
      return try JSONValue(parsing: document)
    } catch {
      throw CampaignFileError(
        path, field: "line \(error.line), column \(error.column) (byte \(error.byteOffset))",
        expected: error.expected, found: error.found, remedy: remedy)
    }
  }

  private static let remedy = "remove the file, or run the version of hymt2 that wrote it"

  func error(_ field: String, expected: String) -> CampaignFileError {
    let found = json[field].map { String($0.text(.compact).prefix(80)) } ?? "no such member"
    return CampaignFileError(
      path, field: prefix + field, expected: expected, found: found, remedy: Self.remedy)
  }

  func value(_ field: String) throws(CampaignFileError) -> JSONValue {
    guard let value = json[field] else { throw error(field, expected: "the member") }
    return value
  }

  func string(_ field: String) throws(CampaignFileError) -> String {
    guard let text = json[field]?.stringValue else { throw error(field, expected: "a string") }
    return text
  }

  /// A string, nil of null or nothing.
  func optionalString(_ field: String) throws(CampaignFileError) -> String? {
    guard let value = json[field], value != .null else { return nil }
    guard let text = value.stringValue else { throw error(field, expected: "a string or null") }
    return text
  }

  func count(_ field: String) throws(CampaignFileError) -> Int {
    guard let number = json[field]?.integerValue, (0...1 << 53).contains(number) else {
      throw error(field, expected: "a count")
    }
    return number
  }

  func double(_ field: String) throws(CampaignFileError) -> Double {
    guard let number = json[field]?.doubleValue else { throw error(field, expected: "a number") }
    return number
  }

  func bool(_ field: String) throws(CampaignFileError) -> Bool {
    guard let value = json[field]?.boolValue else { throw error(field, expected: "true or false") }
    return value
  }

  func value<Value: RawRepresentable<String>>(
    _ field: String, of _: Value.Type
  ) throws(CampaignFileError) -> Value {
    guard let value = Value(rawValue: try string(field)) else {
      throw error(field, expected: "a value that this version knows")
    }
    return value
  }

  func strings(_ field: String) throws(CampaignFileError) -> [String] {
    let array = json[field]?.arrayValue
    let strings = array?.compactMap(\.stringValue) ?? []
    guard let array, strings.count == array.count else {
      throw error(field, expected: "an array of strings")
    }
    return strings
  }

  func counts(_ field: String) throws(CampaignFileError) -> [Int] {
    let array = json[field]?.arrayValue
    let counts = array?.compactMap(\.integerValue).filter { (0...1 << 53).contains($0) } ?? []
    guard let array, counts.count == array.count else {
      throw error(field, expected: "an array of counts")
    }
    return counts
  }

  func bytes(_ field: String) throws(CampaignFileError) -> [UInt8] {
    guard let bytes = Hexadecimal.bytes(try string(field)) else {
      throw error(field, expected: "bytes of two digits each")
    }
    return bytes
  }

  /// What a closure makes of each element of an array.
  func elements<Element>(
    _ field: String, _ make: (CampaignFields) throws(CampaignFileError) -> Element
  ) throws(CampaignFileError) -> [Element] {
    guard let array = json[field]?.arrayValue else { throw error(field, expected: "an array") }
    var elements: [Element] = []
    for (position, json) in array.enumerated() {
      elements.append(
        try make(
          CampaignFields(path: path, prefix: "\(prefix)\(field)[\(position)].", json: json)))
    }
    return elements
  }

  /// The object of a member, nil of null or nothing.
  func object(_ field: String) -> CampaignFields? {
    guard let value = json[field], value != .null else { return nil }
    return CampaignFields(path: path, prefix: "\(prefix)\(field).", json: value)
  }
}
