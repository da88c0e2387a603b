// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Files
import Foundation
import Testing

@testable import PropertyEngine

/// A folder of its own that goes when the body is done.
func withTemporaryFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
  let folder = FileManager.default.temporaryDirectory.appending(path: "store-\(UUID())")
  defer { try? FileManager.default.removeItem(at: folder) }
  return try body(folder.path())
}

@Suite("The store of failures") struct StoreFolderTests {
  private let property = "Module.Suite/test()"

  @Test("Failures come back simplest first, and only those of the property")
  func order() throws {
    try withTemporaryFolder { folder in
      let store = FailureStore(folder: folder, maximumPerProperty: 100)
      let failures = randomFailures(20)
      for failure in failures { try store.save(failure) }
      let other = ReplayToken(
        property: "another", fingerprint: 1, choices: failures[0].choices)
      try store.save(other)
      let found = try store.failures(of: property)
      #expect(found.failures.count == 20)
      #expect(found.unreadable.isEmpty)
      for (a, b) in zip(found.failures, found.failures.dropFirst()) {
        #expect(!b.choices.isSimpler(than: a.choices))
      }
      try store.remove(failures[3])
      try store.remove(failures[3])
      #expect(try store.failures(of: property).failures.count == 19)
      #expect(try store.failures(of: "another").failures == [other])
    }
  }

  @Test("A store that is not there is empty")
  func missing() throws {
    let contents = try FailureStore(folder: "/nowhere/at/all").failures(of: "p")
    #expect(contents.failures.isEmpty && contents.unreadable.isEmpty)
  }

  @Test("A damaged file is reported and does not hide the others")
  func damaged() throws {
    try withTemporaryFolder { folder in
      let store = FailureStore(folder: folder)
      let failures = randomFailures(2)
      for failure in failures { try store.save(failure) }
      let path = "\(folder)/\(store.fileName(of: failures[0]))"
      try Data("p2_AAAAAAAAAAAAAAAAAAAA".utf8).write(to: URL(filePath: path))
      let contents = try store.failures(of: property)
      #expect(contents.failures == [failures[1]])
      #expect(contents.unreadable.map(\.path) == [path])
      #expect("\(contents.unreadable)".contains("checksum"))
    }
  }

  @Test("Only the simplest are kept when there are too many")
  func bounded() throws {
    try withTemporaryFolder { folder in
      let store = FailureStore(folder: folder, maximumPerProperty: 3)
      let failures = randomFailures(10)
      for failure in failures { try store.save(failure) }
      let kept = try store.failures(of: property).failures
      // As they are read, without the ranges that the choices were drawn from.
      let simplest = try failures.map { try ReplayToken(text: $0.text) }
        .sorted { $0.choices.isSimpler(than: $1.choices) }.prefix(3)
      #expect(kept.map(\.choices) == simplest.map(\.choices))
      #expect(try FileSystem.names(in: folder).count == 3)
    }
  }

  @Test("Writers and readers at the same time see whole files only")
  func concurrent() async throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "store-\(UUID())")
    defer { try? FileManager.default.removeItem(at: folder) }
    let store = FailureStore(folder: folder.path(), maximumPerProperty: 1000)
    let failures = randomFailures(40)
    try await withThrowingTaskGroup { group in
      for part in 0..<4 {
        group.addTask {
          for failure in failures.dropFirst(part * 5) {
            try store.save(failure)
            let contents = try store.failures(of: property)
            #expect(contents.unreadable.isEmpty)
          }
        }
      }
      try await group.waitForAll()
    }
    #expect(try store.failures(of: property).failures.count == 40)
  }
}
