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

@Suite("A run of laws on generated checkpoints")
struct CheckRunTests {
  private static let laws = [TestLaws.shallow, TestLaws.silent]

  private func held(_ settings: RunSettings) throws -> RunReport {
    try CheckRun(ReferenceAdapter(), laws: Self.laws).run(settings)
  }

  @Test("Every law is counted once on every checkpoint")
  func tallies() throws {
    let report = try held(RunSettings(examples: 40, seed: 3))
    #expect(report.holds)
    #expect(report.end == .completed)
    #expect(report.passed == 40)
    #expect(report.judged == 40)
    #expect(report.laws.map(\.law.name) == ["shallow", "silent"])
    for tally in report.laws {
      #expect(tally.held + tally.notApplicable + tally.broken == 40)
    }
    #expect(report.laws[0].held > 0)
    #expect(report.laws[1].notApplicable == 40)
  }

  @Test("Counts of every axis add up to the number of checkpoints")
  func axes() throws {
    let coverage = try held(RunSettings(examples: 30)).coverage
    #expect(coverage.axes.map(\.name) == ConfigAxis.allCases.map(\.name))
    for axis in coverage.axes {
      #expect(axis.values.reduce(0) { $0 + $1.count } == 30, "\(axis.name)")
    }
    for (name, share) in coverage.shares {
      #expect(0 < share.reached && share.reached <= share.feasible, "\(name)")
    }
    #expect(
      coverage.missingPairs.count == min(100, coverage.pairs.feasible - coverage.pairs.reached))
  }

  @Test("The same seed gives the same documents on 1, 2 and 4 threads; another seed others")
  func determinism() throws {
    func documents(_ threads: Int, seed: UInt64 = 5) throws -> [String] {
      let run = CheckRun(ReferenceAdapter(), laws: Self.laws + [TestLaws.flat, TestLaws.few])
      let report = try run.run(RunSettings(examples: 25, seed: seed, threads: threads))
      return [
        JSONValue.object(JSONObject(report.json)).text(.python), report.html(tool: "test"),
        report.junit, report.lines.map(\.text).joined(separator: "\n"),
      ]
    }
    let expected = try documents(1)
    for threads in [2, 4] {
      let found = try documents(threads)
      #expect(found == expected, "\(threads) threads")
    }
    #expect(try documents(1, seed: 6)[0] != expected[0])
  }

  @Test("A failure is shrunk as far as can be and names every law that the checkpoint breaks")
  func failure() throws {
    let run = CheckRun(ReferenceAdapter(), laws: [TestLaws.shallow, TestLaws.few])
    let report = try run.run(RunSettings(examples: 200))
    #expect(!report.holds)
    #expect(report.end == .failed)
    #expect(report.failures.map(\.law.name) == ["few-experts"])
    let failure = try #require(report.failures.first)
    #expect(failure.spec?.config.expertCount == 3)
    #expect(failure.spec?.config.hiddenLayerCount == 1)
    #expect(failure.kind == "too many")
    #expect(failure.place == "experts")
    #expect(failure.summary == "found 3 experts, expected < 3")
    let broken = Failure.BrokenLaw(
      law: "few-experts", kind: "too many", place: "experts", summary: failure.summary)
    #expect(failure.brokenLaws == [broken])
    #expect(failure.config["num_experts"] == 3)
    #expect(try ModelConfig(json: failure.config) == failure.spec?.config)
    #expect(try #require(failure.shrinking).simplifications > 0)
    #expect(failure.flakiness == nil)
    #expect(report.laws[1].broken == report.failed)
  }

  @Test("Two causes are two failures, and the first broken law in the list names each")
  func twoCauses() throws {
    let run = CheckRun(ReferenceAdapter(), laws: [TestLaws.flat, TestLaws.few])
    let report = try run.run(RunSettings(examples: 200))
    #expect(Set(report.failures.map(\.law.name)) == ["flat", "few-experts"])
    let few = try #require(report.failures.first { $0.law.name == "few-experts" })
    #expect(few.spec?.config.hiddenLayerCount == 1)
  }

  @Test("A law that is not the same every time is said to be so")
  func fickleLaw() throws {
    let report = try CheckRun(ReferenceAdapter(), laws: [TestLaws.fickle()])
      .run(RunSettings(examples: 20))
    let failure = try #require(report.failures.first)
    #expect(failure.flakiness != nil)
  }

  @Test("A config pins the space; the rest still varies")
  func pinnedConfig() throws {
    let config = try ModelConfig(
      vocabularySize: 3, hiddenSize: 4, denseIntermediateSize: 5, moeIntermediateSize: 2,
      expertCount: 2, layerKinds: [.sparse], attentionHeadCount: 1, keyValueHeadCount: 1,
      headSize: 4)
    let run = CheckRun(
      ReferenceAdapter(), laws: [TestLaws.shallow], space: CheckpointSpace(config: config))
    let report = try run.run(RunSettings(examples: 30))
    #expect(report.passed == 30)
    #expect(report.laws[0].held == 30)
    let experts = try #require(report.coverage.axes.first { $0.name == "experts" })
    #expect(experts.values.filter(\.isFeasible).map(\.count) == [30])
  }

  @Test("Without examples, laws or anything to check there is an error and no report")
  func nothing() throws {
    func error(_ laws: [AdapterLaw], examples: Int) -> CheckError? {
      do throws(CheckError) {
        _ = try CheckRun(ReferenceAdapter(), laws: laws).run(RunSettings(examples: examples))
        return nil
      } catch {
        return error
      }
    }
    #expect(error(Self.laws, examples: 0) == .noExamples(requested: 0))
    #expect(error(Self.laws, examples: -1) == .noExamples(requested: -1))
    #expect(error([], examples: 10) == .noLaws)
    #expect(error([TestLaws.silent], examples: 10) == .nothingJudged(executed: 10))
  }

  @Test("Told to end, a run stops at the next checkpoint and reports what was done")
  func cancelling() throws {
    let count = Atomic<Int>(0)
    var settings = RunSettings(examples: 100_000)
    settings.isCancelled = { count.load(ordering: .relaxed) >= 10 }
    let report = try CheckRun(ReferenceAdapter(), laws: Self.laws).run(settings) { step in
      count.store(step.judged, ordering: .relaxed)
    }
    #expect(report.end == .cancelled)
    #expect((10..<200).contains(report.judged))
    #expect(report.verdict.hasPrefix("stopped: "))
  }

  @Test("Progress counts checkpoints and tells of shrinking")
  func progress() throws {
    var searched: [Int] = []
    var shrunk: Set<String> = []
    var found: [String] = []
    let run = CheckRun(ReferenceAdapter(), laws: [TestLaws.few])
    let report = try run.run(RunSettings(examples: 200)) { step in
      if let line = step.found { found.append(line) }
      if let law = step.shrinking {
        shrunk.insert(law)
      } else if step.found == nil {
        searched.append(step.judged)
      }
    }
    #expect(found.count == 1 && found[0].hasPrefix("few-experts is broken in example "))
    #expect(searched == Array(1...searched.count))
    #expect(searched.count == report.judged + report.repeated)
    #expect(shrunk == ["few-experts"])
  }
}
