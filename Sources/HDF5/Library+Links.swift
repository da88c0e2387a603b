// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import CHDF5
internal import Tensors

/// A hard link.
struct Link {
  let name: TensorName
  /// The address of the object's header.
  let address: UInt64
}

extension Library {
  /// The links of a group by the UTF-8 bytes of their names, found to be hard links under valid
  /// names, none of them followed.
  ///
  /// - Parameter limit: More bytes of names than this are refused.
  func links(
    of group: hid_t, atMost limit: Int, at place: Place
  ) throws(HDF5Error) -> [Link] {
    var visit = Visit(place: place, budget: limit)
    try call("H5Literate", at: place) {
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
    if let failure = visit.failure { throw failure }
    let links = visit.links.sorted { $0.name < $1.name }
    for (first, second) in zip(links, links.dropFirst()) where first.name == second.name {
      throw HDF5Error(
        .refused, at: place.member(first.name), expected: "one member of this name", found: "two")
    }
    return links
  }
}

/// The library's visit to every link of a group.
private struct Visit {
  let place: Place
  var budget: Int
  var links: [Link] = []
  var failure: HDF5Error?

  /// Adds a link; tells the library to stop where it may not be.
  mutating func add(_ text: String?, type: H5L_type_t, address: UInt64) -> herr_t {
    do throws(HDF5Error) {
      budget -= (text?.utf8.count ?? 0) + 8
      guard let text, type == H5L_TYPE_HARD, budget >= 0 else {
        throw HDF5Error(
          .refused, at: place, expected: "hard links under names in UTF-8, as many as fit the file",
          found: "'\(Place.escaped(text ?? ""))', a link of type \(type.rawValue)")
      }
      let name = TensorName(text)
      try HDF5Group.checkLink(name, in: place)
      links.append(Link(name: name, address: address))
      return 0
    } catch {
      failure = error
      return 1
    }
  }
}
