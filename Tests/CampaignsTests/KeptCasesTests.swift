// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import CheckpointGenerators
import StrictJSON
import Testing

@testable import Campaigns

@Suite("Cases that a campaign keeps")
struct KeptCasesTests {
  private typealias Mark = Judgement.Mark

  private static let report = RunReport(
    config: CampaignConfig(path: "c", text: ["num_experts": 2]),
    laws: ["a", "b"].map { LawTally(law: LawSummary(name: $0)) },
    known: KnownReport(tallies: ["x", "y"].map { KnownTally(id: $0) }))

  /// A record of a case of the plainest values, or of the second value of some axes.
  private static func record(
    _ number: Int, _ laws: [Mark] = [.doesNotApply, .doesNotApply], known: [Int] = [],
    changed: [Int] = []
  ) -> CampaignRecord {
    let axes = ConfigAxis.allCases.indices.map { changed.contains($0) ? UInt8(1) : 0 }
    return CampaignRecord(
      origin: .number(number), marks: CaseMarks(laws: laws, axes: axes, known: known).bytes)
  }

  private static func numbers(_ state: CampaignState) -> [Int] {
    state.kept.compactMap { if case .number(let number) = $0.origin { number } else { nil } }
  }

  @Test("A case with a new pair or a new triple is kept, one with nothing new is not")
  func combinations() {
    var state = CampaignState(report: Self.report)
    // The fourth case has a triple of values of which the others had all pairs.
    for (number, changed) in [[], [0, 1], [1, 2], [0, 2], [0, 1, 2], [0, 1]].enumerated() {
      state.add(Self.record(number, changed: changed))
    }
    #expect(Self.numbers(state) == [0, 1, 2, 3, 4])
    #expect(state.kept.map(\.isFirst) == [true, true, true, true, false])
  }

  @Test("The first case of each law that says something and of each known divergence is kept")
  func firsts() {
    var state = CampaignState(report: Self.report)
    state.add(Self.record(0, [.holds, .doesNotApply]))
    state.add(Self.record(1, [.holds, .doesNotApply]))
    state.add(Self.record(2, [.holds, .holds]))
    state.add(Self.record(3, [.holds, .known], known: [1]))
    state.add(Self.record(4, [.holds, .known], known: [1]))
    #expect(Self.numbers(state) == [0, 2, 3])
    #expect(state.report.known?.tallies.map(\.checkpoints) == [0, 2])
    #expect(state.report.known?.passed == 2)
  }

  @Test("Where there is no room, the earliest goes that is not the first of something")
  func limit() {
    var state = CampaignState(report: Self.report)
    for (number, isFirst) in [true, false, false, true, false].enumerated() {
      state.keep(.init(origin: .number(number), isFirst: isFirst), limit: 3)
    }
    #expect(Self.numbers(state) == [0, 3, 4])
    for number in 5..<9 { state.keep(.init(origin: .number(number), isFirst: true), limit: 3) }
    #expect(Self.numbers(state) == [0, 3, 5])
  }

  @Test("A state is read as it was written, with no more cases than there may be")
  func written() throws {
    var state = CampaignState(report: Self.report, corpus: ["c1:x"])
    state.add(Self.record(4, [.holds, .known], known: [0]))
    state.add(CampaignRecord(origin: .corpus("c1:x"), marks: Self.record(0).marks))
    let json = state.json(isWhole: true)
    let read = try CampaignState(JSONField(json))
    #expect(read.json(isWhole: true) == json)
    #expect(read.kept == state.kept && read.counted == 1 && read.waiting.count == 1)
    state.kept = Array(repeating: .init(origin: .number(1)), count: 1025)
    #expect(throws: JSONFieldError.self) { try CampaignState(JSONField(state.json(isWhole: true))) }
    state.kept = [.init(origin: .number(-1))]
    #expect(throws: JSONFieldError.self) { try CampaignState(JSONField(state.json(isWhole: true))) }
  }

  @Test("Marks are read as they were written, whatever number of known divergences there is")
  func marks() {
    for known in [[], [0], [7, 8], [31]] {
      let marks = CaseMarks(
        laws: [.holds, .known, .unjudged], axes: ConfigAxis.allCases.map { _ in 2 }, known: known)
      #expect(CaseMarks(marks.bytes, lawCount: 3) == marks)
    }
    #expect(CaseMarks([1, 2, 3], lawCount: 3) == nil)
  }
}
