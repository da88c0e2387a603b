// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import Tensors

#if canImport(Glibc)
internal import Glibc
#else
internal import Musl
#endif

extension HDF5Error {
  /// What to do about a file that these rules refuse.
  static let refusedRemedy = "do not trust this file; make it again with this package's recipe"

  /// The error of a file that holds what it may not.
  static func refused(
    _ code: Code, at place: Place, expected: String, found: String
  ) -> HDF5Error {
    HDF5Error(code, at: place, expected: expected, found: found, remedy: refusedRemedy)
  }

  /// The error of the system call that has just failed.
  static func system(
    _ path: String, _ operation: String, code number: Int32 = errno
  ) -> HDF5Error {
    HDF5Error(
      .file, at: Place(path: path), expected: "to \(operation)",
      // The text is copied before any other call.
      found: unsafe String(cString: strerror(number)),
      remedy: number == ENOSPC || number == EDQUOT
        ? "free space on the disk" : "check the path and the rights")
  }

  /// The error of a tensor's shape or memory.
  static func tensor(_ error: TensorError, at place: Place) -> HDF5Error {
    let code: Code = if case .outOfMemory = error { .outOfMemory } else { .invalidShape }
    return HDF5Error(
      code, at: place, expected: "a tensor that fits in memory", found: "\(error)",
      remedy: "use smaller tensors or a machine with more memory")
  }
}
