// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Adapters
import CheckpointGenerators
import Layouts
import StrictJSON
import Testing

@testable import Campaigns

@Suite("What reports say of invalid input and of refusals")
struct InvalidInputReportTests {
  private static let laws = ["keys", "elements"].compactMap(Laws.named)

  private static func lines(_ report: RunReport, isVerbose: Bool = false) -> String {
    report.lines(isVerbose: isVerbose).map(\.text).joined(separator: "\n")
  }

  @Test("A run of 100 examples gives most kinds, and says which", arguments: [0, 1, 2] as [UInt64])
  func reach(seed: UInt64) throws {
    let law = try #require(Laws.named("invalid-input"))
    let kinds = CheckpointFaultCatalogue.all.count
    for contract in [InvalidInputContract.refuses, .losesNothing] {
      let run = CheckRun(VersionedAdapter(invalidInputContract: contract), laws: [law])
      let report = try run.run(RunSettings(examples: 100, seed: seed))
      let given = report.invalidInput
      #expect(given.count * 5 >= kinds * 3, "\(given.count) of \(kinds)")
      #expect(given.contains { $0.kind == "surplus-expert" })
      #expect(Self.lines(report).contains("invalid input: \(given.count) of \(kinds) kinds, in "))
      #expect(Self.lines(report, isVerbose: true).contains("surplus-expert: "))
      #expect(report.html(tool: "hymt2").contains("surplus-expert: "))
      #expect(report.shown["invalidInput"]?.objectValue?.keys.count == given.count)
    }
  }

  @Test("An adapter that takes its input to be valid is given no other, and the report says so")
  func accepts() throws {
    let run = CheckRun(VersionedAdapter(invalidInputContract: .accepts))
    let report = try run.run(RunSettings(examples: 30))
    #expect(report.holds && report.invalidInput.isEmpty)
    #expect(report.laws.first { $0.law.name == "invalid-input" }?.judged == 0)
    #expect(report.leftOut == [AxisSelection("invalid input", ["any"])])
    #expect(Self.lines(report).contains("1 value of invalid input"))
  }

  @Test("Of valid checkpoints that were refused the report names what they share, and 'supports'")
  func refusals() throws {
    let settings = RunSettings(examples: 60)
    let report = try CheckRun(VersionedAdapter(base: PlainPrefixAdapter()), laws: Self.laws).run(
      settings)
    #expect(report.failures.map(\.kind) == ["refused"])
    let text = Self.lines(report).replacing("\n", with: " ")
    let advice =
      "every checkpoint that was refused has another key prefix than 'model.' (none); an adapter"
    #expect(text.contains(advice), "\(text)")
    #expect(text.contains(#"'supports': {"key prefix":["model."]}"#))
  }

  @Test("Nobody is told to support a value alone that the adapter does not support")
  func unsupported() throws {
    let prefixes = AxisSelection("key prefix", ["none", "language_model."])
    let report = try CheckRun(
      VersionedAdapter(supports: [prefixes], base: PlainPrefixAdapter()), laws: Self.laws
    ).run(RunSettings(examples: 20))
    #expect(report.failures.map(\.kind) == ["refused"])
    #expect(!Self.lines(report).contains("every checkpoint that was refused"))
  }

  @Test("A draft of known divergences is of checkpoints that have what the failing ones share")
  func draft() throws {
    var settings = RunSettings(examples: 60)
    settings.keepsGoing = true
    let report = try CheckRun(VersionedAdapter(base: PlainPrefixAdapter()), laws: Self.laws).run(
      settings)
    let document = JSONValue.object(JSONObject([("command", "check")] + report.json))
    let draft = try KnownDraft(report: document.bytes(.python), path: "report.json")
    let entries = draft.json["entries"]?.arrayValue ?? []
    #expect(entries.count == 1)
    #expect(
      entries.first?["when"] == [
        "key prefix": ["none", "language_model.", "model.language_model."]
      ])
  }
}

/// The reference adapter for checkpoints under the prefix of the model alone.
private struct PlainPrefixAdapter: AdapterUnderTest {
  struct Unfit: Error {}

  let name = "plain"

  func session(for setup: AdapterSetup) throws -> any AdapterSession {
    guard setup.options.prefix == .model else { throw Unfit() }
    return ReferenceAdapter().session(for: setup)
  }
}
