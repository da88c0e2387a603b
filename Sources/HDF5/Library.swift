// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import CHDF5
internal import Synchronization
internal import Tensors

/// Proof that the calling thread holds the lock around libhdf5.
///
/// Every call needs it, and no handle can outlive it, so that objects are closed under the lock. The
/// lock is not recursive: a body that takes it again stops the process.
struct Library: ~Copyable, ~Escapable {
  private static let lock = Mutex(())

  @_lifetime(immortal)
  private init() {}

  /// Runs a body while no other thread calls the library, its error printing and its plugins off.
  static func locked<R: ~Copyable & Sendable>(
    _ body: (borrowing Library) throws(HDF5Error) -> R
  ) throws(HDF5Error) -> R {
    try lock.withLock { _ throws(HDF5Error) -> R in
      // Printing is a setting of the thread, plugins are one of the process; others may change both.
      _ = H5Eset_auto2(hid_t(H5E_DEFAULT), nil, nil)
      _ = H5PLset_loading_state(0)
      return try body(Library())
    }
  }

  /// Makes a call that tells of failure by a negative result.
  ///
  /// - Throws: `HDF5Error` with the library's error stack, which the next call would clear.
  @discardableResult
  func call<Value: SignedInteger>(
    _ name: StaticString, at place: Place, _ function: () -> Value
  ) throws(HDF5Error) -> Value {
    let result = function()
    guard result >= 0 else { throw failure(of: name, at: place) }
    return result
  }

  /// The error of a call that has just failed.
  func failure(of name: StaticString, at place: Place) -> HDF5Error {
    let messages = errorStack()
    var found = messages.first ?? "that it failed"
    if messages.count > 1, let cause = messages.last { found += " (\(cause))" }
    return HDF5Error(
      .library, at: place, expected: "\(name) to work", found: found,
      remedy: "the file may be damaged, the disk full or the rights missing")
  }

  /// What the library says, outermost function first.
  private func errorStack() -> [String] {
    var messages: [String] = []
    // The library calls back before it returns, with pointers that are valid during the callback.
    unsafe withUnsafeMutablePointer(to: &messages) { messages in
      _ = unsafe H5Ewalk2(
        hid_t(H5E_DEFAULT), H5E_WALK_DOWNWARD,
        { _, entry, messages in
          guard let entry = unsafe entry?.pointee,
            let messages = unsafe messages?.assumingMemoryBound(to: [String].self)
          else { return -1 }
          // Messages quote names from the file.
          let message = unsafe entry.desc.map { unsafe String(cString: $0) }
          unsafe messages.pointee.append(Place.escaped(message ?? ""))
          return 0
        }, messages)
    }
    return messages
  }

  /// The unsigned little-endian integers as wide as a type, in a file and in memory, so that nothing
  /// is ever converted.
  func typeNumber(_ dtype: DType) -> hid_t {
    switch dtype.byteCount {
    case 1: chdf5_u8()
    case 2: chdf5_u16()
    case 4: chdf5_u32()
    default: chdf5_u64()
    }
  }

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

/// An open file, object, attribute, type, dataspace or property list, closed under the lock.
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
