// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import CHDF5
internal import OrderedCollections
internal import Tensors

/// One walk through a file: what has been seen so far and what may still come.
struct Inspection {
  private let file: hid_t
  private let limits: HDF5Limits
  private let fileByteCount: Int
  /// The addresses of the headers seen.
  private var visited: Set<UInt64> = []
  /// Where the data of datasets lie.
  private var extents: [(range: Range<UInt64>, place: Place)] = []
  /// The size of all names and attributes, which the file must hold.
  private var metadataByteCount = 0

  init(file: hid_t, fileByteCount: Int, limits: HDF5Limits) {
    self.file = file
    self.fileByteCount = fileByteCount
    self.limits = limits
  }

  /// Inspects everything from the root group on.
  mutating func run(
    _ library: borrowing Library, at place: Place
  ) throws(HDF5Error) -> HDF5Group<StoredTensor> {
    let group = try Handle(library, "H5Gopen2", at: place) {
      unsafe H5Gopen2(file, "/", hid_t(H5P_DEFAULT))
    }
    let header = try ObjectHeader(library, of: ".", in: group.id, at: place)
    try visit(header, at: place)
    guard header.kind == .group else {
      throw .refused(.forbiddenObject, at: place, expected: "a root group", found: "\(header.kind)")
    }
    let root = try inspect(library, group: group.id, header, depth: 0, at: place)
    try checkExtents()
    return root
  }

  private mutating func inspect(
    _ library: borrowing Library, group: hid_t, _ header: ObjectHeader, depth: Int, at place: Place
  ) throws(HDF5Error) -> HDF5Group<StoredTensor> {
    var result = HDF5Group<StoredTensor>()
    result.attributes = try attributes(library, of: group, header, at: place)
    let links = try LinkList(
      library, of: group, atMost: limits.objectCount - visited.count, at: place)
    for link in links.links {
      let member = place.member(link.name)
      try count(link.name.text.utf8.count, at: member)
      let header = try ObjectHeader(library, of: link.name, in: group, at: member)
      guard header.address == link.address else {
        throw .refused(
          .forbiddenLink, at: member, expected: "a link to one object", found: "two objects")
      }
      try visit(header, at: member)
      // By address, so that no name is resolved again.
      let object = try Handle(library, "H5Oopen_by_addr", at: member) {
        H5Oopen_by_addr(file, haddr_t(header.address))
      }
      switch header.kind {
      case .dataset:
        let attributes = try attributes(library, of: object.id, header, at: member)
        let data = try inspect(library, dataset: object.id, header, at: member)
        result.datasets[link.name] = HDF5Dataset(data, attributes: attributes)
      case .group:
        guard depth < limits.groupDepth else {
          throw .refused(
            .tooDeep, at: member, expected: "at most \(limits.groupDepth) groups within each other",
            found: "one more")
        }
        result.groups[link.name] = try inspect(
          library, group: object.id, header, depth: depth + 1, at: member)
      }
    }
    return result
  }

  private mutating func inspect(
    _ library: borrowing Library, dataset: hid_t, _ header: ObjectHeader, at place: Place
  ) throws(HDF5Error) -> StoredTensor {
    let layout = try DatasetLayout(library, of: dataset, limits: limits, at: place)
    if let offset = layout.offset {
      let end = offset.addingReportingOverflow(UInt64(layout.byteCount))
      guard !end.overflow, end.partialValue <= UInt64(fileByteCount) else {
        throw .refused(
          .wrongStoragePlace, at: place, expected: "data within \(fileByteCount) bytes",
          found: "\(layout.byteCount) bytes at \(offset)")
      }
      extents.append((offset..<end.partialValue, place))
    }
    return StoredTensor(
      elementByteCount: layout.elementByteCount, shape: layout.shape, byteCount: layout.byteCount,
      address: header.address)
  }

  private mutating func attributes(
    _ library: borrowing Library, of object: hid_t, _ header: ObjectHeader, at place: Place
  ) throws(HDF5Error) -> HDF5Attributes {
    var attributes: HDF5Attributes = [:]
    for index in 0..<header.attributeCount {
      let stored = try StoredAttribute(library, at: index, of: object, place)
      let attributePlace = place.attribute(stored.name)
      try count(stored.byteCount, at: attributePlace)
      guard attributes.updateValue(stored.value, forKey: stored.name) == nil else {
        throw .refused(
          .duplicateName, at: attributePlace, expected: "one attribute of this name", found: "two")
      }
    }
    return attributes
  }

  /// Remembers an object, which must not have been seen before.
  private mutating func visit(_ header: ObjectHeader, at place: Place) throws(HDF5Error) {
    guard visited.insert(header.address).inserted, header.linkCount == 1 else {
      throw .refused(
        .sharedObject, at: place, expected: "an object with one link",
        found: "\(header.linkCount) links, or a way back to it")
    }
    guard visited.count <= limits.objectCount else {
      throw HDF5Error(
        .overLimit, at: place, expected: "at most \(limits.objectCount) objects", found: "more",
        remedy: "check the file or raise the limit")
    }
  }

  /// Adds to the size of names and attributes, which cannot exceed the file unless parts are shared.
  private mutating func count(_ byteCount: Int, at place: Place) throws(HDF5Error) {
    metadataByteCount += byteCount
    guard metadataByteCount <= fileByteCount else {
      throw .refused(
        .overLimit, at: place, expected: "names and attributes within \(fileByteCount) bytes",
        found: "more than the file holds")
    }
  }

  /// Checks that no two datasets share data.
  private func checkExtents() throws(HDF5Error) {
    let sorted = extents.sorted { $0.range.lowerBound < $1.range.lowerBound }
    for (first, second) in zip(sorted, sorted.dropFirst())
    where second.range.lowerBound < first.range.upperBound {
      throw .refused(
        .wrongStoragePlace, at: second.place, expected: "data of its own",
        found: "data that lie within those of \(first.place)")
    }
  }
}
