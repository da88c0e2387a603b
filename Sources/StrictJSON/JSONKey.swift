// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

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
