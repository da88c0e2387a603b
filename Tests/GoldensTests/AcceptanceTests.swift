// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Foundation
import Goldens
import StrictJSON
import Testing

@Suite struct AcceptanceTests {
  private let old: ScratchSet
  private let new: ScratchSet

  init() throws {
    old = try ScratchSet()
    new = try ScratchSet()
    try new.editEntries { $0.removeLast() }
    try new.remove("prefix-none.h5")
  }

  @Test func aSetTakesThePlaceOfAnother() throws {
    try old.write(Array("text".utf8), to: "README.md")
    try new.open().replace(setAt: old.path)
    #expect(try old.open().manifest.entries.map(\.id) == ["exclude-head", "lora"])
    #expect(try old.bytes("README.md") == Array("text".utf8))
    #expect(try old.neighbors() == ["Golden"])
  }

  @Test func onlyCasesThatAreChosenChange() throws {
    let before = try old.open().manifest
    let set = try new.open()
    try set.replace(setAt: old.path, taking: ["lora"])
    #expect(try old.open().manifest.entries == before.entries)
    try set.replace(setAt: old.path, taking: ["prefix-none"])
    #expect(try old.open().manifest.entries.map(\.id) == ["exclude-head", "lora"])
  }

  @Test func aSetOfAnotherMakerIsTakenAsAWhole() throws {
    let text = try String(decoding: new.bytes("manifest.json"), as: UTF8.self)
    try new.write(
      Array(text.replacing("\"torch\": \"2.13.0\"", with: "\"torch\": \"9.9\"").utf8),
      to: "manifest.json")
    let set = try new.open()
    #expect(code { try set.replace(setAt: old.path, taking: ["lora"]) } == .wrongContent)
    #expect(try old.open().manifest.entries.count == 3)
    try set.replace(setAt: old.path)
    #expect(try old.open().manifest.versions.contains { $0.version == "9.9" })
  }

  @Test func aSetIsMadeWhereThereIsNone() throws {
    let path = old.folder.appending(path: "First").path
    try new.open().replace(setAt: path)
    #expect(try GoldenSet(path: path).manifest.entries.count == 2)
    #expect(try old.neighbors() == ["First", "Golden"])
  }

  @Test func aSetWithAWrongFileIsNotTaken() throws {
    var bytes = try new.bytes("lora.h5")
    bytes[bytes.count - 1] ^= 1
    try new.write(bytes, to: "lora.h5")
    let set = try new.open()
    #expect(code { try set.replace(setAt: old.path) } == .wrongFile)
    #expect(try old.open().manifest.entries.count == 3)
    #expect(try old.neighbors() == ["Golden"])
  }

  @Test func whatAKilledProcessLeftIsRemoved() throws {
    let left = old.folder.appending(path: ".Golden.accepting")
    try FileManager.default.createDirectory(at: left, withIntermediateDirectories: true)
    try Data().write(to: left.appending(path: "lora.h5"))
    try new.open().replace(setAt: old.path)
    #expect(try old.neighbors() == ["Golden"])
  }

  @Test func aFolderOfOtherThingsIsNotReplaced() throws {
    try old.write([], to: "notes.txt")
    let set = try new.open()
    #expect(code { try set.replace(setAt: old.path) } == .orphan)
    #expect(try old.bytes("notes.txt") == [])
  }

  @Test func aLinkIsNotReplaced() throws {
    let link = old.folder.appending(path: "Link").path
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: old.path)
    let set = try new.open()
    #expect(code { try set.replace(setAt: link) } == .invalidPlace)
  }

  @Test func onlyOneProcessAtATimeChangesASet() throws {
    let descriptor = unsafe open(old.folder.path, O_RDONLY | O_DIRECTORY)
    defer { close(descriptor) }
    #expect(flock(descriptor, LOCK_EX | LOCK_NB) == 0)
    let set = try new.open()
    #expect(code { try set.replace(setAt: old.path) } == .busy)
  }
}
