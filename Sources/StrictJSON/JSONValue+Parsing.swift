// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

extension JSONValue {
  /// How deeply arrays and objects may be nested unless told otherwise.
  public static let defaultMaximumDepth = 64

  /// Parses a text that holds one value and nothing else.
  ///
  /// - Throws: `JSONError`.
  /// - Complexity: O(bytes).
  public init(parsing bytes: RawSpan, maximumDepth: Int = defaultMaximumDepth)
    throws(JSONError)
  {
    var reader = JSONReader(bytes, maximumDepth: maximumDepth)
    self = try reader.readValue()
    try reader.finish()
  }

  /// Parses a text that holds one value and nothing else.
  ///
  /// - Throws: `JSONError`.
  /// - Complexity: O(bytes).
  public init(parsing bytes: [UInt8], maximumDepth: Int = defaultMaximumDepth)
    throws(JSONError)
  {
    // Bytes have no padding that could be read uninitialized.
    try self.init(parsing: unsafe bytes.span.bytes, maximumDepth: maximumDepth)
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
      while let key = try nextKey() { object.append(try readValue(), forNewKey: key) }
      return .object(object)
    }
  }
}
