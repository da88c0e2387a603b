// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import StrictJSON

/// The free-form `__metadata__` of a safetensors file: strings by keys, in order.
///
/// Files are written with the keys sorted by UTF-8 bytes, because the order in which the original
/// library writes them changes from run to run.
public struct SafetensorsMetadata: Sendable, Hashable, ExpressibleByDictionaryLiteral {
  var object: JSONObject

  init(_ object: JSONObject) {
    self.object = object
  }

  /// Creates metadata from a literal; of pairs with the same key the last counts.
  public init(dictionaryLiteral elements: (String, String)...) {
    object = JSONObject(elements.map { ($0, .string($1)) })
  }

  /// The pairs in order.
  public var pairs: [(key: String, value: String)] {
    object.members.map { ($0, $1.stringValue ?? "") }
  }

  /// The value of a key; setting nil removes the pair.
  public subscript(key: String) -> String? {
    get { object[key]?.stringValue }
    set { object[key] = newValue.map { .string($0) } }
  }

  /// The pairs sorted by the UTF-8 bytes of their keys, as JSON.
  var sortedObject: JSONObject {
    JSONObject(object.members.sorted { $0.0.utf8.lexicographicallyPrecedes($1.0.utf8) })
  }
}
