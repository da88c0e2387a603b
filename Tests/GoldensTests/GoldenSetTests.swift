// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Goldens
import StrictJSON
import Testing

@Suite struct GoldenSetTests {
  private let scratch: ScratchSet

  init() throws { scratch = try ScratchSet() }

  @Test func aWholeSetOpensAndItsCasesAreRead() throws {
    let set = try scratch.open()
    #expect(set.manifest.entries.map(\.id) == ScratchSet.ids)
    for entry in set.manifest.entries {
      let golden = try set.read(entry)
      #expect(golden.description.id == entry.id)
    }
  }

  @Test func aFileThatTheManifestDoesNotNameIsAnOrphan() throws {
    try scratch.write([], to: "other.h5")
    #expect(code { _ = try scratch.open() } == .orphan)
  }

  @Test func hiddenFilesAreOrphansToo() throws {
    try scratch.write([], to: ".other")
    #expect(code { _ = try scratch.open() } == .orphan)
  }

  @Test func aTextBesideTheManifestIsNoOrphan() throws {
    try scratch.write([], to: "README.md")
    #expect(code { _ = try scratch.open() } == nil)
  }

  @Test func aFileThatTheManifestNamesMustBeThere() throws {
    try scratch.remove("lora.h5")
    #expect(code { _ = try scratch.open() } == .missingFile)
  }

  @Test func twoCasesOfOneNameAreRefused() throws {
    try scratch.editEntries { $0.insert($0[1], at: 1) }
    #expect(code { _ = try scratch.open() } == .duplicateCase)
  }

  @Test func anUnknownFormatVersionIsRefusedWhateverElseIsNew() throws {
    try scratch.editManifest { manifest in
      manifest["format_version"] = 2
      manifest["news"] = true
    }
    #expect(code { _ = try scratch.open() } == .unknownFormatVersion)
  }

  @Test func anUnknownFieldIsRefused() throws {
    try scratch.editManifest { $0["news"] = true }
    #expect(code { _ = try scratch.open() } == .malformedManifest)
  }

  @Test func anotherSpellingOfTheManifestIsRefused() throws {
    try scratch.write(try scratch.bytes("manifest.json") + [0x0a], to: "manifest.json")
    #expect(code { _ = try scratch.open() } == .malformedManifest)
  }

  @Test func casesOutOfOrderAreRefused() throws {
    try scratch.editEntries { $0.swapAt(0, 1) }
    #expect(code { _ = try scratch.open() } == .malformedManifest)
  }

  @Test(arguments: ["../lora", "a/b", "", "LORA", ".hidden"])
  func aNameThatCouldBeAnotherFileIsRefused(id: String) throws {
    try scratch.editEntries { entries in
      var entry = try #require(entries[0].objectValue)
      entry["id"] = .string(id)
      entry["file"] = .string("\(id).h5")
      entries[0] = .object(entry)
    }
    #expect(code { _ = try scratch.open() } == .invalidName)
  }

  @Test func aWrongSHAFailsBeforeTheFileIsOpened() throws {
    var bytes = try scratch.bytes("lora.h5")
    // No HDF5 file any more: were it opened first, the error would be another.
    bytes[0] ^= 1
    try scratch.write(bytes, to: "lora.h5")
    let set = try scratch.open()
    #expect(code { _ = try set.read(set.manifest.entries[1]) } == .wrongFile)
  }

  @Test(arguments: [-1, 1, 1 << 20])
  func aFileOfAnotherSizeFails(difference: Int) throws {
    var bytes = try scratch.bytes("lora.h5")
    if difference < 0 {
      bytes.removeLast(-difference)
    } else {
      bytes += [UInt8](repeating: 0, count: difference)
    }
    try scratch.write(bytes, to: "lora.h5")
    let set = try scratch.open()
    #expect(code { _ = try set.read(set.manifest.entries[1]) } == .wrongFile)
  }

  @Test func aFileUnderTheNameOfAnotherCaseFails() throws {
    try scratch.write(try scratch.bytes("exclude-head.h5"), to: "lora.h5")
    try scratch.editEntries { entries in
      var entry = try #require(entries[0].objectValue)
      for field in ["id", "file", "flags"] { entry[field] = entries[1][field] }
      entries[1] = .object(entry)
    }
    let set = try scratch.open()
    #expect(code { _ = try set.read(set.manifest.entries[1]) } == .malformedFile)
  }

  @Test func aFilterSelectsByNameAndByFlag() throws {
    let set = try scratch.open()
    #expect(try set.entries(matching: "head").map(\.id) == ["exclude-head"])
    #expect(try set.entries(matching: "exclusion").map(\.id) == ["exclude-head"])
    #expect(try set.entries(matching: nil).count == 3)
    #expect(code { _ = try set.entries(matching: "nothing") } == .unknownCase)
  }
}
