// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import AdapterLaws
internal import CheckpointGenerators
import Layouts
internal import PropertyEngine
internal import StrictJSON

extension Failure {
  /// All about a failure that the search found; nil of one without choices, of which there is none.
  init?(_ finding: Counterexample, _ run: CheckRun) {
    guard let choices = finding.choices else { return nil }
    self.init(finding.key, choices, run, finding.message)
    discovery = Discovery(number: finding.caseNumber)
    if !finding.shrinking.wasLeftOut {
      shrinking = Shrinking(
        simplifications: finding.shrinking.successes, executions: finding.shrinking.executions,
        stoppedEarly: finding.shrinking.stoppedEarly)
    }
    if let found = finding.flakiness {
      flakiness =
        "\(Self.text(found.first)) at first, and \(Self.text(found.second)) on the same checkpoint later"
    }
  }

  /// All about what fails on the checkpoint of some choices.
  ///
  /// - Parameter message: What was said of it when it failed.
  init(_ key: FailureKey, _ choices: ChoiceSequence, _ run: CheckRun, _ message: String = "") {
    let spec = run.spec(of: choices)
    let judgement = run.check(spec)
    let seen = judgement.broken.first { $0.known == nil && $0.key(run.laws) == key }
    let law = seen?.law ?? run.laws.firstIndex { $0.name == key.law } ?? 0
    let violation =
      seen?.violation
      ?? Violation(code: key.kind, place: key.place, step: .fromHF(nil), message)
    self.init(law, violation, spec, judgement, run)
    self.choices = choices
    if seen == nil, !run.adapter.isStopped {
      flakiness = "\(key.law) was broken at first, and held on the same checkpoint later"
    }
  }

  init(
    _ law: Int, _ violation: Violation, _ spec: CheckpointSpec, _ judgement: Judgement,
    _ run: CheckRun
  ) {
    let token = spec.token
    let (sentences, causes) = run.diagnosis(of: violation, run.laws[law], spec)
    let (lines, map) = Self.differences(violation, beside: sentences)
    let values = AxisValues(spec)
    self.init(
      law: LawSummary(run.laws[law]), kind: violation.kind, place: violation.place,
      summary: violation.summary, diagnosis: sentences, causes: causes,
      config: spec.config.json, checkpoint: spec.description,
      facts: JSONObject(spec.facts.map { ($0.name, .string($0.value)) }),
      axes: JSONObject(
        ConfigAxis.allCases.map { axis in
          (axis.name, values[axis].map { .string(axis.values[$0]) } ?? .null)
        }), mismatch: lines, heatMap: map,
      brokenLaws: judgement.broken.map { BrokenLaw($0, run.laws, run.known) }, token: token,
      replayCommand: shellCommand(["hymt2", "replay", token] + run.arguments), spec: spec,
      evidence: violation.evidence)
  }

  /// What differs, in lines, and where elements do; nothing that the diagnosis says already.
  static func differences(
    _ violation: Violation, beside diagnosis: [String]
  ) -> (lines: [String], heatMap: HeatMapFigure?) {
    guard violation.misbehaviour == nil else { return ([], nil) }
    guard let mismatch = violation.evidence.flatMap(mismatch) else {
      let isSaid = diagnosis.isEmpty || diagnosis == [violation.summary]
      return (isSaid ? [] : [violation.summary], nil)
    }
    let map = mismatch.mostSerious.flatMap { HeatMap($0) }.flatMap { map in
      // A single field says nothing that the lines do not.
      map.planes.count > 1 || map.planes.contains { $0.shares.joined().count > 1 } ? map : nil
    }
    return (
      lines(mismatch.description), map.map { HeatMapFigure(text: lines($0.text()), svg: $0.svg()) }
    )
  }

  private static func lines(_ text: String) -> [String] {
    text.split(separator: "\n").map(String.init)
  }

  /// What differs; the order of keys only if nothing else does.
  private static func mismatch(_ evidence: Violation.Evidence) -> Mismatch? {
    [false, true].lazy.compactMap { ordered in
      Mismatch(
        expected: evidence.expected, found: evidence.found, ordered: ordered,
        castTensors: evidence.castTensors)
    }.first
  }

  private static func text(_ outcome: Outcome) -> String {
    switch outcome {
    case .pass: "all laws held"
    case .discard: "nothing was checked"
    case .fail(let key, let message):
      "\(key.law) was broken (\(message.isEmpty ? key.kind : message))"
    }
  }

  /// What is known of a failure of a campaign that nobody looked at more closely.
  init(unexplained sighting: CampaignState.FirstOccurrence, _ plan: CampaignPlan? = nil) {
    let failure = sighting.failure
    let drawn = plan?.draw(sighting.first.origin)
    let law = (plan?.any.run.laws ?? Laws.all).first { $0.name == failure.law }
    let token = drawn?.spec.token
    let words = drawn?.ground.run.arguments ?? []
    self.init(
      law: law.map { LawSummary($0) } ?? LawSummary(name: failure.law), kind: failure.kind,
      place: failure.place, summary: failure.summary,
      causes: sighting.first.causes,
      config: drawn?.spec.config.json ?? .null,
      checkpoint: drawn?.spec.description ?? "", token: token,
      replayCommand: shellCommand(["hymt2", "replay", token ?? ""] + words))
    found(as: sighting)
  }

  /// Says how a campaign found it.
  mutating func found(as sighting: CampaignState.FirstOccurrence) {
    signature = sighting.first.signature
    discovery = Discovery(
      phase: sighting.first.phase, number: sighting.number,
      seconds: Double(sighting.first.milliseconds) / 1000, occurrences: sighting.occurrences)
  }
}

extension CheckRun {
  /// What the adapter does wrong, in sentences and for machines, without what is known of it.
  ///
  /// Runs the adapter on tracer checkpoints; one that gave no answer is not asked again, since what it
  /// did says it all.
  func diagnosis(
    of violation: Violation, _ law: AdapterLaw, _ spec: CheckpointSpec
  ) -> (sentences: [String], causes: [Cause]) {
    if law.name.hasPrefix("invalid-input"), violation.misbehaviour == nil {
      // Tracers are valid checkpoints: what they show would be another fault.
      return ([violation.summary], Cause.missingChecks(violation, spec))
    }
    let values = AxisValues(spec)
    let found = Diagnosis.of(violation, spec, adapter) { finding in
      known?.covers(Cause(finding), on: values) == true
    }
    // An adapter that was stopped meanwhile refuses every tracer.
    if adapter.isStopped, violation.misbehaviour == nil { return ([], []) }
    return (found.sentences, found.findings.map { Cause($0) })
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
