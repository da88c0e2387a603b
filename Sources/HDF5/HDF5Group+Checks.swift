// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import OrderedCollections
internal import Tensors

extension HDF5Group {
  /// Checks all that can be wrong with content that is to be written.
  func check(at place: Place) throws(HDF5Error) {
    try Self.check(attributes, at: place)
    for (name, group) in groups {
      try Self.checkLink(name, in: place)
      guard datasets[name] == nil else {
        throw HDF5Error(
          .duplicateName, at: place.member(name), expected: "one member of this name",
          found: "a group and a dataset", remedy: "rename one of them")
      }
      try group.check(at: place.member(name))
    }
    for (name, dataset) in datasets {
      try Self.checkLink(name, in: place)
      try Self.check(dataset.attributes, at: place.member(name))
      guard dataset.tensor.shape.rank <= HDF5Dataset.maximumRank else {
        throw HDF5Error(
          .invalidShape, at: place.member(name),
          expected: "at most \(HDF5Dataset.maximumRank) axes", found: "\(dataset.tensor.shape)",
          remedy: "merge axes")
      }
    }
  }

  private static func check(_ attributes: HDF5Attributes, at place: Place) throws(HDF5Error) {
    guard attributes.count <= HDF5Attribute.maximumCount else {
      throw HDF5Error(
        .tooManyAttributes, at: place,
        expected: "at most \(HDF5Attribute.maximumCount) attributes", found: "\(attributes.count)",
        remedy: "join some of them in one text")
    }
    for (name, value) in attributes {
      // Printable ASCII is the one form in which all libraries write names.
      let isPlain = !name.text.isEmpty && name.text.utf8.allSatisfy { (0x20...0x7e).contains($0) }
      guard isPlain, name.text.utf8.count <= 255 else {
        throw HDF5Error(
          .invalidName, at: place, expected: "the name of an attribute",
          found: "'\(Place.escaped(name.text))'",
          remedy: "use 1 to 255 printable ASCII characters")
      }
      guard case .text(let text) = value else { continue }
      let limit = HDF5Attribute.maximumTextByteCount
      guard text.utf8.count <= limit, !text.utf8.contains(0) else {
        throw HDF5Error(
          .invalidAttribute, at: place.attribute(name),
          expected: "at most \(limit) bytes of text without NUL",
          found: "\(text.utf8.count) bytes\(text.utf8.contains(0) ? " with NUL" : "")",
          remedy: "store large data as a dataset")
      }
    }
  }

  /// Checks the name of a link: the library would split it at slashes and end it at a NUL.
  static func checkLink(_ name: TensorName, in group: Place) throws(HDF5Error) {
    let text = name.text
    let isPlain =
      !["", ".", ".."].contains(text)
      && !text.utf8.contains { $0 == UInt8(ascii: "/") || $0 == 0 }
    guard isPlain else {
      throw HDF5Error(
        .invalidName, at: group, expected: "the name of one member of the group",
        found: "'\(Place.escaped(text))'",
        remedy: "use a name that is not empty, '.' or '..' and has no '/' and no NUL")
    }
  }
}
