// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Adapters
import Campaigns
import Foundation
import Layouts
import StrictJSON
import Testing

@testable import PlantedFaults

@Suite("Planted faults under campaigns")
struct CampaignMeasurementTests {
  private static func innocent() throws -> ModelConfig {
    let url = Bundle.module.bundleURL.appending(path: "Fixtures/innocent.json")
    return try ModelConfig(json: JSONValue(parsing: Array(try Data(contentsOf: url))))
  }

  private static func measured(
    _ faults: [PlantedFault], seconds: Int
  ) throws -> CampaignFaultReport {
    var measurement = CampaignMeasurement(
      faults, around: try innocent(), configPath: "innocent.json")
    measurement.seconds = seconds
    measurement.threads = 2
    return measurement.run()
  }

  @Test("Faults of unusual shapes are of the bank, each once, and at least twenty")
  func shapes() {
    let ids = FaultBank.unusualShapes.map(\.id)
    let known = Set(FaultBank.all.filter { $0.equivalence == nil }.map(\.id))
    #expect(ids.count >= 20)
    #expect(Set(ids).count == ids.count)
    #expect(ids.filter { !known.contains($0) } == [])
    #expect(FaultBank.unusualShapes.filter(\.needs.isEmpty).map(\.id) == [])
    #expect(Set(FaultBank.all.map(\.id)).count == FaultBank.all.count)
  }

  @Test("The innocent config has none of the unusual shapes")
  func innocence() throws {
    let config = try Self.innocent()
    let (hidden, width) = (config.hiddenSize, config.moeIntermediateSize)
    #expect(config.expertCount < 10 && config.hiddenLayerCount < 10 && config.mtpLayerCount == 0)
    #expect(!config.layerKinds.contains(.dense) && width.isMultiple(of: 2))
    #expect(config.attentionHeadCount * config.headSize != hidden)
    #expect(hidden != width && hidden != 2 * width && hidden != config.expertCount)
  }

  @Test("A fault that is found is told with its time, case, law and diagnosis")
  func found() throws {
    let report = try Self.measured(FaultBank.named(["rename-bias-both"]), seconds: 60)
    let finding = try #require(report.results.first?.finding)
    #expect(report.holds)
    #expect(finding.law.name == "keys")
    #expect(finding.discovery?.seconds ?? 60 < 60 && finding.discovery?.number != nil)
    let sentence = try #require(report.results.first?.sentence)
    #expect(sentence.contains("expert_bias"))
    let lines = report.lines
    #expect(lines.contains { $0.verdict == true && $0.text.hasPrefix("rename-bias-both") })
    #expect(lines.contains { $0.text == "    \(sentence)" })
    #expect(report.markdown.contains { $0.hasPrefix("| `rename-bias-both` | – | ") })
  }

  @Test("An adapter without a fault survives, and that fails")
  func survives() throws {
    let fault = PlantedFault(
      "none", .other, "nothing is wrong", .plain, FaultyAdapter(invalidInputContract: .refuses))
    let report = try Self.measured([fault], seconds: 2)
    #expect(!report.holds)
    let judged = report.results[0].judged
    #expect(judged > 0)
    #expect(report.lines.contains { $0.verdict == false && $0.text.hasPrefix("none") })
    #expect(report.lines.contains { $0.text.hasPrefix("    survives \(judged) case") })
    #expect(report.markdown.contains { $0.contains("| `none` | – | survives | - | – | – |") })
  }

  @Test("What no law may notice holds if a campaign does not find it, and fails if it does")
  func equivalent() throws {
    let same = try #require(FaultBank.named(["same-one-rank-as-none"]).first)
    let wrong = try #require(FaultBank.named(["rename-bias-load"]).first)
    let said = PlantedFault(
      "said", .other, "is said to be the same", .equivalent("it is said"), wrong.adapter)
    #expect(try Self.measured([same], seconds: 1).results.map(\.holds) == [true])
    #expect(try Self.measured([said], seconds: 60).results.map(\.holds) == [false])
  }
}
