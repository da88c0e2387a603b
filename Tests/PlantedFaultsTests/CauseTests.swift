// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import CheckpointGenerators
import StrictJSON
import Tensors
import Testing

@testable import Campaigns
@testable import PlantedFaults

@Suite("Causes of failures")
struct CauseTests {
  @Test(
    "One mistake is one entry, whatever laws it breaks and in whatever words that is told",
    arguments: ["rename-router-both", "rename-bias-load", "head-dropped"])
  func groups(id: String) throws {
    let fault = try #require(FaultBank.named([id]).first)
    var report = try CheckRun(fault.adapter).run(RunSettings(examples: 60))
    let first = try #require(report.failures.first)
    let spec = try #require(first.spec)
    // What each law alone would tell of it.
    report.failures += try first.brokenLaws.dropFirst().compactMap { broken in
      let law = try #require(Laws.named(broken.law))
      return try CheckRun(fault.adapter, laws: [law]).replay(spec).failure
    }
    let summary = report.failures.map { "\($0.law.name): \($0.sentence): \($0.cause ?? "-")" }
    #expect(report.failures.count > 1)
    #expect(report.failureGroups.count == 1, "\(summary)")
    let remark = try #require(report.remarks(report.failures).first)
    #expect(remark.hasPrefix("laws broken by this cause: \(first.law.name), "))
    let lines = report.lines.map(\.text).joined(separator: " ")
    #expect(lines.contains(remark.prefix(40)))
    let reworded = try report.failures.map { try Self.reworded($0) }
    #expect(reworded.allSatisfy { $0.sentence == "other words" })
    #expect(Failure.groups(reworded).map(\.count) == report.failureGroups.map(\.count))
  }

  /// The same failure in other words.
  private static func reworded(_ failure: Failure) throws -> Failure {
    // Files have failures of campaigns.
    var failure = failure
    failure.discovery = Failure.Discovery(phase: .around)
    return try Failure(JSONField(reworded(failure.json(isWhole: true))))
  }

  /// A document with other words in all that is written for people.
  private static func reworded(_ json: JSONValue) -> JSONValue {
    let texts = [
      "statement", "reason", "brokenBy", "summary", "diagnosis", "checkpoint", "mismatch", "title",
      "decision", "heatMap",
    ]
    switch json {
    case .array(let elements): return .array(elements.map(reworded))
    case .object(let object):
      return .object(
        JSONObject(
          object.members.map { name, value in
            guard texts.contains(name) else { return (name, reworded(value)) }
            if case .array = value { return (name, ["other words"]) }
            return (name, "other words")
          }))
    default: return json
    }
  }

  /// Half of the projections exchanged, and the bias cast besides.
  private static let twofold = FaultyAdapter(nativeOut: { dict, _ in
    try dict.editing("gate_and_up_projs") { tensor in
      let half = tensor.shape[2] / 2
      guard half > 0, tensor.shape[2] == 2 * half else { return tensor }
      return try tensor.permuting(axis: 2) { ($0 + half) % (2 * half) }
    }.editing("correction_bias") { try $0.cast(to: .bf16) }
  })

  private static func known(_ causes: [CausePattern]) -> KnownDivergences {
    KnownDivergences(
      adapter: "faulty", version: "1",
      entries: [
        KnownDivergence(
          id: "halves", violations: [ViolationPattern(law: "*", kind: "elements")],
          causes: causes)
      ])
  }

  @Test("What is known to show on a checkpoint is no cause of what else fails there")
  func besideKnown() throws {
    let laws = Laws.all.filter { $0.name == "types" }
    func codes(_ causes: [CausePattern]) throws -> Set<String> {
      let report = try CheckRun(Self.twofold, laws: laws, known: Self.known(causes))
        .run(RunSettings(examples: 60))
      let failure = try #require(report.failures.first)
      #expect(failure.diagnosis.count == failure.causes.count)
      return Set(failure.causes.map(\.code))
    }
    #expect(try codes([]) == ["halvesExchanged", "cast"])
    #expect(try codes([CausePattern(code: "halvesExchanged", direction: .fromHF)]) == ["cast"])
    // Where nothing else is found, what is known has to do.
    let all = [
      CausePattern(code: "halvesExchanged", direction: .fromHF),
      CausePattern(code: "cast", direction: .fromHF),
    ]
    #expect(try codes(all) == ["halvesExchanged", "cast"])
    let elsewhere = CausePattern(
      code: "halvesExchanged", direction: .fromHF, classes: ["down_proj"])
    #expect(try codes([elsewhere]) == ["halvesExchanged", "cast"])
  }

  @Test("Known divergences explain what they do by codes, in whatever words they are told")
  func knownReworded() throws {
    for list in try KnownDivergences.builtIn() {
      let members = JSONObject([("schemaVersion", 1)] + list.json)
      var document = Self.reworded(.object(members))
      // What the page shows of a list is not in its file.
      if case .object(var object) = document {
        let entries = object["entries"]?.arrayValue ?? []
        object["entries"] = .array(
          entries.map { entry in
            var entry = entry.objectValue ?? [:]
            entry["replay"] = nil
            return .object(entry)
          })
        document = .object(object)
      }
      let reworded = try KnownDivergences(parsing: document.bytes(.compact), path: "reworded.json")
      #expect(reworded.entries.allSatisfy { $0.diagnosis == ["other words"] })
      #expect(reworded.entries.map(\.violations) == list.entries.map(\.violations))
      #expect(reworded.entries.map(\.causes) == list.entries.map(\.causes))
      #expect(reworded.entries.map(\.when) == list.entries.map(\.when))
    }
  }
}
