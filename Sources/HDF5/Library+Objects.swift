// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import CHDF5
internal import Tensors

extension Library {
  /// Reads the header of a member of a group, or of the group under the name `.`, before the object
  /// is opened, and checks that it has a checksum and nothing but the few messages that are needed.
  func header(
    of name: TensorName, in group: hid_t, at place: Place
  ) throws(HDF5Error) -> chdf5_header {
    let access = try propertyList(chdf5_link_access(), at: place)
    try call("H5Pset_elink_cb", at: place) { chdf5_refuse_external_links(access.id) }
    var header = chdf5_header()
    try call("H5Oget_info_by_name2", at: place) {
      unsafe chdf5_read_header(group, name.text, access.id, &header)
    }
    let own: [UInt64]
    switch header.type {
    // Link info, link and group info; dataspace, type, fill value and layout.
    case H5O_TYPE_GROUP: own = [2, 6, 10]
    case H5O_TYPE_DATASET: own = [1, 3, 5, 8]
    default: own = []
    }
    // Padding, attribute, continuation and attribute info.
    let allowed = (own + [0, 12, 16, 21]).reduce(UInt64(0)) { $0 | 1 << $1 }
    let isPlain =
      !own.isEmpty && header.messages & ~allowed == 0 && header.shared_messages == 0
      && header.header_version == 2 && header.link_count == 1
      && header.attribute_count <= HDF5Attribute.maximumCount
    guard isPlain else {
      throw HDF5Error(
        .refused, at: place,
        expected: "a group or dataset with one link, at most \(HDF5Attribute.maximumCount) "
          + "attributes, no filters, no external files and no committed type",
        found: "object type \(header.type.rawValue), \(header.link_count) links, "
          + "\(header.attribute_count) attributes, header version \(header.header_version), "
          + "messages \(String(header.messages, radix: 2))")
    }
    return header
  }

  /// The type and the shape of a dataset whose data are in one piece.
  func contiguousData(
    of dataset: hid_t, at place: Place
  ) throws(HDF5Error) -> (dtype: DType, shape: Shape) {
    let list = try Handle(self, "H5Dget_create_plist", at: place) { H5Dget_create_plist(dataset) }
    let layout = H5Pget_layout(list.id)
    guard layout == H5D_CONTIGUOUS else {
      throw HDF5Error(
        .refused, at: place, expected: "contiguous data", found: "layout \(layout.rawValue)")
    }
    let type = try Handle(self, "H5Dget_type", at: place) { H5Dget_type(dataset) }
    let dtype = [DType.u8, .u16, .u32, .u64].first { H5Tequal(type.id, typeNumber($0)) > 0 }
    guard let dtype else {
      throw HDF5Error(
        .refused, at: place, expected: "unsigned little-endian integers of 1, 2, 4 or 8 bytes",
        found: "another type of \(H5Tget_size(type.id)) bytes")
    }
    let space = try Handle(self, "H5Dget_space", at: place) { H5Dget_space(dataset) }
    let rank = try call("H5Sget_simple_extent_ndims", at: place) {
      H5Sget_simple_extent_ndims(space.id)
    }
    guard H5Sget_simple_extent_type(space.id) != H5S_NULL, rank <= HDF5Dataset.maximumRank else {
      throw HDF5Error(
        .refused, at: place, expected: "0 to \(HDF5Dataset.maximumRank) axes",
        found: "\(rank), or no extents")
    }
    var extents = [hsize_t](repeating: 0, count: Int(rank))
    try call("H5Sget_simple_extent_dims", at: place) {
      // The library writes as many extents as there are axes.
      unsafe H5Sget_simple_extent_dims(space.id, &extents, nil)
    }
    do throws(TensorError) {
      return (dtype, try Shape(extents.map { Int(clamping: $0) }))
    } catch {
      throw HDF5Error(error, at: place)
    }
  }

  /// Reads the attribute at a position in the order of names: a short text or a number.
  ///
  /// - Returns: Its name, its value and the size of both in the file.
  func attribute(
    at index: Int, of object: hid_t, _ place: Place
  ) throws(HDF5Error) -> (name: TensorName, value: HDF5Attribute, byteCount: Int) {
    let attribute = try Handle(self, "H5Aopen_by_idx", at: place) {
      unsafe H5Aopen_by_idx(
        object, ".", H5_INDEX_NAME, H5_ITER_INC, hsize_t(index), hid_t(H5P_DEFAULT),
        hid_t(H5P_DEFAULT))
    }
    let name = try name(ofAttribute: attribute.id, at: place)
    let place = place.attribute(name)
    let space = try Handle(self, "H5Aget_space", at: place) { H5Aget_space(attribute.id) }
    let type = try Handle(self, "H5Aget_type", at: place) { H5Aget_type(attribute.id) }
    let size = H5Tget_size(type.id)
    let isNumber = H5Tequal(type.id, chdf5_u64()) > 0
    let isText =
      H5Tget_class(type.id) == H5T_STRING && H5Tis_variable_str(type.id) == 0
      && H5Tget_strpad(type.id) == H5T_STR_NULLPAD && size > 0
      && size <= HDF5Attribute.maximumTextByteCount
    guard H5Sget_simple_extent_type(space.id) == H5S_SCALAR, H5Tcommitted(type.id) == 0,
      isNumber || isText
    else {
      throw HDF5Error(
        .refused, at: place,
        expected: "an unsigned 64-bit integer or text of fixed length padded with NUL, at most "
          + "\(HDF5Attribute.maximumTextByteCount) bytes",
        found: "another type, of \(size) bytes, or several values")
    }
    var bytes = [UInt8](repeating: 0, count: size)
    try call("H5Aread", at: place) {
      // The dataspace is scalar and the type has this many bytes.
      unsafe bytes.withUnsafeMutableBufferPointer {
        unsafe H5Aread(attribute.id, type.id, $0.baseAddress)
      }
    }
    let byteCount = name.text.utf8.count + size
    if isNumber {
      return (name, .number(bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }), byteCount)
    }
    let unpadded = bytes.prefix((bytes.lastIndex { $0 != 0 } ?? -1) + 1)
    guard !unpadded.contains(0), let text = String(validating: unpadded, as: UTF8.self) else {
      throw HDF5Error(
        .refused, at: place, expected: "text in UTF-8 without NUL", found: "other bytes")
    }
    return (name, .text(text), byteCount)
  }

  private func name(
    ofAttribute attribute: hid_t, at place: Place
  ) throws(HDF5Error) -> TensorName {
    var buffer = [CChar](repeating: 0, count: 256)
    let count = try call("H5Aget_name", at: place) {
      // The library writes at most as many characters as it is told, with a NUL at the end.
      unsafe H5Aget_name(attribute, buffer.count, &buffer)
    }
    let bytes = buffer.prefix(min(max(count, 0), 255)).map { UInt8(bitPattern: $0) }
    guard (1...255).contains(count), !bytes.contains(0),
      let text = String(validating: bytes, as: UTF8.self)
    else {
      throw HDF5Error(
        .refused, at: place, expected: "an attribute's name of 1 to 255 bytes in UTF-8",
        found: "another")
    }
    return TensorName(text)
  }
}
