// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Files
import Foundation
import Testing

@testable import PropertyEngine

private let crashing = "the property that traps"
private let small = zip(Generator<Int>.integer(0...1000), Generator<[UInt8]>.bytes())

/// Runs a property that traps for numbers above 10 under a guard.
private func runIntoTrap(_ folder: String, threads: Int) throws {
  var settings = Settings(examples: 1000, seed: 1)
  settings.threads = threads
  settings.crashGuard = try CrashGuard(folder: folder, property: crashing, threads: threads)
  _ = Property(small) { value, _ in
    precondition(value.0 <= 10, "the bug")
    return .pass
  }.run(settings)
}

@Suite("What a crash leaves") struct StoreCrashTests {
  @Test("A trap leaves the case that caused it, for one thread and for several")
  func trap() async throws {
    for threads in [1, 3] {
      let folder = FileManager.default.temporaryDirectory.appending(path: "guard-\(UUID())")
      defer { try? FileManager.default.removeItem(at: folder) }
      let path = folder.path()
      await #expect(processExitsWith: .failure) {
        [path = path as String, threads = threads as Int] in
        try runIntoTrap(path, threads: threads)
      }
      let crashGuard = try CrashGuard(folder: path, property: crashing)
      let values = crashGuard.leftovers.map { leftover in
        Property(small) { _, _ in .pass }.replay(leftover)
      }
      #expect(values.allSatisfy { !$0.isStale })
      #expect(values.contains { $0.value.0 > 10 })
      #expect((1...threads).contains(values.count))
      #expect(try CrashGuard(folder: path, property: "another").leftovers.isEmpty)
    }
  }

  @Test("A case that crashes again stays, and goes when a run gets past it")
  func again() async throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "guard-\(UUID())")
    defer { try? FileManager.default.removeItem(at: folder) }
    let path = folder.path()
    for _ in 0..<3 {
      await #expect(processExitsWith: .failure) { [path = path as String] in
        try runIntoTrap(path, threads: 1)
      }
    }
    var settings = Settings(examples: 20)
    let crashGuard = try CrashGuard(folder: path, property: crashing)
    #expect(crashGuard.leftovers.count == 1)
    #expect(try FileSystem.names(in: path).count == 2)
    settings.replays = crashGuard.leftovers
    settings.crashGuard = crashGuard
    let report = Property(small) { _, _ in .pass }.run(settings)
    #expect(report.replays == [.passes])
    crashGuard.finish()
    #expect(try FileSystem.names(in: path).isEmpty)
  }

  @Test("The guard of a living run is not taken for a leftover")
  func living() throws {
    try withTemporaryFolder { folder in
      let source = Source()
      source.begin(tail: .random, limit: 100, random: RandomStream(seed: 4))
      _ = small.draw(source)
      let first = try CrashGuard(folder: folder, property: crashing)
      let slot = try #require(first.begin(source))
      let second = try CrashGuard(folder: folder, property: crashing)
      #expect(second.leftovers.isEmpty)
      first.end(slot)
      second.finish()
      first.finish()
    }
  }

  @Test("Random bytes in place of a guard's file are no case and no crash")
  func hostile() throws {
    try withTemporaryFolder { folder in
      try FileSystem.makeFolders(folder)
      var random = RandomStream(seed: 9)
      for size in [0, 1, 5, 6, 100, 70_000] {
        var bytes = (0..<size).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        if size > 0 { bytes[0] = 1 }
        let name = "\(hexadecimal(stableHash(crashing)))-\(size).inflight"
        try Data(bytes).write(to: URL(filePath: "\(folder)/\(name)"))
      }
      let crashGuard = try CrashGuard(folder: folder, property: crashing)
      #expect(crashGuard.leftovers.isEmpty)
      crashGuard.finish()
      #expect(try FileSystem.names(in: folder).isEmpty)
    }
  }
}
