// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Foundation
import Testing

@testable import HDF5

@Suite("The identity of a file")
struct SuperblockTests {
  @Test("A file that was replaced or changed after it was checked is noticed")
  func identity() throws {
    let folder = try TemporaryFolder()
    let bytes = try fileBytes(Fixtures.path("plain.h5"))
    let path = try folder.write(bytes, to: "a.h5")
    let superblock = try Superblock(path: path, limits: HDF5Limits())
    #expect(superblock.fileByteCount == bytes.count)
    func code(_ path: String) -> HDF5Error.Code? {
      let descriptor = unsafe open(path, O_RDONLY)
      defer { close(descriptor) }
      return HDF5Tests.code { () throws(HDF5Error) in
        try superblock.checkIdentity(of: descriptor, path: path)
      }
    }
    #expect(code(path) == nil)
    #expect(code(try folder.write(bytes, to: "b.h5")) == .fileChanged)
    #expect(unsafe truncate(path, 4096) == 0)
    #expect(code(path) == .fileChanged)
  }
}
