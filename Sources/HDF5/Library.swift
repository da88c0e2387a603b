// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import CHDF5
internal import Synchronization

/// Proof that the calling thread holds the lock around libhdf5.
///
/// Every call needs it, and no handle but a `FileHandle` can outlive it, so that objects are closed
/// under the lock. The lock is not recursive. Bodies therefore never call code of users and never
/// own a `FileHandle`, whose end takes the lock; a body that takes it again stops the process.
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

  /// Asks a question that the library answers with zero, one or, if it fails, a negative number.
  func ask(
    _ name: StaticString, at place: Place, _ function: () -> htri_t
  ) throws(HDF5Error) -> Bool {
    try call(name, at: place, function) > 0
  }

  /// The error of a call that has just failed.
  func failure(of name: StaticString, at place: Place) -> HDF5Error {
    let stack = errorStack()
    var found = "that it failed"
    if let top = stack.first?.message, let bottom = stack.last?.message {
      found = stack.count > 1 ? "\(top) (\(bottom))" : top
    }
    return HDF5Error(
      .library, at: place, call: "\(name)", libraryStack: stack, expected: "\(name) to work",
      found: found, remedy: "the file may be damaged, the disk full or the rights missing")
  }

  private func errorStack() -> [HDF5Error.Frame] {
    var frames: [HDF5Error.Frame] = []
    // The library calls back before it returns, with pointers that are valid during the callback.
    unsafe withUnsafeMutablePointer(to: &frames) { frames in
      _ = unsafe H5Ewalk2(
        hid_t(H5E_DEFAULT), H5E_WALK_DOWNWARD,
        { _, entry, frames in
          guard let entry = unsafe entry?.pointee,
            let frames = unsafe frames?.assumingMemoryBound(to: [HDF5Error.Frame].self)
          else { return -1 }
          // Messages quote names from the file.
          let function = unsafe entry.func_name.map { unsafe String(cString: $0) }
          let message = unsafe entry.desc.map { unsafe String(cString: $0) }
          unsafe frames.pointee.append(
            HDF5Error.Frame(function: function ?? "", message: Place.escaped(message ?? "")))
          return 0
        }, frames)
    }
    return frames
  }
}
