// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import AdapterLaws
internal import CheckpointGenerators
import Layouts
internal import PropertyEngine
internal import StrictJSON

extension CampaignFinding {
  /// What is known of a failure that nobody looked at more closely.
  init(unexplained sighting: CampaignState.Sighting, _ plan: CampaignPlan? = nil) {
    let failure = sighting.failure
    let drawn = plan?.draw(sighting.origin)
    let law =
      (plan?.any.run.laws ?? AdapterLaws.all).first { $0.name == failure.law }
      .map { LawSummary($0) }
    let token = drawn.map { $0.ground.check.token(of: $0.choices).text }
    let words = drawn?.ground.run.arguments ?? []
    self.init(
      phase: sighting.phase, caseNumber: sighting.number,
      seconds: Double(sighting.milliseconds) / 1000, occurrences: sighting.occurrences,
      signature: failure.signature,
      law: law ?? LawSummary(name: failure.law, statement: "", reason: "", brokenBy: ""),
      kind: failure.kind, place: failure.place, summary: failure.summary, diagnosis: [],
      cause: failure.cause.isEmpty ? nil : failure.cause, config: drawn?.spec.config.json ?? .null,
      checkpoint: drawn?.spec.description ?? "", facts: [], axes: [], mismatch: [], heatMap: nil,
      brokenLaws: [], shrinking: nil, flakiness: nil, token: token,
      replayCommand: shellCommand(["hymt2", "replay", token ?? ""] + words))
  }

  init(
    _ failure: CheckFailure, _ sighting: CampaignState.Sighting, _ shrinking: Shrinking?
  ) {
    let values = AxisValues(failure.spec)
    self.init(
      phase: sighting.phase, caseNumber: sighting.number,
      seconds: Double(sighting.milliseconds) / 1000, occurrences: sighting.occurrences,
      signature: sighting.failure.signature, law: failure.law, kind: failure.kind,
      place: failure.place, summary: failure.summary, diagnosis: failure.diagnosis,
      cause: failure.cause, config: failure.config, checkpoint: failure.checkpoint,
      facts: failure.spec.facts.map { Fact(name: $0.name, value: $0.value) },
      axes: ConfigAxis.allCases.compactMap { axis in
        values[axis].map { AxisLabel(axis: axis.name, label: axis.values[$0]) }
      },
      mismatch: failure.mismatch, heatMap: failure.heatMap, brokenLaws: failure.brokenLaws,
      shrinking: shrinking, flakiness: failure.flakiness, token: failure.token,
      replayCommand: failure.replayCommand)
  }
}
