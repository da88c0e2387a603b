// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import HDF5
import Testing

@Suite("Files that are not of the allowed kind")
struct RefusedFileTests {
  @Test(
    "Every file is refused with the error that its name begins with", arguments: Fixtures.refused)
  func refused(_ name: String) throws {
    let path = Fixtures.path("refused/\(name)")
    let expected = try #require(HDF5Error.Code(rawValue: String(name.prefix { $0 != "_" })))
    do throws(HDF5Error) {
      _ = try InspectedFile(path: path)
      Issue.record("\(name) is accepted")
    } catch {
      #expect(error.code == expected, "\(error)")
      #expect(error.path == path)
    }
  }

  @Test("The files are there, and the file from which most are made is accepted")
  func base() throws {
    #expect(Fixtures.refused.count == 41)
    #expect(
      code { () throws(HDF5Error) in _ = try InspectedFile(path: Fixtures.path("plain.h5")) } == nil
    )
  }
}
