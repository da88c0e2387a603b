// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import CHDF5
internal import Tensors

/// Type, shape and place of the data of an open dataset, found to be allowed; no data are read.
struct DatasetLayout {
  let elementByteCount: Int
  let shape: Shape
  let byteCount: Int
  /// Where the data begin in the file; nil if there are none.
  let offset: UInt64?

  init(
    _ library: borrowing Library, of dataset: hid_t, limits: HDF5Limits, at place: Place
  ) throws(HDF5Error) {
    try Self.checkCreationList(library, of: dataset, at: place)
    elementByteCount = try Self.elementByteCount(library, of: dataset, at: place)
    shape = try Self.shape(library, of: dataset, at: place)
    let (product, overflow) = shape.elementCount.multipliedReportingOverflow(by: elementByteCount)
    guard !overflow, product <= limits.datasetByteCount else {
      throw HDF5Error(
        .overLimit, at: place, expected: "at most \(limits.datasetByteCount) bytes",
        found: "\(shape) of \(elementByteCount) bytes each",
        remedy: "check the file or raise the limit")
    }
    byteCount = product
    let stored = H5Dget_storage_size(dataset)
    guard stored == UInt64(byteCount) else {
      throw .refused(
        .wrongStorageSize, at: place, expected: "\(byteCount) stored bytes for shape \(shape)",
        found: "\(stored)")
    }
    guard byteCount > 0 else {
      offset = nil
      return
    }
    let address = H5Dget_offset(dataset)
    guard address != chdf5_undefined_address() else {
      throw .refused(
        .wrongStoragePlace, at: place, expected: "data in the file", found: "none")
    }
    offset = UInt64(address)
  }

  private static func checkCreationList(
    _ library: borrowing Library, of dataset: hid_t, at place: Place
  ) throws(HDF5Error) {
    let list = try Handle(library, "H5Dget_create_plist", at: place) {
      H5Dget_create_plist(dataset)
    }
    let layout = H5Pget_layout(list.id)
    guard layout == H5D_CONTIGUOUS else {
      let kind =
        switch layout {
        case H5D_COMPACT: "compact"
        case H5D_CHUNKED: "chunked"
        case H5D_VIRTUAL: "virtual: parts of other datasets"
        default: "unknown"
        }
      throw .refused(.forbiddenLayout, at: place, expected: "contiguous data", found: kind)
    }
    let filters = try library.call("H5Pget_nfilters", at: place) { H5Pget_nfilters(list.id) }
    guard filters == 0 else {
      throw .refused(.forbiddenFilter, at: place, expected: "no filters", found: "\(filters)")
    }
    let files = try library.call("H5Pget_external_count", at: place) {
      H5Pget_external_count(list.id)
    }
    guard files == 0 else {
      throw .refused(
        .externalStorage, at: place, expected: "data in this file", found: "in \(files) others")
    }
  }

  private static func elementByteCount(
    _ library: borrowing Library, of dataset: hid_t, at place: Place
  ) throws(HDF5Error) -> Int {
    let type = try Handle(library, "H5Dget_type", at: place) { H5Dget_type(dataset) }
    let isCommitted = try library.ask("H5Tcommitted", at: place) { H5Tcommitted(type.id) }
    for (byteCount, id) in ElementType.all where !isCommitted {
      let isEqual = try library.ask("H5Tequal", at: place) { H5Tequal(type.id, id) }
      if isEqual { return byteCount }
    }
    throw .refused(
      .forbiddenType, at: place,
      expected: "unsigned little-endian integers of 1, 2, 4 or 8 bytes",
      found: isCommitted
        ? "a committed type" : "\(describe(H5Tget_class(type.id))) of \(H5Tget_size(type.id)) bytes"
    )
  }

  private static func describe(_ class: H5T_class_t) -> String {
    switch `class` {
    case H5T_INTEGER: "other integers"
    case H5T_FLOAT: "floating-point numbers"
    case H5T_STRING: "text"
    case H5T_OPAQUE: "opaque elements"
    case H5T_COMPOUND: "compounds"
    case H5T_REFERENCE: "references"
    case H5T_VLEN: "sequences of variable length"
    default: "elements"
    }
  }

  private static func shape(
    _ library: borrowing Library, of dataset: hid_t, at place: Place
  ) throws(HDF5Error) -> Shape {
    let space = try Handle(library, "H5Dget_space", at: place) { H5Dget_space(dataset) }
    let `class` = H5Sget_simple_extent_type(space.id)
    guard `class` == H5S_SIMPLE || `class` == H5S_SCALAR else {
      throw .refused(.forbiddenDataspace, at: place, expected: "extents", found: "none")
    }
    let rank = try library.call("H5Sget_simple_extent_ndims", at: place) {
      H5Sget_simple_extent_ndims(space.id)
    }
    guard rank <= HDF5Limits.maximumRank else {
      throw .refused(
        .invalidShape, at: place, expected: "at most \(HDF5Limits.maximumRank) axes",
        found: "\(rank)")
    }
    var extents = [hsize_t](repeating: 0, count: Int(rank))
    var maxima = extents
    try library.call("H5Sget_simple_extent_dims", at: place) {
      // The library writes as many extents as there are axes.
      unsafe H5Sget_simple_extent_dims(space.id, &extents, &maxima)
    }
    guard extents == maxima else {
      throw .refused(
        .forbiddenDataspace, at: place, expected: "extents that cannot grow", found: "\(maxima)")
    }
    do throws(TensorError) {
      return try Shape(extents.map { Int(clamping: $0) })
    } catch {
      throw .tensor(error, at: place)
    }
  }
}
