// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import CHDF5
import Files
import Testing

@testable import HDF5

@Suite("The lock around libhdf5")
struct LibraryTests {
  @Test("Nothing stays open when the lock is released, whatever went wrong")
  func leaks() throws {
    for name in Fixtures.refused {
      let bytes = try fileBytes(Fixtures.path("refused/\(name)"))
      _ = code { () throws(HDF5Error) in try content(bytes) }
    }
    let (everyFile, everything): (hid_t, UInt32) = (0x1f, 0x1f)
    let open = try Library.locked { library throws(HDF5Error) in
      try library.call("H5Fget_obj_count", at: Place(path: "")) {
        H5Fget_obj_count(everyFile, everything)
      }
    }
    #expect(open == 0)
  }

  @Test("A failing call on any thread leaves its errors to the caller, who can ask again")
  func stacks() async {
    await withTaskGroup { tasks in
      for index in 0..<8 {
        tasks.addTask {
          do throws(HDF5Error) {
            try Library.locked { library throws(HDF5Error) in
              try library.call("H5Dclose", at: Place(path: "\(index)")) { H5Dclose(-1) }
              return
            }
            return "none"
          } catch {
            return "\(error.place): \(error.expected): \(error.found)"
          }
        }
      }
      for await error in tasks {
        #expect(error.hasSuffix(": H5Dclose to work: not a dataset ID"), "\(error)")
      }
    }
  }

  @Test("The library prints no errors, on whatever thread")
  func silence() async throws {
    await withTaskGroup { tasks in
      for _ in 0..<8 {
        tasks.addTask {
          let isSilent = try? Library.locked { _ in
            var printer: H5E_auto2_t?
            let status = unsafe H5Eget_auto2(hid_t(H5E_DEFAULT), &printer, nil)
            return unsafe status >= 0 && printer == nil
          }
          return isSilent == true
        }
      }
      for await isSilent in tasks { #expect(isSilent) }
    }
  }
}
