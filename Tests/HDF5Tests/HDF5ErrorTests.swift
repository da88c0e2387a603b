// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Files
import Foundation
import Tensors
import Testing

@testable import HDF5

@Suite("Errors of HDF5 files")
struct HDF5ErrorTests {
  @Test("A failed call tells its name and what the library says first and last")
  func libraryStack() throws {
    var bytes = try fileBytes(Fixtures.path("plain.h5"))
    bytes[44] ^= 1
    do throws(HDF5Error) {
      _ = try content(bytes)
      Issue.record("a wrong checksum is accepted")
    } catch {
      #expect(error.code == .library)
      #expect(
        error.description
          == "a.h5: expected H5Fopen to work, found unable to open file (incorrect metadata "
          + "checksum after all read attempts); the file may be damaged, the disk full or the "
          + "rights missing")
    }
  }

  @Test("Places are shown with names that cannot break the message")
  func places() {
    let error = HDF5Error(
      .refused, at: Place(path: "a\nb.h5", object: ["hf", "x\u{1b}[31m"], attribute: "k'"),
      expected: "one", found: "two")
    #expect(
      error.description
        == #"a\nb.h5, '/hf/x\u{1B}[31m', attribute 'k\'': expected one, found two; "#
        + "do not trust this file; make it again with this package's recipe")
  }

  @Test("Long names are cut in messages")
  func longNames() {
    let name = String(repeating: "n", count: 100_000)
    let error = HDF5Error(
      .refused, at: Place(path: "a.h5", object: [.init(name)]), expected: "", found: "")
    #expect(error.description.utf8.count < 400)
  }

  @Test("System errors name the path and the reason")
  func system() {
    let error = HDF5Error(FileError("a.h5", "write the file", code: ENOSPC))
    #expect(
      error.description
        == "a.h5: expected to write the file, found No space left on device; free space on the disk"
    )
  }
}
