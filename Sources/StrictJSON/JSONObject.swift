// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// The members of a JSON object in the order of the text, with unique keys.
///
/// Keys are compared by their UTF-8 bytes. Equality includes the order.
public struct JSONObject: Sendable {
  private var table = JSONKeyTable()
  private var values: [JSONValue] = []

  /// Creates an object without members.
  public init() {}

  /// Creates an object from members in order; of members with the same key the last value counts.
  public init(_ members: some Sequence<(String, JSONValue)>) {
    for (key, value) in members { self[key] = value }
  }

  /// The number of members.
  public var count: Int { values.count }

  /// Whether there are no members.
  public var isEmpty: Bool { values.isEmpty }

  /// The keys in order.
  public var keys: [String] { table.keys }

  /// The members in order.
  public var members: Zip2Sequence<[String], [JSONValue]> { zip(table.keys, values) }

  /// The value of a key; setting replaces it in place or appends a member, nil removes it.
  ///
  /// - Complexity: O(1), but O(members) to remove.
  public subscript(key: String) -> JSONValue? {
    get { table.position(of: key).map { values[$0] } }
    set {
      switch (table.position(of: key), newValue) {
      case (let position?, let value?):
        values[position] = value
      case (nil, let value?):
        append(value, forNewKey: key)
      case (let position?, nil):
        var kept = JSONObject()
        for (index, member) in members.enumerated() where index != position {
          kept.append(member.1, forNewKey: member.0)
        }
        self = kept
      case (nil, nil):
        break
      }
    }
  }

  /// Appends a member whose key is not in the object.
  mutating func append(_ value: JSONValue, forNewKey key: String) {
    table.append(key)
    values.append(value)
  }
}

extension JSONObject: Hashable {
  /// Whether both have the same members in the same order.
  public static func == (lhs: JSONObject, rhs: JSONObject) -> Bool {
    lhs.keys.elementsEqual(rhs.keys) { $0.hasSameBytes(as: $1) } && lhs.values == rhs.values
  }

  /// Feeds the members to the hasher.
  public func hash(into hasher: inout Hasher) {
    for key in keys { hasher.combine(JSONKey(key)) }
    hasher.combine(values)
  }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
  /// Creates an object from a literal.
  public init(dictionaryLiteral elements: (String, JSONValue)...) {
    self.init(elements)
  }
}

/// A string that is equal and hashed by its UTF-8 bytes, as keys of JSON objects are.
struct JSONKey: Hashable {
  let text: String

  init(_ text: String) {
    var text = text
    text.makeContiguousUTF8()
    self.text = text
  }

  static func == (lhs: JSONKey, rhs: JSONKey) -> Bool {
    lhs.text.hasSameBytes(as: rhs.text)
  }

  func hash(into hasher: inout Hasher) {
    // The buffer is used only during the call.
    _ = unsafe text.utf8.withContiguousStorageIfAvailable {
      unsafe hasher.combine(bytes: UnsafeRawBufferPointer($0))
    }
  }
}

extension String {
  /// Whether both have the same UTF-8 bytes, where `==` compares by canonical equivalence.
  func hasSameBytes(as other: String) -> Bool {
    utf8.count == other.utf8.count && utf8.elementsEqual(other.utf8)
  }
}

/// The keys of an object in order, found by their bytes in constant time.
struct JSONKeyTable: Sendable {
  private(set) var keys: [String] = []
  // Most objects are small; scanning them is faster than hashing.
  private var positions: [JSONKey: Int] = [:]
  private static let scanLimit = 8

  func position(of key: String) -> Int? {
    keys.count <= Self.scanLimit
      ? keys.firstIndex { $0.hasSameBytes(as: key) } : positions[JSONKey(key)]
  }

  /// Appends a key that is not in the table.
  mutating func append(_ key: String) {
    keys.append(key)
    if keys.count == Self.scanLimit + 1 {
      for (position, key) in keys.enumerated() { positions[JSONKey(key)] = position }
    } else if keys.count > Self.scanLimit {
      positions[JSONKey(key)] = keys.count - 1
    }
  }
}
