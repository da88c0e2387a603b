// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Adapters
import CheckpointGenerators
import Foundation
import Layouts
import PropertyEngine
import StrictJSON
import Synchronization
import Testing

@testable import Campaigns

@Suite("A campaign")
struct CampaignRunTests {
  private let folder = NSTemporaryDirectory() + "campaign-\(UUID().uuidString)"

  /// Enough for a case of each phase that has no numbers of the config.
  private static let examples = 18
  /// What one undisturbed process makes of so many cases.
  private static let undisturbed = Result { try run() }

  private func run(
    _ examples: Int = Self.examples, threads: Int = 1, shard: Shard = .whole, corpus: String? = nil,
    laws: [AdapterLaw] = [TestLaws.few, TestLaws.flat],
    isCancelled: (@Sendable () -> Bool)? = nil,
    observing: (@Sendable (RunProgress) -> Void)? = nil
  ) throws -> RunReport {
    try Self.run(
      examples, threads: threads, shard: shard, corpus: corpus, laws: laws,
      isCancelled: isCancelled, observing: observing)
  }

  private static func run(
    _ examples: Int = Self.examples, threads: Int = 1, shard: Shard = .whole, corpus: String? = nil,
    laws: [AdapterLaw] = [TestLaws.few, TestLaws.flat],
    isCancelled: (@Sendable () -> Bool)? = nil,
    observing: (@Sendable (RunProgress) -> Void)? = nil
  ) throws -> RunReport {
    let config = try #require(TestConfig.small)
    var settings = RunSettings(budget: .examples(examples), seed: 1, threads: threads)
    settings.shard = shard
    settings.corpus = corpus
    settings.isCancelled = isCancelled
    return try CampaignRun(
      ReferenceAdapter(), around: config, configPath: "config.json", laws: laws
    ).run(settings, observing: observing)
  }

  /// All that must not depend on how the campaign was run.
  private func essence(_ report: RunReport) -> [String] {
    var report = report
    report.seconds = 0
    report.sessions = 1
    report.shards = [.whole]
    report.corpus = nil
    for index in report.failures.indices { report.failures[index].discovery?.seconds = 0 }
    return report.json(isWhole: true).text(.python).split(separator: "\n").map(String.init)
      + report.json.map { $0.1.text(.compact) }
  }

  @Test("Every phase checks cases, and what fails is shrunk as far as can be")
  func phases() throws {
    let report = try Self.undisturbed.get()
    #expect(report.end == .completed)
    #expect(report.judged == Self.examples)
    #expect(!report.holds)
    for phase in [CampaignPhase.planProof, .fullLayer, .around, .anyConfig] {
      let tally = report.phases.first { $0.phase == phase }
      #expect(tally?.judged ?? 0 > 0, "\(phase.rawValue)")
    }
    let few = try #require(report.failures.first { $0.law.name == "few-experts" })
    #expect(few.facts["experts"] == "3")
    #expect(few.discovery?.occurrences ?? 0 > 1)
    let flat = try #require(report.failures.first { $0.law.name == "flat" })
    #expect(flat.facts["experts"] == "1")
    #expect(report.laws.allSatisfy { $0.judged + $0.notApplicable == Self.examples })
    #expect(report.coverage.pairs.reached > 0)
  }

  @Test("Cases that take long have the config's own numbers")
  func slow() throws {
    let config = try #require(TestConfig.small)
    let plan = try CampaignPlan(
      config, CheckRun(ReferenceAdapter(), laws: [TestLaws.flat]), seed: 1, isLong: false,
      path: { _ in "config.json" })
    let cases = try stride(from: 100, through: 400, by: 100).map { number in
      try #require(plan.draw(.number(number)))
    }
    #expect(
      cases.map(\.ground.phase) == [.exactCounts, .exactCounts, .exactCounts, .exactWidths])
    #expect(cases.map(\.spec.config.expertCount) == [5, 3, 5, 2])
    #expect(cases.map(\.spec.config.hiddenLayerCount) == [2, 3, 3, 1])
    #expect(cases[3].spec.config.hiddenSize == 8)
    #expect(cases[3].spec.config.moeIntermediateSize == 3)
  }

  @Test("A finding is checked again by its token")
  func replay() throws {
    let finding = try #require(try Self.undisturbed.get().failures.first)
    let check = CheckRun(ReferenceAdapter(), laws: [TestLaws.few, TestLaws.flat])
    let replay = try check.replay(try CheckpointSpec(token: finding.token ?? ""))
    #expect(replay.failure?.law == finding.law)
    #expect(finding.replayCommand == "hymt2 replay \(finding.token ?? "")")
  }

  @Test("The report is the same with 1, 2 and 4 threads")
  func threads() throws {
    let expected = essence(try Self.undisturbed.get())
    for threads in [2, 4] {
      let isSame = essence(try run(threads: threads)) == expected
      #expect(isSame, "\(threads) threads")
    }
  }

  @Test("Shards together find and reach what one process does")
  func shards() throws {
    let whole = try Self.undisturbed.get()
    let parts = try (0..<3).map {
      try run(shard: Shard(index: $0, count: 3), corpus: "\(folder)/\($0)")
    }
    #expect(parts.reduce(0) { $0 + $1.judged } == whole.judged)
    let folders = (0..<3).map { "\(folder)/\($0)" }
    let merged = try RunReport(
      merging: try RunReport.read(from: folders), from: folders)
    #expect(merged.shards.map(\.description) == ["1/3", "2/3", "3/3"])
    #expect(merged.missingShards == [])
    let isSame = essence(merged) == essence(whole)
    #expect(isSame, "\(merged.lines.map(\.text)) \(whole.lines.map(\.text))")
  }

  @Test("Shards keep every case that one process keeps, and together reach the same with them")
  func keptByShards() throws {
    let laws = [TestLaws.certain, TestLaws.shallow]
    let whole = Corpus(folder: "\(folder)/whole")
    _ = try run(24, corpus: whole.folder, laws: laws)
    let parts = (0..<3).map { Corpus(folder: "\(folder)/\($0)") }
    for (index, part) in parts.enumerated() {
      _ = try run(24, shard: Shard(index: index, count: 3), corpus: part.folder, laws: laws)
    }
    let together = Corpus(folder: "\(folder)/together")
    try together.add(parts)
    let kept = try whole.contents().cases
    let keptByParts = try Set(parts.flatMap { try $0.contents().cases })
    #expect(kept.count > 3)
    #expect(kept.filter { !keptByParts.contains($0) } == [])
    let (one, other) = (Corpus(folder: "\(folder)/1"), Corpus(folder: "\(folder)/2"))
    try one.add([whole])
    try other.add([together])
    #expect(try Self.reach(one) == (try Self.reach(other)))
  }

  /// The pairs and triples that the cases of a corpus have.
  private static func reach(_ corpus: Corpus) throws -> [[UInt8]] {
    var reach = AxisReach()
    for token in try corpus.contents().cases {
      reach.add(AxisValues(try CheckpointSpec(token: token)).bytes)
    }
    return [reach.pairBytes, reach.tripleBytes]
  }

  @Test("A campaign that was killed keeps the cases that it would have kept", arguments: [1, 9])
  func keptAfterKill(after count: Int) throws {
    let laws = [TestLaws.certain, TestLaws.shallow]
    let (original, copy) = ("\(folder)/original", "\(folder)/copy")
    let isCopied = Atomic<Bool>(false)
    _ = try run(
      20, threads: 2, corpus: original, laws: laws,
      observing: { step in
        guard step.judged >= count, !isCopied.exchange(true, ordering: .relaxed) else { return }
        try? FileManager.default.copyItem(atPath: original, toPath: copy)
      })
    let resumed = try run(20, threads: 2, corpus: copy, laws: laws)
    #expect(resumed.sessions == 2 && resumed.corpus?.added ?? 0 > 3)
    #expect(try Corpus(folder: copy).contents() == Corpus(folder: original).contents())
  }

  @Test("A second campaign keeps the cases of the first, checked or not")
  func keptBySecond() throws {
    let laws = [TestLaws.certain, TestLaws.shallow]
    _ = try run(12, corpus: folder, laws: laws)
    let first = try Corpus(folder: folder).contents().cases
    let isWished = Atomic<Bool>(false)
    let cut = try run(
      6, corpus: folder, laws: laws, isCancelled: { isWished.load(ordering: .relaxed) }
    ) { step in
      if step.judged >= 2 { isWished.store(true, ordering: .relaxed) }
    }
    #expect(cut.end == .cancelled)
    let second = try Corpus(folder: folder).contents().cases
    #expect(first.filter { !second.contains($0) } == [])
    _ = try run(6, corpus: folder, laws: laws)
    let third = try Corpus(folder: folder).contents().cases
    #expect(third.prefix(first.count) == first[...])
  }

  @Test("Shards of different campaigns are not merged, and nothing is no campaign")
  func unmerged() throws {
    _ = try run(10, shard: Shard(index: 0, count: 2), corpus: "\(folder)/0")
    _ = try run(20, shard: Shard(index: 1, count: 2), corpus: "\(folder)/1")
    let reports = try RunReport.read(from: ["\(folder)/0", "\(folder)/1"])
    #expect(throws: CampaignMergeError.self) {
      _ = try RunReport(merging: reports, from: [])
    }
    #expect(throws: CampaignMergeError.nothing(folders: ["a"])) {
      _ = try RunReport(merging: [], from: ["a"])
    }
  }

  @Test(
    "A campaign that was killed after any case ends as if it had not been", arguments: [1, 7, 13])
  func killed(after count: Int) throws {
    let expected = essence(try Self.undisturbed.get())
    let (original, copy) = ("\(folder)/original", "\(folder)/copy")
    let isCopied = Atomic<Bool>(false)
    _ = try run(
      threads: 2, corpus: original,
      observing: { step in
        // What the files hold now is what a kill leaves.
        guard step.judged >= count, !isCopied.exchange(true, ordering: .relaxed) else { return }
        try? FileManager.default.copyItem(atPath: original, toPath: copy)
      })
    let resumed = try run(threads: 2, corpus: copy)
    #expect(resumed.sessions == 2)
    let isSame = essence(resumed) == expected
    #expect(isSame, "\(resumed.lines.map(\.text))")
  }

  @Test("A damaged end of the journal costs the cases in it and nothing else")
  func damaged() throws {
    let expected = essence(try Self.undisturbed.get())
    let (original, copy) = ("\(folder)/original", "\(folder)/copy")
    let isCopied = Atomic<Bool>(false)
    _ = try run(
      corpus: original,
      observing: { step in
        guard step.judged >= 10, !isCopied.exchange(true, ordering: .relaxed) else { return }
        try? FileManager.default.copyItem(atPath: original, toPath: copy)
      })
    let names = try FileManager.default.contentsOfDirectory(atPath: "\(copy)/campaigns")
    let journal = try #require(names.first { $0.hasSuffix(".journal") })
    let url = URL(filePath: "\(copy)/campaigns/\(journal)")
    let data = try Data(contentsOf: url)
    #expect(data.count > 1000)
    try data.dropLast(700).write(to: url)
    let isSame = essence(try run(corpus: copy)) == expected
    #expect(isSame)
  }

  @Test("A campaign that was told to end goes on where it was; one at its end begins anew")
  func cancelled() throws {
    let isWished = Atomic<Bool>(false)
    let first = try run(
      corpus: folder, isCancelled: { isWished.load(ordering: .relaxed) }
    ) { step in
      if step.judged >= 10 { isWished.store(true, ordering: .relaxed) }
    }
    #expect(first.end == .cancelled)
    #expect((10..<Self.examples).contains(first.judged))
    let second = try run(corpus: folder)
    #expect(second.end == .completed)
    #expect(second.sessions == 2)
    #expect(second.judged == Self.examples)
    #expect(second.phases.first { $0.phase == .corpus }?.judged == 0)
    let third = try run(corpus: folder)
    #expect(third.sessions == 1)
    let corpus = try #require(third.phases.first { $0.phase == .corpus })
    #expect(corpus.judged >= first.failures.count && corpus.judged > 0)
    #expect(third.failures.first?.discovery?.phase == .corpus)
  }

  @Test("Time that is used up ends a campaign")
  func time() throws {
    let config = try #require(TestConfig.small)
    let slow = AdapterLaw("slow", statement: "", reason: "", brokenBy: "") { _ in
      Thread.sleep(forTimeInterval: 0.05)
      return true
    }
    let start = ContinuousClock.now
    let report = try CampaignRun(
      ReferenceAdapter(), around: config, configPath: "config.json", laws: [slow]
    ).run(RunSettings(budget: .seconds(2)))
    #expect(report.end == .outOfTime)
    #expect(report.judged > 0)
    #expect((2.0...7.0).contains(report.seconds), "\(report.seconds) s")
    #expect(ContinuousClock.now - start < .seconds(30))
  }

  @Test("A campaign without laws or examples is an error")
  func nothing() {
    #expect(throws: CheckError.noLaws) { try run(laws: []) }
    #expect(throws: CheckError.noExamples(requested: 0)) { try run(0) }
    #expect(throws: CheckError.nothingJudged(executed: 5)) { try run(5, laws: [TestLaws.silent]) }
  }
}
