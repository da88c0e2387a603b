// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Files
import Foundation
import Testing

@Suite("Files and folders")
final class FileSystemTests {
  let folder: String

  init() throws {
    folder = FileManager.default.temporaryDirectory
      .appending(path: "files-tests-\(UUID().uuidString)").path(percentEncoded: false)
    try FileSystem.makeFolders(folder)
  }

  deinit {
    try? FileManager.default.removeItem(atPath: folder)
  }

  @Test("A file appears with its bytes, replaces another, and leaves nothing beside it")
  func writing() throws {
    let path = "\(folder)/report.html"
    for bytes in [Array("first, longer".utf8), Array("second".utf8), []] {
      try FileSystem.write(bytes, to: path)
      #expect(try FileSystem.contents(of: path, atMost: 100) == bytes)
      #expect(try FileSystem.names(in: folder) == ["report.html"])
    }
  }

  @Test("A folder in the way and a missing parent are errors that leave nothing behind")
  func errors() throws {
    let path = "\(folder)/taken"
    try FileSystem.makeFolders("\(path)/full")
    #expect(throws: FileError.self) { try FileSystem.write([1], to: path) }
    #expect(throws: FileError.self) { try FileSystem.write([1], to: "\(path)/none/file") }
    #expect(try FileSystem.names(in: folder) == ["taken"])
  }

  @Test("A temporary file of a killed process of the same number is no obstacle")
  func leftover() throws {
    let left = ".a.partial-\(ProcessInfo.processInfo.processIdentifier)"
    try FileSystem.write([], to: "\(folder)/\(left)")
    try FileSystem.write([1], to: "\(folder)/a")
    #expect(try FileSystem.names(in: folder) == [left, "a"])
  }

  @Test("Paths that lead to no regular file are errors, and links are followed only if asked for")
  func reading() throws {
    for path in ["\(folder)/missing", folder, "/dev/null", "", "\(folder)/a\0b"] {
      #expect(throws: FileError.self, "\(path)") {
        try FileSystem.contents(of: path, atMost: 10)
      }
    }
    let missing = try FileSystem.ifThere { () throws(FileError) in
      try FileSystem.contents(of: "\(folder)/missing", atMost: 10)
    }
    #expect(missing == nil)
    try FileSystem.write([1, 2, 3], to: "\(folder)/a")
    #expect(try FileSystem.contents(of: "\(folder)/a", atMost: 2) == [1, 2])
    try FileManager.default.createSymbolicLink(
      atPath: "\(folder)/link", withDestinationPath: "a")
    #expect(try FileSystem.contents(of: "\(folder)/link", atMost: 9) == [1, 2, 3])
    #expect(throws: FileError.self) {
      try FileSystem.contents(of: "\(folder)/link", atMost: 9, followingLinks: false)
    }
    #expect(FileSystem.kind(of: "\(folder)/link") == .other)
    #expect(FileSystem.kind(of: "\(folder)/link", followingLinks: true) == .file)
  }

  @Test("A path has a parent and a plain name, or is an error")
  func splitting() throws {
    for (path, parent, name) in [
      ("a", ".", "a"), ("a/b/", "a", "b"), ("/a", "/", "a"), ("/a/b", "/a", "b"),
      ("a//b", "a/", "b"),
    ] {
      #expect(try FileSystem.split(path) == (parent, name))
    }
    for path in ["", "/", "a/..", ".", "a\0b"] {
      let error = #expect(throws: FileError.self) { try FileSystem.split(path) }
      #expect(error?.isInvalidName == true)
    }
  }

  @Test("Two folders exchange their names, and one of files is removed")
  func exchange() throws {
    for name in ["a", "b"] {
      try FileSystem.makeFolder("\(folder)/\(name)")
      try FileSystem.write([], to: "\(folder)/\(name)/file-\(name)")
    }
    try FileSystem.exchange("\(folder)/a", "\(folder)/b")
    #expect(try FileSystem.names(in: "\(folder)/a") == ["file-b"])
    try FileSystem.removeFolder("\(folder)/a")
    try FileSystem.removeFolder("\(folder)/a")
    #expect(try FileSystem.names(in: folder) == ["b"])
  }

  @Test("One descriptor at a time has the lock, and a full disk is told with what helps")
  func locks() throws {
    try FileSystem.write([], to: "\(folder)/a")
    let path = "\(folder)/a"
    func locks() throws -> [Bool] {
      let first = try OpenFile(changing: path)
      let second = try OpenFile(reading: path)
      return [first.tryLock(), first.isLinked, second.tryLock()]
    }
    // The end of a descriptor's life frees the lock.
    for _ in 0..<2 { #expect(try locks() == [true, true, false]) }
    #expect(
      FileError("a", "write", code: 28).description
        == "a: expected to write, found No space left on device; free space on the disk")
  }
}
