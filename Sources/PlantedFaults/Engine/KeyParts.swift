// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// The components of a key that faults look at.
struct KeyParts {
  private var parts: [String]
  private let layerPlace: Int?
  private let expertPlace: Int?

  init(_ text: String) {
    parts = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    layerPlace = Self.number(behind: "layers", in: parts)
    expertPlace = Self.number(behind: "experts", in: parts)
  }

  private static func number(behind word: String, in parts: [String]) -> Int? {
    guard let place = parts.firstIndex(of: word), parts.indices.contains(place + 1),
      Int(parts[place + 1]) != nil
    else { return nil }
    return place + 1
  }

  var text: String { parts.joined(separator: ".") }

  /// The digits of the layer, if there are any.
  var layerDigits: String? {
    get { layerPlace.map { parts[$0] } }
    set { if let layerPlace, let newValue { parts[layerPlace] = newValue } }
  }

  /// The digits of the expert, if there are any.
  var expertDigits: String? {
    get { expertPlace.map { parts[$0] } }
    set { if let expertPlace, let newValue { parts[expertPlace] = newValue } }
  }

  var layer: Int? {
    get { layerDigits.flatMap { Int($0) } }
    set { layerDigits = newValue.map(String.init) }
  }

  var expert: Int? {
    get { expertDigits.flatMap { Int($0) } }
    set { expertDigits = newValue.map(String.init) }
  }

  /// What stands before `layers.`, or nil of a key without layer.
  var prefix: String? {
    layerPlace.map { place in parts[..<(place - 1)].map { "\($0)." }.joined() }
  }

  /// What stands behind the layer's number.
  var rest: String? {
    layerPlace.map { parts[($0 + 1)...].joined(separator: ".") }
  }
}

extension String {
  /// The key with its components edited.
  func editingKey(_ edit: (inout KeyParts) -> Void) -> String {
    var parts = KeyParts(self)
    edit(&parts)
    return parts.text
  }
}
