// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Foundation
import Testing

@testable import PropertyEngine

@Suite("A journal")
struct JournalTests {
  private let folder = NSTemporaryDirectory() + "journal-\(UUID().uuidString)"

  private func open() throws -> Journal {
    try #require(try Journal.open(folder: folder, name: "a.journal"))
  }

  private func lines(_ journal: Journal) throws -> [String] {
    try journal.recover().map { String(decoding: $0, as: UTF8.self) }
  }

  @Test("Lines are there when the file is opened again")
  func reopened() throws {
    do {
      let journal = try open()
      try journal.append(Array("one".utf8))
      try journal.append(Array("two".utf8))
      #expect(journal.byteCount == 8)
    }
    #expect(try lines(open()) == ["one", "two"])
  }

  @Test("A line that was cut short is left out, wherever, and what follows is whole")
  func torn() throws {
    for count in 0...8 {
      let path = "\(folder)/a.journal"
      try FileManager.default.createDirectory(
        atPath: folder, withIntermediateDirectories: true)
      try Data("one\ntwo\n".utf8.prefix(count)).write(to: URL(filePath: path))
      let journal = try open()
      let whole = count < 4 ? [] : count < 8 ? ["one"] : ["one", "two"]
      #expect(try lines(journal) == whole, "\(count) bytes")
      try journal.append(Array("three".utf8))
      #expect(try lines(journal) == whole + ["three"], "\(count) bytes")
    }
  }

  @Test("Another holder is refused until the first is gone")
  func locked() throws {
    var journal: Journal? = try open()
    #expect(try Journal.open(folder: folder, name: "a.journal") == nil)
    #expect(journal?.path == "\(folder)/a.journal")
    journal = nil
    #expect(try Journal.open(folder: folder, name: "a.journal") != nil)
  }

  @Test("A journal that is cleared has no lines")
  func cleared() throws {
    let journal = try open()
    try journal.append([65])
    try journal.clear()
    #expect(journal.byteCount == 0)
    #expect(try lines(journal) == [])
  }

  @Test("A numbered case is the same whatever was drawn before it")
  func numbered() {
    let generator = Generator<Int>.element(of: Array(0..<1000))
    let alone = generator.numbered(7, seed: 3)
    for number in 0..<7 { _ = generator.numbered(UInt64(number), seed: 3) }
    #expect(generator.numbered(7, seed: 3)?.value == alone?.value)
    #expect(generator.numbered(7, seed: 3)?.choices == alone?.choices)
    let values = Set((0..<200).compactMap { generator.numbered($0, seed: 3)?.value })
    #expect(values.count > 60)
    #expect(generator.numbered(7, seed: 4)?.value != alone?.value)
  }
}
