// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import Tensors

/// A file, an object in it, or an attribute of an object.
struct Place: CustomStringConvertible {
  var path: String
  var object: [TensorName] = []
  var attribute: TensorName?

  /// The place of a member of this group.
  func member(_ name: TensorName) -> Place {
    Place(path: path, object: object + [name])
  }

  /// The place of an attribute of this object.
  func attribute(_ name: TensorName) -> Place {
    Place(path: path, object: object, attribute: name)
  }

  var description: String {
    var text = Self.escaped(path)
    if !object.isEmpty {
      text += ", '" + object.map { "/" + Self.escaped($0.text) }.joined() + "'"
    }
    if let attribute { text += ", attribute '\(Self.escaped(attribute.text))'" }
    return text
  }

  /// Untrusted text that cannot break a message.
  static func escaped(_ text: String) -> String {
    let shown = text.unicodeScalars.prefix(200).map { $0.escaped(asASCII: false) }.joined()
    return text.unicodeScalars.count > 200 ? shown + "..." : shown
  }
}
