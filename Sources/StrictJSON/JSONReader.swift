// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import OrderedCollections

/// Reads a JSON text of untrusted bytes value by value, without building a tree.
///
/// After `beginObject` call `nextKey` and read one value for each key until it returns nil; after
/// `beginArray` call `nextElement` and read one value each until it returns false.
public struct JSONReader: ~Escapable {
  let bytes: Span<UInt8>
  let maximumDepth: Int
  let acceptsNonFinite: Bool
  private var frames: [Frame] = []
  /// The offset of the next byte to read.
  public internal(set) var offset = 0
  /// The offset at which the last key, scalar or opening bracket began.
  public internal(set) var tokenOffset = 0

  /// An array or object that is being read.
  private struct Frame {
    let isObject: Bool
    var count = 0
    var keys: OrderedSet<JSONKey> = []
  }

  /// Creates a reader over a text.
  ///
  /// - Parameter acceptsNonFinite: Whether `NaN`, `Infinity` and `-Infinity` are numbers, as Python has it.
  @_lifetime(copy bytes)
  public init(
    _ bytes: RawSpan, maximumDepth: Int = JSONValue.defaultMaximumDepth,
    acceptsNonFinite: Bool = false
  ) {
    self.bytes = Span(_bytes: bytes)
    self.maximumDepth = maximumDepth
    self.acceptsNonFinite = acceptsNonFinite
  }

  /// Enters an object.
  ///
  /// - Throws: `JSONError`.
  public mutating func beginObject() throws(JSONError) {
    try begin(.object)
  }

  /// Enters an array.
  ///
  /// - Throws: `JSONError`.
  public mutating func beginArray() throws(JSONError) {
    try begin(.array)
  }

  private mutating func begin(_ kind: JSONKind) throws(JSONError) {
    try expect(kind)
    guard frames.count < maximumDepth else {
      throw error(
        .tooDeep, at: offset, expected: "at most \(maximumDepth) nested arrays and objects",
        found: "one more")
    }
    tokenOffset = offset
    offset += 1
    frames.append(Frame(isObject: kind == .object))
  }

  /// Returns the next key of the innermost object, or nil having left the object.
  ///
  /// - Throws: `JSONError`, also for a key that the object already has.
  public mutating func nextKey() throws(JSONError) -> String? {
    guard try advance(past: UInt8(ascii: "}"), expected: "a key in quotes") else { return nil }
    guard offset < bytes.count, bytes[offset] == UInt8(ascii: "\"") else {
      throw syntaxError(expected: "a key in quotes")
    }
    let key = try readStringToken()
    guard frames[frames.count - 1].keys.append(JSONKey(key)).inserted else {
      throw error(
        .duplicateKey, at: tokenOffset, expected: "different keys",
        found: "the key \(JSONPath.quoted(key)) twice")
    }
    skipWhitespace()
    guard offset < bytes.count, bytes[offset] == UInt8(ascii: ":") else {
      throw syntaxError(expected: "':' after the key")
    }
    offset += 1
    return key
  }

  /// Moves to the next element of the innermost array, or returns false having left the array.
  ///
  /// - Throws: `JSONError`.
  public mutating func nextElement() throws(JSONError) -> Bool {
    try advance(past: UInt8(ascii: "]"), expected: "a value")
  }

  /// Moves past the comma before the next item, or past the closing bracket.
  private mutating func advance(past closing: UInt8, expected: String) throws(JSONError) -> Bool {
    precondition(
      frames.last?.isObject == (closing == UInt8(ascii: "}")), "the reader is not in this container"
    )
    let isFirst = frames[frames.count - 1].count == 0
    skipWhitespace()
    if offset < bytes.count, bytes[offset] == closing {
      frames.removeLast()
      offset += 1
      return false
    }
    if !isFirst {
      guard offset < bytes.count, bytes[offset] == UInt8(ascii: ",") else {
        throw syntaxError(expected: "',' or '\(Unicode.Scalar(closing))'")
      }
      let comma = offset
      offset += 1
      skipWhitespace()
      if offset < bytes.count, bytes[offset] == closing {
        throw error(.trailingComma, at: comma, expected: "\(expected) after the comma")
      }
    }
    frames[frames.count - 1].count += 1
    return true
  }

  /// Checks that nothing but white space follows the value.
  ///
  /// - Throws: `JSONError`.
  public mutating func finish() throws(JSONError) {
    skipWhitespace()
    guard offset == bytes.count else {
      throw error(.trailingBytes, at: offset, expected: "nothing after the value")
    }
  }

  /// The path of the value that is being read, as in `$.weight_map["a.b"]`.
  public var path: String {
    frames.reduce("$") { path, frame in
      guard frame.count > 0 else { return path }
      guard frame.isObject else { return path + "[\(frame.count - 1)]" }
      // The key of a member is not known while it is being read.
      guard frame.keys.count == frame.count, let key = frame.keys.last else { return path }
      return path + JSONPath.component(key.text)
    }
  }
}
