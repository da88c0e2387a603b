// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import CHDF5
internal import Tensors

/// The links of a group, found to be hard links under valid names, none of them followed.
struct LinkList {
  /// A hard link.
  struct Link {
    let name: TensorName
    /// The address of the object's header.
    let address: UInt64
  }

  /// The links by the UTF-8 bytes of their names.
  let links: [Link]

  init(
    _ library: borrowing Library, of group: hid_t, atMost limit: Int, at place: Place
  ) throws(HDF5Error) {
    var info = H5G_info_t()
    try library.call("H5Gget_info", at: place) { unsafe H5Gget_info(group, &info) }
    guard
      info.storage_type == H5G_STORAGE_TYPE_COMPACT
        || info.storage_type == H5G_STORAGE_TYPE_DENSE
    else {
      throw .refused(
        .forbiddenHeader, at: place, expected: "links in a form with checksums",
        found: "the old form of groups")
    }
    guard info.nlinks <= UInt64(max(limit, 0)) else {
      throw HDF5Error(
        .overLimit, at: place, expected: "at most \(limit) more objects", found: "\(info.nlinks)",
        remedy: "check the file or raise the limit")
    }
    let visit = try Visit.run(library, group: group, at: place)
    if let failure = visit.failure { throw failure }
    guard visit.links.count == Int(info.nlinks) else {
      throw .refused(
        .overLimit, at: place, expected: "\(info.nlinks) links, as the group says",
        found: "\(visit.links.count)")
    }
    links = visit.links.sorted { $0.name < $1.name }
    for (first, second) in zip(links, links.dropFirst()) where first.name == second.name {
      throw .refused(
        .duplicateName, at: place.member(first.name), expected: "one member of this name",
        found: "two")
    }
  }
}

/// The library's visit to every link of a group.
private struct Visit {
  var links: [LinkList.Link] = []
  var failure: HDF5Error?
  let place: Place

  static func run(
    _ library: borrowing Library, group: hid_t, at place: Place
  ) throws(HDF5Error) -> Visit {
    var visit = Visit(place: place)
    try library.call("H5Literate", at: place) {
      // The library calls back before it returns, with pointers valid during the callback.
      unsafe withUnsafeMutablePointer(to: &visit) { visit in
        unsafe chdf5_visit_links(
          group,
          { _, name, info, visit in
            guard let name = unsafe name, let info = unsafe info,
              let visit = unsafe visit?.assumingMemoryBound(to: Visit.self)
            else { return -1 }
            return unsafe visit.pointee.add(
              String(validatingCString: name), type: chdf5_link_type(info),
              address: UInt64(chdf5_link_address(info)))
          }, visit)
      }
    }
    return visit
  }

  /// Adds a link; tells the library to stop where it may not be.
  private mutating func add(_ text: String?, type: H5L_type_t, address: UInt64) -> herr_t {
    do throws(HDF5Error) {
      guard let text else {
        throw .refused(
          .invalidName, at: place, expected: "names in UTF-8", found: "one that is not")
      }
      let name = TensorName(text)
      try NameRules.checkLink(name, in: place)
      guard type == H5L_TYPE_HARD else {
        let kind =
          switch type {
          case H5L_TYPE_SOFT: "a soft link"
          case H5L_TYPE_EXTERNAL: "an external link"
          default: "a user-defined link"
          }
        throw .refused(
          .forbiddenLink, at: place.member(name), expected: "a hard link", found: kind)
      }
      links.append(LinkList.Link(name: name, address: address))
      return 0
    } catch {
      failure = error
      return 1
    }
  }
}
