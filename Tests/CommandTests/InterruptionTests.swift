// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Foundation
import Testing

@Suite("hymt2 convert that is killed or interrupted", .serialized)
struct InterruptionTests {
  private let scratch: Scratch
  /// How long a whole conversion takes, in seconds.
  private let duration: Double

  /// Makes a checkpoint whose conversion takes a while, and a reference to compare with.
  init() throws {
    scratch = try Scratch()
    try Synthetic.write(
      Synthetic.config(experts: 8, hidden: 512, inter: 256), to: scratch["disk"],
      maxShardSize: 2_000_000)
    let start = ContinuousClock.now
    try Hymt2.run(
      "convert", "--to", "native", scratch["disk"], scratch["reference"],
      "--max-shard-size", "2MB"
    ).expectSuccess()
    duration = (.now - start) / .seconds(1)
  }

  private func start() throws -> Child {
    try Hymt2.start(
      ["convert", "--quiet", "--to", "native", "disk", "out", "--max-shard-size", "2MB"],
      in: scratch.path)
  }

  /// Interrupts runs at moments spread over their length; says how many left no output.
  private func interrupt(
    by signal: Int32, runs: Int, leavesNothing: Bool
  ) throws -> Int {
    var interrupted = 0
    // Other tests may have slowed the first run down.
    var duration = duration
    for run in 0..<runs {
      let began = ContinuousClock.now
      let child = try start()
      Thread.sleep(forTimeInterval: duration * Double(run * 7 % runs) / Double(runs))
      child.send(signal)
      let outcome = child.wait()
      let elapsed = (.now - began) / .seconds(1)
      let names = try scratch.names()
      if names.contains("out") {
        #expect(try scratch.difference("out", "reference") == nil, "run \(run)")
        try scratch.remove("out")
        duration = min(duration, elapsed)
      } else {
        interrupted += 1
        #expect(outcome.status == -signal, "run \(run): \(outcome)")
      }
      if leavesNothing {
        #expect(!names.contains { $0.hasPrefix(".") }, "run \(run): \(names)")
      }
    }
    return interrupted
  }

  @Test("Killed at any moment, it leaves no output or a whole one, and a later run works")
  func kill() throws {
    let interrupted = try interrupt(by: SIGKILL, runs: 30, leavesNothing: false)
    #expect(interrupted > 5)
    let leftovers = try scratch.names().filter { $0.hasPrefix(".out.partial-") }
    #expect(!leftovers.isEmpty)
    let later = try Hymt2.run(
      "convert", "--to", "native", "disk", "out", "--max-shard-size", "2MB", in: scratch.path)
    #expect(later.status == 0)
    for name in leftovers { #expect(later.errors.contains(scratch[name])) }
    #expect(try scratch.difference("out", "reference") == nil)
  }

  @Test("SIGINT, SIGTERM and SIGHUP leave nothing behind and end the process as they do")
  func interruption() throws {
    for signal in [SIGINT, SIGTERM, SIGHUP] {
      #expect(try interrupt(by: signal, runs: 8, leavesNothing: true) > 1)
    }
    try start().wait().expectSuccess()
    #expect(try scratch.difference("out", "reference") == nil)
  }

  @Test("Signals that are ignored from the start stay ignored, as under nohup")
  func ignored() throws {
    let child = try Child(
      URL(filePath: "/bin/sh"),
      [
        "-c", "trap '' HUP INT; exec \"$0\" convert --to native disk out --max-shard-size 2MB",
        Hymt2.program.path,
      ], in: scratch.path)
    // The shell has set its trap long before the middle.
    Thread.sleep(forTimeInterval: max(0.1, duration / 2))
    child.send(SIGHUP)
    child.send(SIGINT)
    child.wait().expectSuccess()
    #expect(try scratch.difference("out", "reference") == nil)
  }
}
