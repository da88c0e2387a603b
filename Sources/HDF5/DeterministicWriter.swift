// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import CHDF5
public import Files
internal import OrderedCollections
internal import Tensors

extension HDF5Group {
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
    try FileSystem.replace(path, failure: HDF5Error.init) { file throws(HDF5Error) in
      let temporary = file.path
      try Library.locked { library throws(HDF5Error) in
        let recipe = try DeterministicWriter(library, at: place)
        try recipe.write(self, to: temporary, library, at: place)
      }
    }
  }
}

/// How files are written, so that their bytes depend on the content alone.
///
/// No times, not even the root group's; contiguous data; one range of formats; explicit types;
/// members and attributes in the order of their names' UTF-8 bytes. Generators/python/tools/
/// make_hdf5_fixtures.py holds the same recipe.
struct DeterministicWriter: ~Copyable, ~Escapable {
  private let fileAccess: Handle
  private let fileCreation: Handle
  private let groupCreation: Handle
  private let datasetCreation: Handle
  private let linkCreation: Handle
  private let scalar: Handle

  @_lifetime(borrow library)
  init(_ library: borrowing Library, at place: Place) throws(HDF5Error) {
    let fileAccess = try library.fileAccessList(at: place)
    let fileCreation = try library.untimedList(chdf5_file_create(), at: place)
    let groupCreation = try library.untimedList(chdf5_group_create(), at: place)
    let datasetCreation = try library.untimedList(chdf5_dataset_create(), at: place)
    let linkCreation = try library.propertyList(chdf5_link_create(), at: place)
    let scalar = try Handle(library, "H5Screate", at: place) { H5Screate(H5S_SCALAR) }
    try library.call("H5Pset_layout", at: place) {
      H5Pset_layout(datasetCreation.id, H5D_CONTIGUOUS)
    }
    try library.call("H5Pset_char_encoding", at: place) {
      H5Pset_char_encoding(linkCreation.id, H5T_CSET_UTF8)
    }
    self.fileAccess = fileAccess
    self.fileCreation = fileCreation
    self.groupCreation = groupCreation
    self.datasetCreation = datasetCreation
    self.linkCreation = linkCreation
    self.scalar = scalar
  }

  /// Writes a file over an empty one.
  func write(
    _ root: HDF5Group, to temporary: String, _ library: borrowing Library, at place: Place
  ) throws(HDF5Error) {
    let file = try Handle(library, "H5Fcreate", at: place) {
      unsafe H5Fcreate(temporary, chdf5_acc_trunc(), fileCreation.id, fileAccess.id)
    }
    let group = try Handle(library, "H5Gopen2", at: place) {
      unsafe H5Gopen2(file.id, "/", hid_t(H5P_DEFAULT))
    }
    try write(root, to: group.id, library, at: place)
    try group.close(library, at: place)
    // Closing writes what is still in memory; an error of that is an error of the file.
    try library.call("H5Fflush", at: place) { H5Fflush(file.id, H5F_SCOPE_GLOBAL) }
    try file.close(library, at: place)
  }

  private func write(
    _ group: HDF5Group, to id: hid_t, _ library: borrowing Library, at place: Place
  ) throws(HDF5Error) {
    try write(group.attributes, to: id, library, at: place)
    for name in (Array(group.groups.keys) + Array(group.datasets.keys)).sorted() {
      let member = place.member(name)
      if let inner = group.groups[name] {
        let created = try Handle(library, "H5Gcreate2", at: member) {
          unsafe H5Gcreate2(
            id, name.text, linkCreation.id, groupCreation.id, hid_t(H5P_DEFAULT))
        }
        try write(inner, to: created.id, library, at: member)
        try created.close(library, at: member)
      } else if let dataset = group.datasets[name] {
        try write(dataset, named: name, to: id, library, at: member)
      }
    }
  }

  private func write(
    _ dataset: HDF5Dataset, named name: TensorName, to group: hid_t,
    _ library: borrowing Library, at place: Place
  ) throws(HDF5Error) {
    let tensor = dataset.tensor
    let type = library.typeNumber(tensor.dtype)
    let space = try library.dataspace(tensor.shape, at: place)
    let created = try Handle(library, "H5Dcreate2", at: place) {
      unsafe H5Dcreate2(
        group, name.text, type, space.id, linkCreation.id, datasetCreation.id,
        hid_t(H5P_DEFAULT))
    }
    if tensor.byteCount > 0 {
      let all = hid_t(H5S_ALL)
      try library.call("H5Dwrite", at: place) {
        // The tensor holds as many bytes as type and dataspace say.
        unsafe tensor.withUnsafeBytes { bytes in
          unsafe H5Dwrite(created.id, type, all, all, hid_t(H5P_DEFAULT), bytes.baseAddress)
        }
      }
    }
    try write(dataset.attributes, to: created.id, library, at: place)
    try created.close(library, at: place)
  }

  private func write(
    _ attributes: HDF5Attributes, to object: hid_t, _ library: borrowing Library, at place: Place
  ) throws(HDF5Error) {
    for (name, value) in attributes.elements.sorted(by: { $0.key < $1.key }) {
      let place = place.attribute(name)
      switch value {
      case .number(let number):
        let bytes = (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
        try write(bytes, as: chdf5_u64(), named: name, to: object, library, at: place)
      case .text(let text):
        // Types have at least one byte; the padding is no part of the text.
        let bytes = text.isEmpty ? [0] : Array(text.utf8)
        let type = try library.textType(byteCount: bytes.count, at: place)
        try write(bytes, as: type.id, named: name, to: object, library, at: place)
      }
    }
  }

  private func write(
    _ bytes: [UInt8], as type: hid_t, named name: TensorName, to object: hid_t,
    _ library: borrowing Library, at place: Place
  ) throws(HDF5Error) {
    let created = try Handle(library, "H5Acreate2", at: place) {
      unsafe H5Acreate2(
        object, name.text, type, scalar.id, hid_t(H5P_DEFAULT), hid_t(H5P_DEFAULT))
    }
    try library.call("H5Awrite", at: place) {
      // One value of the type has as many bytes as the array.
      unsafe bytes.withUnsafeBufferPointer { unsafe H5Awrite(created.id, type, $0.baseAddress) }
    }
    try created.close(library, at: place)
  }
}

extension Library {
  @_lifetime(borrow self)
  fileprivate func untimedList(_ class: hid_t, at place: Place) throws(HDF5Error) -> Handle {
    let list = try propertyList(`class`, at: place)
    try call("H5Pset_obj_track_times", at: place) { H5Pset_obj_track_times(list.id, false) }
    return list
  }

  @_lifetime(borrow self)
  fileprivate func dataspace(_ shape: Shape, at place: Place) throws(HDF5Error) -> Handle {
    guard shape.rank > 0 else {
      return try Handle(self, "H5Screate", at: place) { H5Screate(H5S_SCALAR) }
    }
    let extents = shape.extents.map(hsize_t.init)
    return try Handle(self, "H5Screate_simple", at: place) {
      // The library copies as many extents as there are axes.
      unsafe extents.withUnsafeBufferPointer { extents in
        unsafe H5Screate_simple(Int32(extents.count), extents.baseAddress, nil)
      }
    }
  }

  /// The type of UTF-8 text of a fixed length, padded with NUL.
  @_lifetime(borrow self)
  fileprivate func textType(byteCount: Int, at place: Place) throws(HDF5Error) -> Handle {
    let type = try Handle(self, "H5Tcopy", at: place) { H5Tcopy(chdf5_string()) }
    try call("H5Tset_size", at: place) { H5Tset_size(type.id, byteCount) }
    try call("H5Tset_strpad", at: place) { H5Tset_strpad(type.id, H5T_STR_NULLPAD) }
    try call("H5Tset_cset", at: place) { H5Tset_cset(type.id, H5T_CSET_UTF8) }
    return type
  }
}
