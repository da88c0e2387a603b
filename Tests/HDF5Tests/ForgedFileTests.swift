// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Files
import HDF5
import OrderedCollections
import Tensors
import Testing

@Suite("Files changed on purpose, with right checksums")
struct ForgedFileTests {
  let bytes: [UInt8]
  let ranges: [Range<Int>]

  init() throws {
    let folder = try TemporaryFolder()
    let dataset = HDF5Dataset(try tensor(.u16, [3]))
    try HDF5Group(datasets: ["x": dataset, "y": dataset]).write(to: folder.path("base.h5"))
    bytes = try folder.bytes("base.h5")
    ranges = MetadataChecksum.ranges(in: bytes)
  }

  @Test("The checksums of the library are those computed here")
  func checksums() {
    var whole = bytes
    MetadataChecksum.repair(ranges, in: &whole)
    #expect(whole == bytes)
    #expect(ranges.count == 4)
  }

  @Test(
    "A superblock that places anything elsewhere is refused",
    arguments: [
      (8, [1], .refused), (8, [4], .refused), (9, [4], .refused),
      (10, [4], .refused), (11, [1], .refused), (11, [4], .refused),
      (12, [1], .refused), (20, [48, 0, 0, 0, 0, 0, 0, 0], .refused),
      (28, [0], .refused), (35, [0x80], .refused), (36, [1], .library),
      (36, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f], .library),
    ] as [(Int, [UInt8], HDF5Error.Code)])
  func superblock(offset: Int, replacement: [UInt8], expected: HDF5Error.Code) {
    var forged = bytes
    forged.replaceSubrange(offset..<offset + replacement.count, with: replacement)
    let code = codeOfOpening(forged)
    #expect(code == expected)
  }

  @Test(
    "Names that no writer can make are refused",
    arguments: [("/", .invalidName), (".", .invalidName), ("x", .refused), ("z", nil)]
      as [(String, HDF5Error.Code?)])
  func names(name: String, expected: HDF5Error.Code?) throws {
    let root = try #require(ranges.dropFirst().first)
    let link = [1] + Array("y".utf8)
    let at = try #require(root.first { bytes[$0...].starts(with: link) })
    var forged = bytes
    forged.replaceSubrange(at + 1..<at + 2, with: Array(name.utf8))
    let code = codeOfOpening(forged)
    #expect(code == expected)
  }

  @Test("Two links to one object, or one back to the root, are refused without a count that tells")
  func sharedObjects() throws {
    let root = try #require(ranges.dropFirst().first)
    func address(_ name: String) throws -> Int {
      let link = [1] + Array(name.utf8)
      return try #require(root.first { bytes[$0...].starts(with: link) }) + 2
    }
    for target in [try Array(bytes[address("x")..<address("x") + 8]), [48, 0, 0, 0, 0, 0, 0, 0]] {
      var forged = bytes
      let at = try address("y")
      forged.replaceSubrange(at..<at + 8, with: target)
      let code = codeOfOpening(forged)
      #expect(code == .refused, "\(target)")
    }
  }

  private func codeOfOpening(_ forged: [UInt8]) -> HDF5Error.Code? {
    var forged = forged
    MetadataChecksum.repair(ranges, in: &forged)
    return code { () throws(HDF5Error) in try content(forged) }
  }
}
