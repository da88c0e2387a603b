// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Adapters
import CheckpointGenerators
import ExternalAdapters
import Foundation
import Layouts
import Tensors
import Testing

@Suite("After misbehaviour")
struct RestartTests {
  @Test("a new child is started, and the session goes on with it")
  func goingOn() throws {
    let adapter = try Scripted.adapter("exit@2")
    let session = adapter.session(for: Sample.plainest.setup)
    let onDisk = try Checkpoint(Sample.plainest).stateDict()
    let native = try session.fromHF(onDisk, nil)
    for _ in 0..<3 {
      #expect(misbehaviour { _ = try session.fromHF(onDisk, nil) }?.kind == .crashed)
      let again = try session.fromHF(onDisk, nil)
      #expect(again == native)
    }
  }

  @Test("what a child does depends on the checkpoint, and so does what it is reported for")
  func byConfig() throws {
    let adapter = try Scripted.adapter("segfault@experts=2", "wrong-id@experts=3")
    var kinds: [Int: Set<Misbehaviour.Kind?>] = [:]
    for spec in Sample.specs(60, seed: 3) {
      let found = misbehaviour { try adapter.load(spec) }
      kinds[spec.config.expertCount, default: []].insert(found?.kind)
    }
    for (count, found) in kinds {
      #expect(found == (count == 2 ? [.crashed] : count == 3 ? [.wrongID] : [nil]), "\(count)")
    }
    #expect(kinds[2] != nil && kinds[3] != nil)
  }

  @Test("an answer that comes too late reaches no other request")
  func lateAnswer() throws {
    let limits = ExternalLimits(requestTime: .milliseconds(300), startTime: .seconds(30))
    let adapter = try Scripted.adapter("late@1", limits: limits)
    let session = adapter.session(for: Sample.plainest.setup)
    #expect(misbehaviour { _ = try session.isMTPKey("model.layers.7.x") }?.kind == .hung)
    usleep(1_000_000)
    #expect(misbehaviour { _ = try session.isMTPKey("model.layers.7.x") }?.kind == .hung)
  }

  @Test(
    "no process is left that the child started",
    arguments: ["grandchild", "daemon", "grandchild-exit"])
  func descendants(script: String) throws {
    let file = Folder.make()
    let adapter = try Scripted.adapter("\(script)@1", "exit@2", "pid-file=\(file)")
    _ = misbehaviour { try adapter.load() }
    let text = try String(contentsOfFile: file, encoding: .utf8)
    let grandchild = try #require(Int32(text.trimmingCharacters(in: .whitespacesAndNewlines)))
    _ = misbehaviour { try adapter.load() }
    adapter.shutdown(after: .zero)
    #expect(!isAlive(grandchild))
  }

  @Test("and shutdown a later request is served by a new child")
  func shutdown() throws {
    let adapter = try Scripted.adapter()
    adapter.shutdown()
    #expect(try !adapter.load().isEmpty)
  }

  @Test("two hundred times no descriptor and no process is left over")
  func leaks() async {
    // Alone in a process, because other tests open descriptors, too.
    await #expect(processExitsWith: .success) {
      let adapter = try Scripted.adapter("exit@1")
      _ = misbehaviour { try adapter.load() }
      let before = descriptors()
      for _ in 0..<200 { _ = misbehaviour { try adapter.load() } }
      adapter.shutdown(after: .zero)
      // The last ones are closed by other threads.
      for _ in 0..<500 where descriptors() > before {
        try await Task.sleep(for: .milliseconds(20))
      }
      #expect(descriptors() <= before)
      #expect(children() == [])
    }
  }

  /// Whether a process is there and no zombie.
  private func isAlive(_ identifier: Int32) -> Bool {
    guard let line = try? String(contentsOfFile: "/proc/\(identifier)/stat", encoding: .utf8),
      let end = line.lastIndex(of: ")")
    else { return false }
    return !line[end...].hasPrefix(") Z")
  }
}

/// The descriptors that this process has open.
private func descriptors() -> Int {
  ((try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []).count
}

/// The processes that this one has started and that are still there.
private func children() -> [String] {
  let threads = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/task")) ?? []
  return threads.flatMap { thread in
    let path = "/proc/self/task/\(thread)/children"
    return ((try? String(contentsOfFile: path, encoding: .utf8)) ?? "").split(separator: " ")
      .map(String.init)
  }
}
