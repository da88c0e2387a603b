// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import CHDF5

/// An open object, attribute, type, dataspace or property list, closed under the lock.
struct Handle: ~Copyable, ~Escapable {
  /// The library's number of the object, valid as long as the handle lives.
  let id: hid_t

  /// Takes over what a call opens.
  @_lifetime(borrow library)
  init(
    _ library: borrowing Library, _ name: StaticString, at place: Place, _ open: () -> hid_t
  ) throws(HDF5Error) {
    id = try library.call(name, at: place, open)
  }

  deinit {
    // It can fail only for what was written, and writers close by `close`.
    _ = H5Idec_ref(id)
  }

  /// Closes it, with the error that `deinit` cannot report.
  consuming func close(_ library: borrowing Library, at place: Place) throws(HDF5Error) {
    let id = id
    discard self
    try library.call("H5Idec_ref", at: place) { H5Idec_ref(id) }
  }
}

extension Library {
  /// A new property list of a class.
  @_lifetime(borrow self)
  func propertyList(_ class: hid_t, at place: Place) throws(HDF5Error) -> Handle {
    try Handle(self, "H5Pcreate", at: place) { H5Pcreate(`class`) }
  }

  /// A property list to open files with: the plain driver, one range of formats, and closing that
  /// closes what is open in the file.
  @_lifetime(borrow self)
  func fileAccessList(at place: Place) throws(HDF5Error) -> Handle {
    let list = try propertyList(chdf5_file_access(), at: place)
    try call("H5Pset_fapl_sec2", at: place) { H5Pset_fapl_sec2(list.id) }
    try call("H5Pset_fclose_degree", at: place) {
      H5Pset_fclose_degree(list.id, H5F_CLOSE_STRONG)
    }
    try call("H5Pset_libver_bounds", at: place) {
      H5Pset_libver_bounds(list.id, H5F_LIBVER_V18, H5F_LIBVER_V110)
    }
    return list
  }
}
