// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Adapters
import Campaigns
import CheckpointGenerators
import LawTesting
import Layouts
import Synchronization
import Tensors
import Testing

@Suite("The reference adapter")
struct ReferenceLawTests {
  static let laws = LawRun(of: ReferenceAdapter(), examples: 20)

  @Test("obeys", arguments: Laws.all)
  func law(_ law: AdapterLaw) async throws { try await Self.laws.check(law) }
}

@Suite("Laws as tests")
struct LawRunTests {
  private static let keys = Laws.all.filter { ["keys", "order"].contains($0.name) }

  /// The issues that a law's test records.
  private func issues(_ run: LawRun, _ law: String) async throws -> [Issue] {
    let found = Mutex<[Issue]>([])
    let law = try #require(Laws.named(law))
    try await withKnownIssue(isIntermittent: true) {
      try await run.check(law)
    } matching: { issue in
      found.withLock { $0.append(issue) }
      return true
    }
    return found.withLock { $0 }
  }

  @Test("A broken law is one issue with the screen, at the line that checks it")
  func broken() async throws {
    let run = LawRun(of: NameKeepingAdapter(), laws: Self.keys, examples: 20)
    let issues = try await issues(run, "keys")
    let issue = try #require(issues.first)
    let text = issue.comments.map(\.rawValue).joined()
    #expect(issues.count == 1)
    #expect(issue.sourceLocation?.fileName == "LawRunTests.swift")
    #expect(text.contains("✘ keys: the keys that come out are those of the layout"))
    #expect(text.contains("replay  hymt2 replay c1:hy_v3"), "\(text)")
  }

  @Test("A law that is broken only where another is, too, names the one that shows the cause")
  func masked() async throws {
    let run = LawRun(of: NameKeepingAdapter(), laws: Self.keys, examples: 20)
    let report = try await run.report()
    let order = try #require(report.laws.first { $0.law.name == "order" })
    let issues = try await issues(run, "order")
    #expect(issues.isEmpty == (order.broken == 0))
    #expect(issues.allSatisfy { $0.comments.map(\.rawValue).joined().contains("see keys") })
  }

  @Test("Laws that hold record nothing, and all tests share one run")
  func shared() async throws {
    let adapter = CountingAdapter()
    let run = LawRun(of: adapter, laws: Self.keys, examples: 5)
    for law in Self.keys { try await run.check(law) }
    let once = adapter.count
    for law in Self.keys { try await run.check(law) }
    #expect(once > 0 && adapter.count == once)
  }

  @Test("A law by itself is checked without a run of its own")
  func alone() async throws {
    try await check(Self.keys[0], of: ReferenceAdapter(), examples: 5)
  }

  @Test("A law that the run was not made for is an issue, and no examples are an error")
  func wrong() async throws {
    let run = LawRun(of: ReferenceAdapter(), laws: Self.keys, examples: 3)
    #expect(try await issues(run, "types").count == 1)
    await #expect(throws: CheckError.noExamples(requested: 0)) {
      try await check(Self.keys[0], of: ReferenceAdapter(), examples: 0)
    }
  }
}

/// An adapter that leaves out a key on loading.
private struct NameKeepingAdapter: AdapterUnderTest {
  let name = "name-keeping"

  func session(for setup: AdapterSetup) throws -> any AdapterSession {
    Session(inner: ReferenceAdapter().session(for: setup))
  }

  private struct Session: AdapterSession {
    let inner: any AdapterSession

    func fromHF(_ onDisk: StateDict, _ parallelism: ExpertParallelism?) throws -> StateDict {
      let native = try inner.fromHF(onDisk, parallelism)
      return try StateDict(native.filter { name, _ in !name.text.hasSuffix("norm.weight") })
    }

    func toHF(
      _ native: StateDict, excluding: String, _ parallelism: ExpertParallelism?
    ) throws -> StateDict {
      try inner.toHF(native, excluding: excluding, parallelism)
    }

    func convertSingleTensorToHF(
      _ name: TensorName, _ tensor: Tensor, excluding: String, _ parallelism: ExpertParallelism?
    ) throws -> [(name: TensorName, tensor: Tensor)] {
      try inner.convertSingleTensorToHF(name, tensor, excluding: excluding, parallelism)
    }

    func isMTPKey(_ name: TensorName) throws -> Bool { try inner.isMTPKey(name) }
  }
}

/// The reference adapter, which counts the sessions that are asked of it.
private final class CountingAdapter: AdapterUnderTest {
  let name = "counting"
  private let sessions = Atomic<Int>(0)

  var count: Int { sessions.load(ordering: .relaxed) }

  func session(for setup: AdapterSetup) throws -> any AdapterSession {
    sessions.add(1, ordering: .relaxed)
    return ReferenceAdapter().session(for: setup)
  }
}
