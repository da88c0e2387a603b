// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import CheckpointGenerators
internal import StrictJSON

/// A value that JSON documents have, written and read.
protocol JSONMember {
  /// The value as JSON: whole, to be read again, or what a report has of it.
  func json(isWhole: Bool) -> JSONValue
  init(_ field: JSONField) throws(JSONFieldError)
}

/// An object whose members one table lists, for writing and for reading.
protocol JSONRecord: JSONMember {
  /// One to be filled.
  init()
  mutating func members(_ table: inout JSONTable) throws(JSONFieldError)
}

/// The members of an object while one list of them writes or reads them.
struct JSONTable {
  /// The object that is read; nil while one is written.
  let source: JSONField?
  private let isWhole: Bool
  fileprivate(set) var object = JSONObject()

  fileprivate init(reading source: JSONField?, isWhole: Bool) {
    self.source = source
    self.isWhole = isWhole
  }

  /// A member that reports and files of campaigns have.
  mutating func member<Value: JSONMember>(
    _ name: String, _ value: inout Value
  ) throws(JSONFieldError) {
    if let source {
      value = try Value(source[name])
    } else {
      object[name] = value.json(isWhole: isWhole)
    }
  }

  /// A list that may be absent where it is read.
  mutating func list<Value: JSONMember>(
    _ name: String, _ values: inout [Value]
  ) throws(JSONFieldError) {
    if let source, source[name].json == nil { values = [] } else { try member(name, &values) }
  }

  /// Axes with some of their values, as an object that may be absent where it is read.
  mutating func selections(
    _ name: String, _ selections: inout [AxisSelection]
  ) throws(JSONFieldError) {
    guard let source else {
      object[name] = .object(JSONObject(selections.map { ($0.axis, .strings($0.values)) }))
      return
    }
    selections = []
    for axis in source[name].json == nil ? [] : try source[name].object().keys {
      selections.append(AxisSelection(axis, try source[name][axis].strings()))
    }
  }

  /// A member that files of campaigns have, and reports have not.
  mutating func kept<Value: JSONMember>(
    _ name: String, _ value: inout Value
  ) throws(JSONFieldError) {
    if isWhole { try member(name, &value) }
  }

  /// A member that reports have and that follows from others.
  mutating func shown(_ name: String, _ value: @autoclosure () -> JSONValue) {
    if !isWhole { object[name] = value() }
  }

  /// A member that is bytes, as text of two digits each.
  mutating func bytes(_ name: String, _ bytes: inout [UInt8]) throws(JSONFieldError) {
    var text = Hexadecimal.text(bytes)
    try member(name, &text)
    guard let read = Hexadecimal.bytes(text) else {
      throw JSONField(.null)[name].error(expected: "bytes of two digits each")
    }
    bytes = read
  }
}

extension JSONRecord {
  /// The members that a report has of it.
  var shown: JSONObject { object(isWhole: false) }

  private func object(isWhole: Bool) -> JSONObject {
    var (table, copy) = (JSONTable(reading: nil, isWhole: isWhole), self)
    // What is written is not checked.
    try? copy.members(&table)
    return table.object
  }

  func json(isWhole: Bool) -> JSONValue { .object(object(isWhole: isWhole)) }

  init(_ field: JSONField) throws(JSONFieldError) {
    _ = try field.object()
    var table = JSONTable(reading: field, isWhole: true)
    self.init()
    try members(&table)
  }
}

extension JSONMember where Self: RawRepresentable<String> {
  func json(isWhole: Bool) -> JSONValue { .string(rawValue) }

  init(_ field: JSONField) throws(JSONFieldError) {
    guard let value = Self(rawValue: try field.string()) else {
      throw field.error(expected: "a value that this version knows")
    }
    self = value
  }
}

extension String: JSONMember {
  func json(isWhole: Bool) -> JSONValue { .string(self) }
  init(_ field: JSONField) throws(JSONFieldError) { self = try field.string() }
}

extension Int: JSONMember {
  func json(isWhole: Bool) -> JSONValue { JSONValue(self) }
  init(_ field: JSONField) throws(JSONFieldError) { self = try field.count() }
}

extension UInt64: JSONMember {
  func json(isWhole: Bool) -> JSONValue { JSONValue(self) }

  init(_ field: JSONField) throws(JSONFieldError) {
    guard case .number(let number) = field.json, let value = UInt64(number.literal) else {
      throw field.error(expected: "a number of 64 bits")
    }
    self = value
  }
}

extension Double: JSONMember {
  func json(isWhole: Bool) -> JSONValue { JSONValue(self) }
  init(_ field: JSONField) throws(JSONFieldError) { self = try field.number() }
}

extension Bool: JSONMember {
  func json(isWhole: Bool) -> JSONValue { .bool(self) }
  init(_ field: JSONField) throws(JSONFieldError) { self = try field.bool() }
}

extension JSONValue: JSONMember {
  func json(isWhole: Bool) -> JSONValue { self }
  init(_ field: JSONField) throws(JSONFieldError) { self = try field.value() }

  /// A list of strings.
  static func strings(_ texts: [String]) -> JSONValue { .array(texts.map { .string($0) }) }
}

extension JSONObject: JSONMember {
  func json(isWhole: Bool) -> JSONValue { .object(self) }
  init(_ field: JSONField) throws(JSONFieldError) { self = try field.object() }
}

extension Optional: JSONMember where Wrapped: JSONMember {
  func json(isWhole: Bool) -> JSONValue { self?.json(isWhole: isWhole) ?? .null }

  init(_ field: JSONField) throws(JSONFieldError) {
    self = field.present == nil ? nil : try Wrapped(field)
  }
}

extension Array: JSONMember where Element: JSONMember {
  func json(isWhole: Bool) -> JSONValue { .array(map { $0.json(isWhole: isWhole) }) }

  init(_ field: JSONField) throws(JSONFieldError) {
    self = []
    for element in try field.elements() { append(try Element(element)) }
  }
}

/// Bytes as text of two digits each.
enum Hexadecimal {
  private static let digits = Array("0123456789abcdef".utf8)

  static func text(_ bytes: [UInt8]) -> String {
    String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }

  /// The bytes of a text, nil of anything else.
  static func bytes(_ text: String) -> [UInt8]? {
    let values = text.utf8.compactMap { digit in
      switch digit {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
      case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
      default: nil
      }
    }
    guard values.count == text.utf8.count, values.count.isMultiple(of: 2) else { return nil }
    return stride(from: 0, to: values.count, by: 2).map { values[$0] << 4 | values[$0 + 1] }
  }
}
