// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Files
internal import Tensors

/// What is wrong with an HDF5 file or with what is to be one, where, and what helps.
public typealias HDF5Error = PlacedError<HDF5Fault>

/// What can be wrong with an HDF5 file or with what is to be one.
public enum HDF5Fault: String, FileFaultKind, CaseIterable {
  /// A system call failed.
  case file
  /// A call of the HDF5 library failed.
  case library
  /// The system has no memory for a tensor.
  case outOfMemory
  /// A group, tensor or attribute may not have this name.
  case invalidName
  /// Two members of a group have one name.
  case duplicateName
  /// An object has more attributes than the format of the files allows.
  case tooManyAttributes
  /// An attribute is not a short text or one 64-bit number.
  case invalidAttribute
  /// A tensor has too many axes or its size overflows.
  case invalidShape
  /// A file holds what these files never need.
  case refused
}

extension HDF5Error {
  init(
    _ code: HDF5Fault, at place: Place, expected: String, found: String,
    remedy: String = "do not trust this file; make it again with this package's recipe"
  ) {
    self.init(code, place.description, expected: expected, found: found, remedy: remedy)
  }

  /// The error of a tensor's shape or memory.
  init(_ error: TensorError, at place: Place) {
    let code: HDF5Fault = if case .outOfMemory = error { .outOfMemory } else { .invalidShape }
    self.init(
      code, at: place, expected: "a tensor that fits in memory", found: "\(error)",
      remedy: "use smaller tensors or a machine with more memory")
  }
}

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
