// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Campaigns
import Testing

@testable import AdapterLaws
@testable import PlantedFaults

@Suite("What checks make of planted faults")
struct FaultMeasurementTests {
  private static func measured(_ faults: [PlantedFault], seeds: Int = 2) -> [FaultResult] {
    var measurement = FaultMeasurement(faults)
    measurement.examples = 60
    measurement.seeds = seeds
    measurement.threads = 4
    return measurement.run()
  }

  private static let selection = [
    "rename-bias-both", "head-dropped", "mtp-first-kept", "halves-swapped-both",
    "value-bias-centred", "cast-bias-load", "keys-groups-last", "single-outside-lost",
    "state-left-by-error", "errors-swallowed", "value-output-scaled", "lora-prefix-lost",
    "mtp-projection-lost-save", "mtp-key-any-prefix", "mtp-key-prefix-required",
    "mtp-key-number-goes-on", "mtp-key-number-signed", "mtp-key-number-canonical",
    "mtp-key-last-number", "mtp-key-searched", "mtp-key-dot-unescaped", "unchecked-shapes",
  ]

  @Test("Faults are noticed, named and shown by the smallest checkpoint", arguments: selection)
  func noticed(id: String) throws {
    let result = try #require(Self.measured(FaultBank.named([id])).first)
    #expect(result.kills == 2, "\(result.detections)")
    #expect(result.isNamed == true, "\(result.smallest?.diagnosis ?? [])")
    #expect(result.isSmallest == true, "\(result.smallest?.shape ?? "none")")
    #expect(result.holds)
    #expect(Self.reworded(result).isNamed == true)
    #expect(Self.withoutCause(result).isNamed == false)
  }

  /// The same where every phrase of the diagnosis is another.
  private static func reworded(_ result: FaultResult) -> FaultResult {
    var result = result
    result.smallest?.diagnosis = ["other words"]
    let causes = result.smallest?.causes ?? []
    result.smallest?.causes = causes.map { cause in
      Diagnosis.Finding(
        code: cause.code, classes: cause.classes, layers: cause.layers, experts: cause.experts,
        tensors: cause.tensors, sentence: "other words")
    }
    return result
  }

  /// The same with the words alone.
  private static func withoutCause(_ result: FaultResult) -> FaultResult {
    var result = result
    result.smallest?.causes = []
    result.smallest?.law = "other"
    result.smallest?.kind = "other"
    return result
  }

  @Test("What other checks noticed stands beside it; upstream's tests only where they were asked")
  func comparison() throws {
    func page(_ tests: String, _ entry: String) throws -> String {
      let text = """
        {"examples": 300, "upstreamTests": \(tests), "mutants": [
          {"id": "rename-bias-load", "roundTrip": {"killed": false}\(entry)}]}
        """
      var report = FaultReport(
        family: "nemo", examples: 60, seeds: 1,
        Self.measured(FaultBank.named(["rename-bias-load"]), seeds: 1))
      report.comparison = try FaultComparison(parsing: Array(text.utf8), path: "c.json")
      return report.markdown.joined(separator: "\n")
    }
    let asked = try page(#"{"tests": 124}"#, #", "upstreamTests": {"killed": true}"#)
    #expect(asked.contains("300 examples | 0 of 1 | 0 of 0 |"))
    #expect(asked.contains("own tests, the 124 that pass without a fault | 1 of 1 | 0 of 0 |"))
    let unasked = try page("null", "")
    #expect(unasked.contains("own tests | not asked: the package has none | – |"))
  }

  @Test("The smallest checkpoint is found without the shrinker, and one recorded wrongly is told")
  func exhaustive() throws {
    let halves = try #require(FaultBank.named(["halves-swapped-both"]).first)
    let wrong = PlantedFault(
      "wrong", .halves, "halves are swapped", needs: nil, cause: .both(.halvesExchanged),
      smallest: "experts 2", halves.adapter)
    var measurement = FaultMeasurement([halves, wrong])
    measurement.examples = 60
    measurement.seeds = 1
    measurement.exhausts = true
    let results = measurement.run()
    #expect(results.map(\.exhaustive) == ["contents tracer 0", "contents tracer 0"])
    let report = FaultReport(family: "reference", examples: 60, seeds: 1, results)
    #expect(report.remarks(results[0]) == [])
    #expect(report.remarks(results[1]).contains { $0.hasPrefix("recorded wrongly: ") })
  }

  @Test("An adapter without a fault survives, and is said to")
  func survives() throws {
    let fault = PlantedFault("none", .other, "nothing is wrong", .plain, ReferenceAdapter())
    let results = Self.measured([fault], seeds: 1)
    let report = FaultReport(family: "reference", examples: 60, seeds: 1, results)
    #expect(!report.holds)
    #expect(report.lines.contains { $0.verdict == false && $0.text.hasPrefix("none") })
    #expect(report.lines.contains { $0.text == "    survives on seed 0" })
  }

  @Test("What no law may notice holds if none does, and fails if one does")
  func equivalent() throws {
    let same = try #require(FaultBank.named(["same-one-rank-as-none"]).first)
    let wrong = try #require(FaultBank.named(["rename-bias-load"]).first)
    let said = PlantedFault(
      "said", .other, "is said to be the same", .equivalent("it is said"), wrong.adapter)
    let results = Self.measured([same, said], seeds: 1)
    #expect(results.map(\.holds) == [true, false])
  }

  @Test("Results are the same with any number of threads")
  func deterministic() {
    let faults = FaultBank.named(["rename-router-*"])
    let texts = [1, 3].map { threads in
      var measurement = FaultMeasurement(faults)
      measurement.examples = 20
      measurement.seeds = 2
      measurement.threads = threads
      let report = FaultReport(
        family: "reference", examples: 20, seeds: 2, measurement.run())
      return report.lines.map(\.text) + report.markdown
    }
    #expect(texts[0] == texts[1])
  }

  @Test("Quantiles count those that are missing as the largest")
  func quantiles() {
    #expect(quantile([1, 2, 3, 4], of: 4, 50) == 2)
    #expect(quantile([1, 2, 3, 4], of: 4, 90) == 4)
    #expect(quantile([1], of: 4, 50) == nil)
    #expect(quantile([7], of: 1, 90) == 7)
    #expect(quantile([Int](), of: 0, 50) == nil)
  }
}
