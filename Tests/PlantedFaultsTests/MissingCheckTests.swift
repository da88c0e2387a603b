// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Testing

@testable import Campaigns
@testable import PlantedFaults

@Suite("A check that an adapter lacks")
struct MissingCheckTests {
  @Test(
    "is one entry, however many kinds of invalid input get through",
    arguments: [
      ("unchecked-surplus-experts", "unchecked: surplus expert"),
      ("unchecked-types", "unchecked: wrong element type"),
    ])
  func oneEntry(id: String, cause: String) throws {
    let fault = try #require(FaultBank.named([id]).first)
    let law = try #require(Laws.named("invalid-input"))
    var settings = RunSettings(examples: 100)
    settings.keepsGoing = true
    settings.shrinkExecutions = 20
    let report = try CheckRun(fault.adapter, laws: [law]).run(settings)
    let groups = report.failureGroups
    #expect(report.failures.count > 1)
    #expect(groups.count == 1, "\(groups.map { $0.map(\.kind) })")
    #expect(groups.first?.first?.causes.map(\.code) == [cause])
    let text = report.lines(isVerbose: false).map(\.text).joined(separator: " ")
    #expect(text.contains("kinds of invalid input: "))
  }
}
