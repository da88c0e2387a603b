// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Campaigns
import Layouts
import Testing

@testable import PlantedFaults

@Suite("Planted faults of other layouts")
struct LayoutFaultTests {
  private static let selection = [
    (
      "qwen3_moe",
      ["halves-swapped-both", "transpose-missing-down-load", "lora-down-exchanged-both"]
    ),
    (
      "glm4_moe",
      ["rename-bias-other-both", "shared-gate-up-exchanged-both", "mtp-norms-exchanged-both"]
    ),
    ("deepseek_v3", ["order-rotated-both", "buffers-skipped", "single-last-lost"]),
    ("minimax_m2", ["rename-router-load", "keys-up-before-gate", "value-bias-centred"]),
    ("qwen3_vl_moe", ["rows-down-rotated-both", "rank-router-sliced", "head-dropped"]),
    ("step3p5", ["halves-gate-twice-load", "rename-bias-both", "single-outside-lost"]),
    ("gpt_oss", ["rename-router-both", "grouping-last-layer-skipped", "key-value-exchanged-both"]),
  ]

  @Test("Faults are noticed and named on checkpoints of each layout", arguments: selection)
  func noticed(name: String, ids: [String]) throws {
    let layout = try #require(Layout.known(name))
    let selection = FaultBank.Selection(FaultBank.named(ids), in: layout)
    #expect(selection.faults.count == ids.count, "\(selection.absent.map(\.reason))")
    var measurement = FaultMeasurement(selection)
    measurement.examples = 200
    measurement.seeds = 1
    measurement.threads = 2
    for result in measurement.run() {
      #expect(result.holds, "\(result.fault.id): \(result.problem ?? "survives")")
      #expect(
        result.isNamed == true,
        "\(result.fault.id): \(result.smallest?.diagnosis ?? [])")
      #expect(result.isSmallest == nil)
    }
  }

  @Test("What has no place in a layout is listed with the reason, and not checked")
  func absent() throws {
    let layout = try #require(Layout.known("gpt_oss"))
    let selection = FaultBank.Selection(
      FaultBank.named(["rank-ignored", "lora-dropped", "rename-shared-load"]), in: layout)
    #expect(selection.faults.map(\.id) == [])
    #expect(
      selection.absent.map(\.reason) == [
        "it has no shared expert", "nothing is grouped, cast or sliced",
        "low-rank factors pass unchanged",
      ])
    var report = FaultReport(family: "reference", examples: 1, seeds: 1, [])
    report.layout = layout.name
    report.absent = selection.absent
    #expect(
      report.lines.map(\.text).contains(
        "  rank-ignored: not applicable: nothing is grouped, cast or sliced"))
    #expect(report.summary.first?.text == "0 of 3 faults have a place in layout gpt_oss")
    #expect(
      report.markdown.contains("| `rename-shared-load` | it has no shared expert |"))
  }
}
