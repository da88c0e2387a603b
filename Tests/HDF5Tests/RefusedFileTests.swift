// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Files
import HDF5
import Testing

@Suite("Files that are not of the allowed kind")
struct RefusedFileTests {
  @Test("Every file is refused", arguments: Fixtures.refused)
  func refused(_ name: String) throws {
    let bytes = try fileBytes(Fixtures.path("refused/\(name)"))
    do throws(HDF5Error) {
      _ = try content(bytes)
      Issue.record("\(name) is accepted")
    } catch {
      #expect(error.code == .refused, "\(error)")
    }
  }

  @Test("The files are there, and the file from which most are made is accepted")
  func base() throws {
    #expect(Fixtures.refused.count == 41)
    let bytes = try fileBytes(Fixtures.path("plain.h5"))
    #expect(code { () throws(HDF5Error) in try content(bytes) } == nil)
  }
}
