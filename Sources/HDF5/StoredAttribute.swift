// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import CHDF5
internal import Tensors

/// An attribute read from a file, found to be a short text or a number.
struct StoredAttribute {
  let name: TensorName
  let value: HDF5Attribute
  /// The size of name and value in the file.
  let byteCount: Int

  /// Reads the attribute at a position in the order of names.
  init(
    _ library: borrowing Library, at index: Int, of object: hid_t, _ place: Place
  ) throws(HDF5Error) {
    let attribute = try Handle(library, "H5Aopen_by_idx", at: place) {
      unsafe H5Aopen_by_idx(
        object, ".", H5_INDEX_NAME, H5_ITER_INC, hsize_t(index), hid_t(H5P_DEFAULT),
        hid_t(H5P_DEFAULT))
    }
    name = try Self.name(library, of: attribute.id, at: place)
    let place = place.attribute(name)
    let space = try Handle(library, "H5Aget_space", at: place) { H5Aget_space(attribute.id) }
    guard H5Sget_simple_extent_type(space.id) == H5S_SCALAR else {
      throw .refused(.invalidAttribute, at: place, expected: "one value", found: "an array")
    }
    let type = try Handle(library, "H5Aget_type", at: place) { H5Aget_type(attribute.id) }
    let isCommitted = try library.ask("H5Tcommitted", at: place) { H5Tcommitted(type.id) }
    guard !isCommitted else {
      throw .refused(
        .invalidAttribute, at: place, expected: "a type of its own", found: "a committed type")
    }
    let isNumber = try library.ask("H5Tequal", at: place) { H5Tequal(type.id, chdf5_u64()) }
    if isNumber {
      let bytes = try Self.read(library, attribute.id, type.id, byteCount: 8, at: place)
      value = .number(bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) })
      byteCount = name.text.utf8.count + 8
    } else {
      let size = try Self.textByteCount(of: type.id, at: place)
      let bytes = try Self.read(library, attribute.id, type.id, byteCount: size, at: place)
      value = .text(try Self.text(bytes, at: place))
      byteCount = name.text.utf8.count + size
    }
  }

  private static func name(
    _ library: borrowing Library, of attribute: hid_t, at place: Place
  ) throws(HDF5Error) -> TensorName {
    let count = try library.call("H5Aget_name", at: place) {
      H5Aget_name(attribute, 0, nil)
    }
    guard count > 0, count <= 255 else {
      throw .refused(
        .invalidName, at: place, expected: "an attribute's name of 1 to 255 bytes",
        found: "\(count) bytes")
    }
    var buffer = [CChar](repeating: 0, count: count + 1)
    try library.call("H5Aget_name", at: place) {
      // The library writes at most as many characters as it is told, with a NUL at the end.
      unsafe H5Aget_name(attribute, count + 1, &buffer)
    }
    let bytes = buffer.dropLast().map { UInt8(bitPattern: $0) }
    guard let text = String(validating: bytes, as: UTF8.self), !bytes.contains(0) else {
      throw .refused(
        .invalidName, at: place, expected: "an attribute's name in UTF-8", found: "another")
    }
    return TensorName(text)
  }

  private static func textByteCount(
    of type: hid_t, at place: Place
  ) throws(HDF5Error) -> Int {
    let isText = H5Tget_class(type) == H5T_STRING
    let isVariable = H5Tis_variable_str(type) > 0
    let size = H5Tget_size(type)
    guard isText, !isVariable, H5Tget_strpad(type) == H5T_STR_NULLPAD, size > 0,
      size <= HDF5Attribute.maximumTextByteCount
    else {
      throw .refused(
        .invalidAttribute, at: place,
        expected: "an unsigned 64-bit integer or text of fixed length padded with NUL, at most "
          + "\(HDF5Attribute.maximumTextByteCount) bytes",
        found: isVariable ? "text of variable length" : "another type, of \(size) bytes")
    }
    return size
  }

  private static func read(
    _ library: borrowing Library, _ attribute: hid_t, _ type: hid_t, byteCount: Int,
    at place: Place
  ) throws(HDF5Error) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: byteCount)
    try library.call("H5Aread", at: place) {
      // The dataspace is scalar and the type has this many bytes.
      unsafe bytes.withUnsafeMutableBufferPointer {
        unsafe H5Aread(attribute, type, $0.baseAddress)
      }
    }
    return bytes
  }

  private static func text(_ padded: [UInt8], at place: Place) throws(HDF5Error) -> String {
    let bytes = padded.prefix((padded.lastIndex { $0 != 0 } ?? -1) + 1)
    guard !bytes.contains(0), let text = String(validating: bytes, as: UTF8.self) else {
      throw .refused(
        .invalidAttribute, at: place, expected: "text in UTF-8 without NUL", found: "other bytes")
    }
    return text
  }
}
