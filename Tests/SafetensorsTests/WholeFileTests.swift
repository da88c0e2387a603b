// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Foundation
import Testing

@testable import Safetensors

@Suite("Files written as a whole")
struct WholeFileTests {
  private func names(_ folder: TemporaryFolder) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
  }

  @Test("A file appears with its bytes, replaces another, and leaves nothing beside it")
  func writing() throws {
    let folder = try TemporaryFolder()
    let path = "\(folder.path)/report.html"
    for bytes in [Array("first, longer".utf8), Array("second".utf8), []] {
      try WholeFile.write(bytes, to: path)
      #expect(FileManager.default.contents(atPath: path) == Data(bytes))
      #expect(try names(folder) == ["report.html"])
    }
  }

  @Test("A folder in the way and a missing parent are errors that leave nothing behind")
  func errors() throws {
    let folder = try TemporaryFolder()
    let path = "\(folder.path)/taken"
    try FileManager.default.createDirectory(
      atPath: "\(path)/full", withIntermediateDirectories: true)
    #expect(throws: SafetensorsError.self) { try WholeFile.write([1], to: path) }
    #expect(throws: SafetensorsError.self) { try WholeFile.write([1], to: "\(path)/none/file") }
    #expect(try names(folder) == ["taken"])
  }
}
