// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import OrderedCollections

/// The members of a JSON object in the order of the text, with unique keys.
///
/// Keys are compared by their UTF-8 bytes. Equality includes the order.
public struct JSONObject: Sendable, Hashable {
  private var storage: OrderedDictionary<JSONKey, JSONValue> = [:]

  /// Creates an object without members.
  public init() {}

  /// Creates an object from members in order; of members with the same key the last value counts.
  public init(_ members: some Sequence<(String, JSONValue)>) {
    for (key, value) in members { self[key] = value }
  }

  /// The number of members.
  public var count: Int { storage.count }

  /// The keys in order.
  public var keys: [String] { storage.keys.map(\.text) }

  /// The members in order.
  public var members: [(String, JSONValue)] { storage.map { ($0.key.text, $0.value) } }

  /// The value of a key; setting replaces it in place or appends a member, nil removes it.
  ///
  /// - Complexity: O(1), but O(members) to remove.
  public subscript(key: String) -> JSONValue? {
    get { storage[JSONKey(key)] }
    set { storage[JSONKey(key)] = newValue }
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
    lhs.text.utf8.count == rhs.text.utf8.count && lhs.text.utf8.elementsEqual(rhs.text.utf8)
  }

  func hash(into hasher: inout Hasher) {
    // The buffer is used only during the call.
    _ = unsafe text.utf8.withContiguousStorageIfAvailable {
      unsafe hasher.combine(bytes: UnsafeRawBufferPointer($0))
    }
  }
}
