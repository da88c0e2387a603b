// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import AdapterLaws
internal import CheckpointGenerators
import Layouts
internal import PropertyEngine
internal import StrictJSON

extension Failure {
  /// All about a failure that the search found; nil of one without choices, of which there is none.
  init?(_ finding: Finding, _ run: CheckRun, _ check: CheckProperty) {
    guard let choices = finding.choices else { return nil }
    let spec = check.spec(of: choices)
    let judgement = check.judge.judge(spec)
    let seen = judgement.broken.first { $0.known == nil && $0.key(run.laws) == finding.key }
    let law = seen?.law ?? run.laws.firstIndex { $0.name == finding.key.law } ?? 0
    let violation =
      seen?.violation
      ?? Violation(
        finding.key.kind, place: finding.key.place, step: .fromHF(nil), finding.message)
    self.init(law, violation, spec, judgement, run)
    self.choices = choices
    discovery = Discovery(number: finding.caseNumber)
    if !finding.shrinking.wasLeftOut {
      shrinking = Shrinking(
        simplifications: finding.shrinking.successes, executions: finding.shrinking.executions,
        stoppedEarly: finding.shrinking.stoppedEarly)
    }
    flakiness =
      finding.flakiness.map {
        "first it \(Self.text($0.first)), then it \(Self.text($0.second))"
      }
      ?? (seen == nil && !run.adapter.isStopped
        ? "it was broken in the search and held when it was judged once more" : nil)
  }

  init(
    _ law: Int, _ violation: Violation, _ spec: CheckpointSpec, _ judgement: Judgement,
    _ run: CheckRun
  ) {
    let token = spec.token
    let account = ViolationAccount(violation, of: run.laws[law], spec, run.adapter)
    let values = AxisValues(spec)
    self.init(
      law: LawSummary(run.laws[law]), kind: violation.kind, place: violation.place,
      summary: violation.summary, diagnosis: account.diagnosis, cause: account.cause,
      config: spec.config.json, checkpoint: spec.description,
      facts: JSONObject(spec.facts.map { ($0.name, .string($0.value)) }),
      axes: JSONObject(
        ConfigAxis.allCases.map { axis in
          (axis.name, values[axis].map { .string(axis.values[$0]) } ?? .null)
        }), mismatch: account.mismatch, heatMap: account.heatMap,
      brokenLaws: judgement.broken.map { BrokenLaw($0, run.laws, run.known) }, token: token,
      replayCommand: shellCommand(["hymt2", "replay", token] + run.arguments), spec: spec,
      evidence: violation.evidence)
  }

  private static func text(_ outcome: Outcome) -> String {
    switch outcome {
    case .pass: "held"
    case .discard: "was no valid checkpoint"
    case .fail(let key, let message): "was broken (\(key)\(message.isEmpty ? "" : ": \(message)"))"
    }
  }

  /// What is known of a failure of a campaign that nobody looked at more closely.
  init(unexplained sighting: CampaignState.Sighting, _ plan: CampaignPlan? = nil) {
    let failure = sighting.failure
    let drawn = plan?.draw(sighting.first.origin)
    let law = (plan?.any.run.laws ?? AdapterLaws.all).first { $0.name == failure.law }
    let token = drawn?.spec.token
    let words = drawn?.ground.run.arguments ?? []
    self.init(
      law: law.map { LawSummary($0) } ?? LawSummary(name: failure.law), kind: failure.kind,
      place: failure.place, summary: failure.summary,
      cause: sighting.first.cause,
      config: drawn?.spec.config.json ?? .null,
      checkpoint: drawn?.spec.description ?? "", token: token,
      replayCommand: shellCommand(["hymt2", "replay", token ?? ""] + words))
    found(as: sighting)
  }

  /// Says how a campaign found it.
  mutating func found(as sighting: CampaignState.Sighting) {
    signature = sighting.first.signature
    discovery = Discovery(
      phase: sighting.first.phase, number: sighting.number,
      seconds: Double(sighting.first.milliseconds) / 1000, occurrences: sighting.occurrences)
  }
}

extension Failure.BrokenLaw {
  init(
    _ broken: Judgement.BrokenLaw, _ laws: [AdapterLaw], _ known: KnownDivergences? = nil
  ) {
    self.init(
      law: laws[broken.law].name, kind: broken.violation.kind, place: broken.violation.place,
      summary: broken.violation.summary,
      known: broken.known.flatMap { known?.entries[$0].id })
  }
}

extension Judgement.BrokenLaw {
  /// What tells the failure from others.
  func key(_ laws: [AdapterLaw]) -> FailureKey {
    FailureKey(law: laws[law].name, kind: violation.kind, place: violation.place)
  }
}
