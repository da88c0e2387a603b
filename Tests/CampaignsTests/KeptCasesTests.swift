// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import StrictJSON
import Testing

@testable import Campaigns

@Suite("Cases that a campaign keeps")
struct KeptCasesTests {
  private typealias Mark = Judgement.Mark

  private static func judged(_ marks: [Judgement.Mark], known: UInt8 = 0) -> JudgedCase {
    JudgedCase(
      marks: marks.map(\.rawValue)[...], known: [known], laws: ["a", "b", "c"],
      divergences: ["x", "y"])
  }

  private static let plain = judged([.doesNotApply, .doesNotApply, .doesNotApply])

  private static func numbers(_ kept: KeptCases) -> [Int] {
    kept.cases.compactMap { if case .number(let number) = $0.origin { number } else { nil } }
  }

  @Test("A case with a new pair or a new triple is kept, one with nothing new is not")
  func combinations() {
    var kept = KeptCases()
    kept.add(.number(0), Self.plain, new: (3, 9))
    kept.add(.number(1), Self.plain, new: (0, 1))
    kept.add(.number(2), Self.plain, new: (0, 0))
    #expect(Self.numbers(kept) == [0, 1])
    #expect(kept.cases.map(\.worth) == [.first, .triple])
  }

  @Test("The first case of each law that says something and of each known divergence is kept")
  func labels() {
    var kept = KeptCases()
    kept.add(.number(0), Self.judged([.holds, .doesNotApply, .unjudged]), new: (0, 0))
    kept.add(.number(1), Self.judged([.holds, .doesNotApply, .unjudged]), new: (0, 0))
    kept.add(.number(2), Self.judged([.holds, .holds, .unjudged]), new: (0, 0))
    kept.add(.number(3), Self.judged([.holds, .known, .doesNotApply], known: 0b10), new: (0, 0))
    #expect(Self.numbers(kept) == [0, 2, 3])
    #expect(kept.cases.map(\.labels).first == ["law a"])
    #expect(kept.cases.last?.labels == ["known y", "near miss b, known y"])
  }

  @Test("Of near misses the first with each set of broken laws and divergences is kept")
  func nearMisses() {
    var kept = KeptCases()
    for (number, (marks, known)) in [
      ([.known, .known, .holds], 0b11), ([.known, .holds, .holds], 0b01),
      ([.known, .holds, .holds], 0b01), ([.holds, .known, .holds], 0b01),
      ([.holds, .holds, .holds], 0),
    ].enumerated() as EnumeratedSequence<[([Judgement.Mark], UInt8)]> {
      kept.add(.number(number), Self.judged(marks, known: known), new: (0, 0))
    }
    #expect(Self.numbers(kept) == [0, 1, 3])
    #expect(kept.cases.map(\.worth) == [.first, .nearMiss, .nearMiss])
  }

  @Test(
    "Where there is no room, the earliest with triples goes first, then near misses, never pairs")
  func limit() {
    var kept = KeptCases(limit: 3)
    kept.add(.number(0), Self.plain, new: (0, 1))
    kept.add(.number(1), Self.plain, new: (0, 1))
    kept.add(.number(2), Self.judged([.known, .doesNotApply, .doesNotApply]), new: (1, 1))
    kept.add(.number(3), Self.plain, new: (0, 1))
    #expect(Self.numbers(kept) == [1, 2, 3])
    kept.add(.number(4), Self.judged([.known, .known, .doesNotApply]), new: (0, 0))
    #expect(Self.numbers(kept) == [2, 3, 4])
    kept.add(.number(5), Self.plain, new: (1, 0))
    kept.add(.number(6), Self.plain, new: (0, 5))
    #expect(Self.numbers(kept) == [2, 4, 5])
    for number in 7..<20 { kept.add(.number(number), Self.plain, new: (1, 0)) }
    #expect(Self.numbers(kept) == [2, 4, 5])
  }

  @Test("What goes for want of room can be kept again")
  func again() {
    var kept = KeptCases(limit: 1)
    let miss = Self.judged([.known, .doesNotApply, .doesNotApply])
    kept.add(.number(0), miss, new: (0, 0))
    #expect(kept.cases.map(\.worth) == [.first])
    var roomy = KeptCases(limit: 2)
    roomy.add(.number(0), miss, new: (0, 0))
    roomy.add(
      .number(1), Self.judged([.known, .doesNotApply, .doesNotApply], known: 1), new: (0, 0))
    #expect(
      roomy.cases.map(\.labels) == [
        ["law a", "near miss a"], ["known x", "near miss a, known x"],
      ])
  }

  @Test("They are read as they were written, and no more than there may be")
  func state() throws {
    var kept = KeptCases()
    kept.add(.number(4), Self.judged([.holds, .known, .holds], known: 1), new: (1, 1))
    kept.add(.corpus("p2_x"), Self.plain, new: (0, 1))
    let json = JSONValue.object(JSONObject([("kept", kept.json)]))
    #expect(try KeptCases(CampaignFields(path: "f", json: json), "kept") == kept)
    let one: JSONValue = ["case": 1, "worth": "triple", "labels": []]
    let many: JSONValue = ["kept": .array(Array(repeating: one, count: 1025))]
    #expect(throws: CampaignFileError.self) {
      _ = try KeptCases(CampaignFields(path: "f", json: many), "kept")
    }
    let odd: JSONValue = ["kept": [["case": -1, "worth": "triple", "labels": []]]]
    #expect(throws: CampaignFileError.self) {
      _ = try KeptCases(CampaignFields(path: "f", json: odd), "kept")
    }
  }
}
