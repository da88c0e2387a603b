// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import CHDF5
internal import OrderedCollections
internal import Tensors

extension HDF5Group {
  /// Reads the content of a file from its bytes.
  ///
  /// Only hard links to groups, one level of them, and to contiguous datasets of unsigned
  /// little-endian integers pass, so that no other file is opened whatever the bytes say, and no
  /// more memory is taken than the file has. The library reads headers; data are taken from the
  /// bytes. Metadata forged together with their checksums can crash libhdf5 1.10.8 itself: of a file
  /// from elsewhere, compare a digest with one that is trusted before reading it.
  ///
  /// - Parameter path: The name of the file in errors.
  /// - Throws: `HDF5Error` for the first object that is not allowed.
  /// - Complexity: O(n log n) for n objects, and O(bytes).
  public init(parsing bytes: [UInt8], of path: String) throws(HDF5Error) {
    self = try Library.locked { library throws(HDF5Error) in
      let place = Place(path: path)
      try FileReader.checkSuperblock(bytes, at: place)
      let list = try library.fileAccessList(at: place)
      try library.call("H5Pset_fapl_core", at: place) { H5Pset_fapl_core(list.id, 1 << 16, false) }
      try library.call("H5Pset_file_image", at: place) {
        // The library copies the bytes and changes nothing.
        unsafe bytes.withUnsafeBytes { buffer in
          unsafe H5Pset_file_image(
            list.id, UnsafeMutableRawPointer(mutating: buffer.baseAddress), buffer.count)
        }
      }
      let file = try Handle(library, "H5Fopen", at: place) {
        unsafe H5Fopen("image", chdf5_acc_rdonly(), list.id)
      }
      var reader = FileReader(file: file.id, bytes: bytes)
      return try reader.root(library, at: place)
    }
  }
}

/// One walk through a file: what has been seen so far and what may still come.
private struct FileReader {
  private let file: hid_t
  private let bytes: [UInt8]
  /// How much more names, attributes and data the file can hold.
  private var budget: Int
  /// The addresses of the headers seen.
  private var visited: Set<UInt64> = []
  /// Where the data of datasets are.
  private var extents: [(range: Range<Int>, place: Place)] = []

  init(file: hid_t, bytes: [UInt8]) {
    self.file = file
    self.bytes = bytes
    budget = bytes.count
  }

  /// Checks the first bytes: the signature, version 2 or 3, which have checksums, nothing before or
  /// after what the superblock covers, no extension, and no one who is writing.
  static func checkSuperblock(_ bytes: [UInt8], at place: Place) throws(HDF5Error) {
    let signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a]
    func field(_ offset: Int) -> UInt64 {
      bytes[offset..<offset + 8].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
    let isPlain =
      bytes.count >= 48 && bytes.starts(with: signature) && [2, 3].contains(bytes[8])
      && bytes[9] == 8 && bytes[10] == 8 && bytes[11] == 0 && field(12) == 0 && field(20) == .max
    guard isPlain, field(28) == UInt64(bytes.count) else {
      throw HDF5Error(
        .refused, at: place,
        expected:
          "an HDF5 superblock of version 2 or 3 without extension, for \(bytes.count) bytes",
        found: "other bytes")
    }
  }

  /// Reads everything from the root group on.
  mutating func root(_ library: borrowing Library, at place: Place) throws(HDF5Error) -> HDF5Group {
    let group = try Handle(library, "H5Gopen2", at: place) {
      unsafe H5Gopen2(file, "/", hid_t(H5P_DEFAULT))
    }
    let header = try library.header(of: ".", in: group.id, at: place)
    visited.insert(UInt64(header.address))
    let root = try read(library, group: group.id, header, depth: 0, at: place)
    let sorted = extents.sorted { $0.range.lowerBound < $1.range.lowerBound }
    for (first, second) in zip(sorted, sorted.dropFirst())
    where second.range.lowerBound < first.range.upperBound {
      throw HDF5Error(
        .refused, at: second.place, expected: "data of its own",
        found: "data that lie within those of \(first.place)")
    }
    return root
  }

  private mutating func read(
    _ library: borrowing Library, group: hid_t, _ header: chdf5_header, depth: Int, at place: Place
  ) throws(HDF5Error) -> HDF5Group {
    var result = HDF5Group()
    result.attributes = try attributes(library, of: group, header, at: place)
    for link in try library.links(of: group, atMost: budget, at: place) {
      let member = place.member(link.name)
      try spend(link.name.text.utf8.count + 8, at: member)
      let header = try library.header(of: link.name, in: group, at: member)
      guard UInt64(header.address) == link.address, visited.insert(link.address).inserted else {
        throw HDF5Error(
          .refused, at: member, expected: "an object with one link", found: "a way back to it")
      }
      // By address, so that no name is resolved again.
      let object = try Handle(library, "H5Oopen_by_addr", at: member) {
        H5Oopen_by_addr(file, header.address)
      }
      if header.type == H5O_TYPE_DATASET {
        let attributes = try attributes(library, of: object.id, header, at: member)
        let tensor = try tensor(library, of: object.id, at: member)
        result.datasets[link.name] = HDF5Dataset(tensor, attributes: attributes)
      } else {
        guard depth == 0 else {
          throw HDF5Error(.refused, at: member, expected: "a dataset", found: "a group in a group")
        }
        result.groups[link.name] = try read(
          library, group: object.id, header, depth: 1, at: member)
      }
    }
    return result
  }

  private mutating func attributes(
    _ library: borrowing Library, of object: hid_t, _ header: chdf5_header, at place: Place
  ) throws(HDF5Error) -> HDF5Attributes {
    var attributes: HDF5Attributes = [:]
    for index in 0..<Int(header.attribute_count) {
      let (name, value, byteCount) = try library.attribute(at: index, of: object, place)
      try spend(byteCount, at: place.attribute(name))
      guard attributes.updateValue(value, forKey: name) == nil else {
        throw HDF5Error(
          .refused, at: place.attribute(name), expected: "one attribute of this name", found: "two")
      }
    }
    return attributes
  }

  private mutating func tensor(
    _ library: borrowing Library, of dataset: hid_t, at place: Place
  ) throws(HDF5Error) -> Tensor {
    let (dtype, shape) = try library.contiguousData(of: dataset, at: place)
    let (offset, stored) = (H5Dget_offset(dataset), H5Dget_storage_size(dataset))
    let count: Int
    do {
      count = try shape.byteCount(of: dtype)
    } catch {
      throw HDF5Error(error, at: place)
    }
    let start = count == 0 ? 0 : Int(clamping: offset)
    guard stored == UInt64(count), start <= bytes.count, count <= bytes.count - start else {
      throw HDF5Error(
        .refused, at: place, expected: "data for shape \(shape) within the file",
        found: "\(stored) bytes at \(offset)")
    }
    try spend(count, at: place)
    if count > 0 { extents.append((start..<start + count, place)) }
    do {
      // Bytes have no padding that could be read uninitialized.
      let part = unsafe bytes.span.bytes.extracting(start..<start + count)
      return try Tensor(dtype, shape, storage: .copying(part))
    } catch {
      throw HDF5Error(error, at: place)
    }
  }

  /// Takes bytes from what the file can hold, which cannot be exceeded unless parts are shared.
  private mutating func spend(_ byteCount: Int, at place: Place) throws(HDF5Error) {
    budget -= byteCount
    guard budget >= 0 else {
      throw HDF5Error(
        .refused, at: place, expected: "content within \(bytes.count) bytes",
        found: "more than the file holds")
    }
  }
}
