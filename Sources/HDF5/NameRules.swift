// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import Tensors

/// What names may be in files that are written and in files that are read.
enum NameRules {
  /// Checks the name of a link: the library would split it at slashes and end it at a NUL.
  static func checkLink(_ name: TensorName, in group: Place) throws(HDF5Error) {
    let text = name.text
    let isPlain =
      !text.isEmpty && !isDots(text)
      && !text.utf8.contains { $0 == UInt8(ascii: "/") || $0 == 0 }
    guard isPlain else {
      throw HDF5Error(
        .invalidName, at: group, expected: "the name of one member of the group",
        found: "'\(Place.escaped(text))'",
        remedy: "use a name that is not empty, '.' or '..' and has no '/' and no NUL")
    }
  }

  /// Checks the name of an attribute: printable ASCII, the one form in which all libraries write it.
  static func checkAttribute(_ name: TensorName, of object: Place) throws(HDF5Error) {
    let isPlain = !name.text.isEmpty && name.text.utf8.allSatisfy { (0x20...0x7e).contains($0) }
    guard isPlain, name.text.utf8.count <= 255 else {
      throw HDF5Error(
        .invalidName, at: object, expected: "the name of an attribute",
        found: "'\(Place.escaped(name.text))'",
        remedy: "use 1 to 255 printable ASCII characters")
    }
  }

  private static func isDots(_ text: String) -> Bool { text == "." || text == ".." }
}
