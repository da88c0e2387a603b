// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Testing

@testable import Campaigns

/// Reports to be rendered.
enum TestReports {
  private static let oneHeld = Result { try makeHeld() }
  private static let oneBroken = Result { try makeBroken() }

  private static let oneSwapped = Result { try makeSwapped() }

  /// A failure of the law about round trips that was really found.
  static func swapped() throws -> Failure { try oneSwapped.get() }

  private static func makeSwapped() throws -> Failure {
    let law = try #require(Laws.named("round-trip"))
    let report = try CheckRun(SwappingAdapter(), laws: [law]).run(RunSettings(examples: 50))
    return try #require(report.failures.first { $0.evidence != nil })
  }

  /// All laws held, but one said nothing.
  static func held() throws -> RunReport { try oneHeld.get() }

  /// Laws are broken, with texts that markup must escape.
  static func broken() throws -> RunReport { try oneBroken.get() }

  private static func makeHeld() throws -> RunReport {
    try CheckRun(SwappingAdapter(), laws: [TestLaws.shallow, TestLaws.silent])
      .run(RunSettings(examples: 30))
  }

  private static func makeBroken() throws -> RunReport {
    let run = CheckRun(
      SwappingAdapter(), laws: [TestLaws.shallow, TestLaws.few, TestLaws.flat, TestLaws.silent],
      arguments: ["--config", "a & <b>.json"])
    var report = try run.run(RunSettings(examples: 100))
    report.failures[0].diagnosis = [
      "expert 2 <of> 3 & \"more\"", "bell \u{7} and escape \u{1b}[31m",
    ]
    report.failures[0].mismatch = ["<key> & 'quotes'"]
    report.failures[0].heatMap = HeatMapFigure(text: ["█"], svg: "<svg class=\"map\"></svg>")
    // Their laws say nothing about the adapter.
    for position in report.failures.indices { report.failures[position].causes = [] }
    report.coverage.missingPairs = ["experts <1>, family & co"]
    return report
  }
}
