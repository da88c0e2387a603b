// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Foundation
import Tensors
import Testing

@testable import HDF5

@Suite("Errors of HDF5 files")
struct HDF5ErrorTests {
  @Test("A failed call tells its name and the library's whole error stack")
  func libraryStack() throws {
    let folder = try TemporaryFolder()
    var bytes = try fileBytes(Fixtures.path("plain.h5"))
    bytes[44] ^= 1
    let path = try folder.write(bytes, to: "a.h5")
    do throws(HDF5Error) {
      _ = try InspectedFile(path: path)
      Issue.record("a wrong checksum is accepted")
    } catch {
      #expect(error.code == .library)
      #expect(error.call == "H5Fopen")
      #expect(error.libraryStack.first?.function == "H5Fopen")
      #expect(error.libraryStack.count > 2)
      #expect(
        error.description
          == "\(path): expected H5Fopen to work, found unable to open file (incorrect metadata "
          + "checksum after all read attempts); the file may be damaged, the disk full or the "
          + "rights missing")
    }
  }

  @Test("Places are shown with names that cannot break the message")
  func places() {
    let error = HDF5Error.refused(
      .forbiddenType, at: Place(path: "a\nb.h5", object: ["hf", "x\u{1b}[31m"], attribute: "k'"),
      expected: "one", found: "two")
    #expect(
      error.description
        == #"a\nb.h5, '/hf/x\u{1B}[31m', attribute 'k\'': expected one, found two; "#
        + HDF5Error.refusedRemedy)
  }

  @Test("Long names are cut in messages")
  func longNames() {
    let name = String(repeating: "n", count: 100_000)
    let error = HDF5Error.refused(
      .forbiddenType, at: Place(path: "a.h5", object: [.init(name)]), expected: "", found: "")
    #expect(error.description.utf8.count < 400)
    #expect(error.object.first?.text == name)
  }

  @Test("System errors name the path and the reason")
  func system() {
    let error = HDF5Error.system("a.h5", "write the file", code: ENOSPC)
    #expect(
      error.description
        == "a.h5: expected to write the file, found No space left on device; free space on the disk"
    )
  }
}
