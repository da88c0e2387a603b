// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import CHDF5
internal import Tensors

/// What the header of an object says before the object is opened.
struct ObjectHeader {
  /// The kinds of objects that may be in a file.
  enum Kind {
    case group
    case dataset
  }

  let kind: Kind
  let address: UInt64
  let linkCount: Int
  let attributeCount: Int

  /// Reads the header of a member of a group, or of the group under the name `.`, and checks that it
  /// is of the kind with checksums and has no message but the few that are needed.
  init(
    _ library: borrowing Library, of name: TensorName, in group: hid_t, at place: Place
  ) throws(HDF5Error) {
    let access = try library.propertyList(chdf5_link_access(), at: place)
    try library.call("H5Pset_elink_cb", at: place) { chdf5_refuse_external_links(access.id) }
    var header = chdf5_header()
    try library.call("H5Oget_info_by_name2", at: place) {
      unsafe chdf5_read_header(group, name.text, access.id, &header)
    }
    switch header.type {
    case H5O_TYPE_GROUP: kind = .group
    case H5O_TYPE_DATASET: kind = .dataset
    case H5O_TYPE_NAMED_DATATYPE:
      throw .refused(
        .forbiddenObject, at: place, expected: "a group or a dataset", found: "a committed type")
    default:
      throw .refused(
        .forbiddenObject, at: place, expected: "a group or a dataset", found: "another object")
    }
    address = UInt64(header.address)
    linkCount = Int(header.link_count)
    guard header.attribute_count <= HDF5Attribute.maximumCount else {
      throw .refused(
        .tooManyAttributes, at: place,
        expected: "at most \(HDF5Attribute.maximumCount) attributes",
        found: "\(header.attribute_count)")
    }
    attributeCount = Int(header.attribute_count)
    guard header.header_version == 2 else {
      throw .refused(
        .forbiddenHeader, at: place, expected: "an object header of version 2, with a checksum",
        found: "version \(header.header_version)")
    }
    try Self.check(header, kind, at: place)
  }

  private static func check(
    _ header: chdf5_header, _ kind: Kind, at place: Place
  ) throws(HDF5Error) {
    guard header.shared_messages == 0 else {
      throw .refused(
        .forbiddenHeader, at: place, expected: "a header that holds all its messages",
        found: "messages kept elsewhere, such as a committed type")
    }
    let allowed = HeaderMessage.allowed(in: kind)
    guard header.messages & ~allowed != 0 else { return }
    let number = (header.messages & ~allowed).trailingZeroBitCount
    let message = HeaderMessage(rawValue: number)
    throw .refused(
      message?.code ?? .forbiddenHeader, at: place,
      expected: "a \(kind) without what these files never need",
      found: message?.text ?? "a header message of type \(number)")
  }
}

/// The types of messages in object headers, by their numbers in the file format.
private enum HeaderMessage: Int {
  case null = 0
  case dataspace = 1
  case linkInfo = 2
  case datatype = 3
  case fillValue = 5
  case link = 6
  case externalFiles = 7
  case layout = 8
  case groupInfo = 10
  case filters = 11
  case attribute = 12
  case continuation = 16
  case symbolTable = 17
  case attributeInfo = 21
  case linkCount = 22

  static func allowed(in kind: ObjectHeader.Kind) -> UInt64 {
    let messages: [HeaderMessage] =
      switch kind {
      case .group: [.linkInfo, .link, .groupInfo]
      case .dataset: [.dataspace, .datatype, .fillValue, .layout]
      }
    return (messages + [.null, .attribute, .attributeInfo, .continuation])
      .reduce(0) { $0 | 1 << UInt64($1.rawValue) }
  }

  var code: HDF5Error.Code {
    switch self {
    case .externalFiles: .externalStorage
    case .filters: .forbiddenFilter
    case .linkCount: .sharedObject
    default: .forbiddenHeader
    }
  }

  var text: String {
    switch self {
    case .externalFiles: "data in external files"
    case .filters: "filters"
    case .linkCount: "more than one link to it"
    case .symbolTable: "the old form of groups, which has no checksums"
    default: "a header message of type \(rawValue)"
    }
  }
}
