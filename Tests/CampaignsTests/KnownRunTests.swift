// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Adapters
import CheckpointGenerators
import Layouts
import PropertyEngine
import StrictJSON
import Synchronization
import Testing

@testable import Campaigns

@Suite("Runs of an adapter of which something is known")
struct KnownRunTests {
  private func run(
    _ entries: [JSONValue], laws: [AdapterLaw] = KnownLists.laws,
    adapter: VersionedAdapter = VersionedAdapter(), space: CheckpointSpace = CheckpointSpace()
  ) throws -> CheckRun {
    CheckRun(
      adapter, laws: laws, space: space, known: try KnownLists.read(KnownLists.file(entries)))
  }

  private func few(_ when: JSONValue? = nil) throws -> JSONValue {
    KnownLists.entry(
      "many-experts", law: "few-experts", token: try KnownLists.token(TestLaws.few), when: when)
  }

  private func flat() throws -> JSONValue {
    KnownLists.entry("deep", law: "flat", token: try KnownLists.token(TestLaws.flat))
  }

  @Test("What is known is counted and does not fail the run")
  func known() throws {
    let report = try run([few(), flat()]).run(RunSettings(examples: 100))
    #expect(report.holds && report.end == .completed && report.failures.isEmpty)
    #expect(report.passed == 100 && report.failed == 0)
    let known = try #require(report.known)
    #expect(known.tallies.map(\.state) == [.shows, .shows])
    #expect(known.tallies.map(\.checkpoints) == report.laws[1...].map(\.known))
    #expect(known.checkpoints == known.passed && known.passed < 100)
    #expect(report.laws[1].held + report.laws[1].known == 100)
    #expect(report.laws.allSatisfy { $0.broken == 0 })
    #expect(!report.isBroken(report.laws[1]))
  }

  @Test("The first violation that is not known is the failure, though a known one stands before")
  func unexplained() throws {
    let report = try run([few()]).run(RunSettings(examples: 100))
    #expect(!report.holds)
    let failure = try #require(report.failures.first)
    #expect(report.failures.count == 1 && failure.law.name == "flat")
    #expect(failure.spec?.config.hiddenLayerCount == 2)
    #expect(failure.spec?.config.expertCount == 1)
    let known = try #require(report.known)
    #expect(known.checkpoints > known.passed)
    #expect(report.laws[1].broken == 0 && report.laws[1].known > 0 && report.laws[2].broken > 0)
  }

  @Test("An entry explains only what has the values it names, and shrinking stays outside of them")
  func when() throws {
    let entry = try few(["experts": ["3"]])
    let report = try run([entry], laws: [TestLaws.few]).run(RunSettings(examples: 200))
    let failure = try #require(report.failures.first)
    #expect(report.failures.count == 1)
    #expect(failure.spec?.config.expertCount == 4)
    #expect(try #require(report.known).tallies[0].state == .shows)
  }

  @Test("Of several entries that explain a violation the first is counted")
  func precedence() throws {
    let narrow = KnownLists.entry(
      "three", law: "few-experts", token: try KnownLists.token(TestLaws.few),
      when: ["experts": ["3"]])
    let report = try run([narrow, few()], laws: [TestLaws.few]).run(RunSettings(examples: 150))
    #expect(report.holds)
    let counts = try #require(report.known).tallies.map(\.checkpoints)
    let experts = try #require(report.coverage.axes.first { $0.name == "experts" })
    let three = experts.values.first { $0.label == "3" }?.count
    #expect(counts[0] == three)
    #expect(counts[0] + counts[1] == report.laws[0].known)
  }

  @Test("An entry whose case no longer shows it has vanished; one of another version is stale")
  func vanished() throws {
    let old = "c1:hy_v3:a_size_that_went=2"
    let entries = [
      KnownLists.entry("gone", law: "few-experts", token: KnownLists.simplest()),
      KnownLists.entry("old", law: "flat", token: old),
      KnownLists.entry("elsewhere", law: "shallow", token: KnownLists.simplest()),
    ]
    let report = try run(entries, laws: [TestLaws.few, TestLaws.flat])
      .run(RunSettings(examples: 60))
    #expect(report.holds)
    let known = try #require(report.known)
    #expect(known.tallies.map(\.state) == [.vanished, .stale, .notJudged])
    #expect(known.vanished.map(\.id) == ["gone"])
    let text = report.lines.map(\.text)
    #expect(text.contains { $0.hasPrefix("vanished: gone, whose case no longer shows it") })
    #expect(text.contains("    hymt2 replay \(KnownLists.simplest())"))
    #expect(text.contains { $0.hasPrefix("stale: old, the token") })
  }

  @Test("An adapter that was told to stop breaks no law, and no entry has vanished for it")
  func stopped() throws {
    let known = try KnownLists.read(KnownLists.file([try few()]))
    let isCancelled = Atomic<Bool>(false)
    var settings = RunSettings(examples: 100)
    settings.isCancelled = { isCancelled.load(ordering: .relaxed) }
    let report = try CheckRun(
      StoppedAdapter { isCancelled.store(true, ordering: .relaxed) },
      laws: [TestLaws.few] + Laws.all.filter { $0.name == "keys" }, known: known
    ).run(settings)
    #expect(report.end == .cancelled && report.holds)
    #expect(report.failures.isEmpty && report.judged == 0)
    #expect(report.known?.tallies.map(\.state) == [.notJudged])
  }

  @Test("A case that the adapter does not support is not checked; a config does not matter")
  func spaces() throws {
    let supporting = VersionedAdapter(supports: [AxisSelection("experts", ["1", "2"])])
    let unsupported = try run([few(), flat()], adapter: supporting)
      .run(RunSettings(examples: 30))
    #expect(unsupported.known?.tallies.map(\.state) == [.unsupported, .shows])
    let config = CheckpointSpace(config: CheckpointSpec.plainest.config)
    let report = try run([few(), flat()], space: config).run(RunSettings(examples: 30))
    #expect(report.known?.tallies.map(\.state) == [.shows, .shows])
    #expect(report.known?.checkpoints == 0)
  }

  @Test("Documents are the same on 1, 2 and 4 threads")
  func threads() throws {
    let run = try run([few(["experts": ["3"]]), flat()])
    let documents = try [1, 2, 4].map { threads in
      var settings = RunSettings(examples: 80, seed: 3, threads: threads)
      settings.keepsGoing = true
      let report = try run.run(settings)
      return [
        JSONValue.object(JSONObject(report.json)).text(.python), report.html(tool: "test"),
        report.junit, report.lines.map(\.text).joined(separator: "\n"),
      ]
    }
    #expect(documents[1] == documents[0])
    #expect(documents[2] == documents[0])
  }

  @Test("A replay tells what is known from what is not")
  func replay() throws {
    let token = try CheckpointSpec(token: try KnownLists.token(TestLaws.few))
    let known = try run([few()]).replay(token)
    #expect(known.holds && known.known == ["many-experts"])
    #expect(known.verdicts[1].holds == false)
    #expect(
      known.lines.first?.text
        == "no law is broken on the checkpoint but as known (many-experts) (adapter: versioned)")
    #expect(try !run([flat()]).replay(token).holds)
  }
}
