// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import CHDF5

/// An open file, the one handle that lives between calls: its end takes the lock.
struct FileHandle: ~Copyable, Sendable {
  /// The library's number of the file, valid as long as the handle lives.
  let id: hid_t

  /// Opens a file for reading.
  init(reading path: String) throws(HDF5Error) {
    let place = Place(path: path)
    id = try Library.locked { library throws(HDF5Error) in
      let list = try library.fileAccessList(at: place)
      return try library.call("H5Fopen", at: place) {
        // The path holds no NUL, or the check of the superblock would have failed.
        unsafe H5Fopen(path, chdf5_acc_rdonly(), list.id)
      }
    }
  }

  deinit {
    let id = id
    try? Library.locked { _ in _ = H5Fclose(id) }
  }

  /// Closes the file, with the error that `deinit` cannot report.
  consuming func close(at place: Place) throws(HDF5Error) {
    let id = id
    discard self
    try Library.locked { library throws(HDF5Error) in
      try library.call("H5Fclose", at: place) { H5Fclose(id) }
      return
    }
  }
}
