// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

extension JSONValue {
  /// How deeply arrays and objects may be nested unless told otherwise.
  public static let defaultMaximumDepth = 64

  /// Parses a text that holds one value and nothing else.
  ///
  /// - Parameter acceptsNonFinite: Whether `NaN`, `Infinity` and `-Infinity` are numbers, as Python has it.
  /// - Throws: `JSONError`.
  /// - Complexity: O(bytes).
  public init(
    parsing bytes: RawSpan, maximumDepth: Int = defaultMaximumDepth, acceptsNonFinite: Bool = false
  ) throws(JSONError) {
    var reader = JSONReader(
      bytes, maximumDepth: maximumDepth, acceptsNonFinite: acceptsNonFinite)
    self = try reader.readValue()
    try reader.finish()
  }

  /// Parses a text that holds one value and nothing else.
  ///
  /// - Throws: `JSONError`.
  /// - Complexity: O(bytes).
  public init(
    parsing bytes: [UInt8], maximumDepth: Int = defaultMaximumDepth, acceptsNonFinite: Bool = false
  ) throws(JSONError) {
    // Bytes have no padding that could be read uninitialized.
    try self.init(
      parsing: unsafe bytes.span.bytes, maximumDepth: maximumDepth,
      acceptsNonFinite: acceptsNonFinite)
  }
}

extension JSONReader {
  /// Reads a value of any type.
  ///
  /// - Throws: `JSONError`.
  public mutating func readValue() throws(JSONError) -> JSONValue {
    switch try peek() {
    case .null:
      try readNull()
      return .null
    case .bool: return .bool(try readBool())
    case .number: return .number(try readNumber())
    case .string: return .string(try readString())
    case .array:
      var elements: [JSONValue] = []
      try beginArray()
      while try nextElement() { elements.append(try readValue()) }
      return .array(elements)
    case .object:
      var object = JSONObject()
      try beginObject()
      while let key = try nextKey() { object[key] = try readValue() }
      return .object(object)
    }
  }
}

/// A way to lay out JSON text.
public enum JSONStyle: Sendable {
  /// No white space, members in their order, only quotes, backslashes and control characters
  /// escaped: the bytes that Rust's `serde_json::to_string` writes.
  case compact
  /// The bytes that Python's `json.dumps(value, indent=2, sort_keys=True) + "\n"` writes: members
  /// sorted by code points, everything beyond printable ASCII escaped.
  case python
}

extension JSONValue {
  /// Returns the JSON text of the value as UTF-8; numbers keep their literals.
  ///
  /// - Complexity: O(bytes), with sorting of members if the style demands it.
  public func bytes(_ style: JSONStyle) -> [UInt8] {
    var writer = JSONWriter(style: style)
    writer.write(self, indentation: 0)
    if style == .python { writer.bytes.append(UInt8(ascii: "\n")) }
    return writer.bytes
  }

  /// Returns the JSON text of the value; numbers keep their literals.
  public func text(_ style: JSONStyle) -> String {
    String(decoding: bytes(style), as: UTF8.self)
  }
}

/// Collects the bytes of a JSON text.
private struct JSONWriter {
  let style: JSONStyle
  var bytes: [UInt8] = []

  mutating func write(_ value: JSONValue, indentation: Int) {
    switch value {
    case .null: bytes += "null".utf8
    case .bool(let value): bytes += (value ? "true" : "false").utf8
    case .number(let number): bytes += number.literal.utf8
    case .string(let string): write(string)
    case .array(let elements):
      writeItems(elements, in: ("[", "]"), indentation: indentation) { writer, element in
        writer.write(element, indentation: indentation + 2)
      }
    case .object(let object):
      var members = object.members
      if style == .python {
        // The order of UTF-8 bytes is the order of code points.
        members.sort { $0.0.utf8.lexicographicallyPrecedes($1.0.utf8) }
      }
      writeItems(members, in: ("{", "}"), indentation: indentation) { writer, member in
        writer.write(member.0)
        writer.bytes += (writer.style == .python ? ": " : ":").utf8
        writer.write(member.1, indentation: indentation + 2)
      }
    }
  }

  private mutating func writeItems<Item>(
    _ items: [Item], in brackets: (String, String), indentation: Int,
    _ writeItem: (inout JSONWriter, Item) -> Void
  ) {
    bytes += brackets.0.utf8
    for (index, item) in items.enumerated() {
      if index > 0 { bytes.append(UInt8(ascii: ",")) }
      breakLine(indentation: indentation + 2)
      writeItem(&self, item)
    }
    if !items.isEmpty { breakLine(indentation: indentation) }
    bytes += brackets.1.utf8
  }

  private mutating func breakLine(indentation: Int) {
    guard style == .python else { return }
    bytes.append(UInt8(ascii: "\n"))
    bytes.append(contentsOf: repeatElement(UInt8(ascii: " "), count: indentation))
  }

  private mutating func write(_ string: String) {
    bytes.append(UInt8(ascii: "\""))
    for scalar in string.unicodeScalars {
      if let escape = JSONEscape.all.first(where: { UInt32($0.byte) == scalar.value }) {
        bytes += [UInt8(ascii: "\\"), escape.letter]
      } else if (0x20..<0x7f).contains(scalar.value) {
        bytes.append(UInt8(truncatingIfNeeded: scalar.value))
      } else if style == .python || scalar.value < 0x20 {
        for unit in UTF16.encode(scalar).map(Array.init) ?? [] { writeEscape(unit) }
      } else {
        bytes.append(contentsOf: UTF8.encode(scalar).map(Array.init) ?? [])
      }
    }
    bytes.append(UInt8(ascii: "\""))
  }

  private mutating func writeEscape(_ unit: UInt16) {
    let digits = String(unit, radix: 16)
    bytes += "\\u".utf8
    bytes.append(contentsOf: repeatElement(UInt8(ascii: "0"), count: 4 - digits.utf8.count))
    bytes += digits.utf8
  }
}
