// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import OrderedCollections
public import Tensors

extension HDF5Group where Data == Tensor {
  /// Writes a file with this content under a temporary name and then moves it into place, durably.
  ///
  /// Equal contents give equal bytes with every version of libhdf5 from 1.10.8 to 2.0, whatever the
  /// order of the dictionaries. A file of that name is replaced; if writing fails, it stays.
  ///
  /// - Throws: `HDF5Error`; for content that cannot be written, before a file is touched.
  /// - Complexity: O(bytes), and O(n log n) for n members of a group.
  public func write(to path: String) throws(HDF5Error) {
    let place = Place(path: path)
    try check(at: place)
    try NewFile.make(path) { temporary throws(HDF5Error) in
      try Library.locked { library throws(HDF5Error) in
        let recipe = try Recipe(library, at: place)
        try recipe.write(self, to: temporary, library, at: place)
      }
    }
  }

  /// Checks all that can be wrong with the content.
  private func check(at place: Place) throws(HDF5Error) {
    try Self.check(attributes, at: place)
    for (name, group) in groups {
      try NameRules.checkLink(name, in: place)
      guard datasets[name] == nil else {
        throw HDF5Error(
          .duplicateName, at: place.member(name), expected: "one member of this name",
          found: "a group and a dataset", remedy: "rename one of them")
      }
      try group.check(at: place.member(name))
    }
    for (name, dataset) in datasets {
      try NameRules.checkLink(name, in: place)
      try Self.check(dataset.attributes, at: place.member(name))
      guard dataset.data.shape.rank <= HDF5Limits.maximumRank else {
        throw HDF5Error(
          .invalidShape, at: place.member(name),
          expected: "at most \(HDF5Limits.maximumRank) axes", found: "\(dataset.data.shape)",
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
      try NameRules.checkAttribute(name, of: place)
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
}
