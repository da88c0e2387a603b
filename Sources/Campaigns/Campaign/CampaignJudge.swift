// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import AdapterLaws
internal import CheckpointGenerators
internal import PropertyEngine

/// Checks the cases of a campaign, and shrinks what fails.
struct CampaignJudge: Sendable {
  let plan: CampaignPlan
  /// How many executions shrinking one failure may take.
  let shrinkExecutions: Int
  /// Whether the campaign is to end.
  let isOver: @Sendable () -> Bool

  /// How often a failure of a large checkpoint is looked for among small ones.
  private static let transferAttempts: UInt64 = 24

  /// How many executions making a large checkpoint small may take.
  private static let slowExecutions = 100

  /// What becomes of a case; nil if the campaign was told to end meanwhile.
  func judge(_ origin: CampaignRecord.Origin) -> CampaignRecord? {
    var record = CampaignRecord(
      origin: origin, phase: plan.phase(of: origin), milliseconds: 0)
    guard let drawn = plan.draw(origin) else { return record }
    let judge = drawn.ground.check.judge
    let judgement = judge.judge(drawn.spec, isCancelled: isOver)
    if isOver() { return nil }
    record.marks = judgement.marks(of: drawn.spec).bytes
    if let broken = judgement.failure {
      record.failure = Failure.BrokenLaw(broken, judge.laws)
      if isDiagnosed(origin, drawn.ground) {
        let law = judge.laws[broken.law]
        record.cause =
          ViolationAccount(broken.violation, of: law, drawn.spec, judge.adapter).cause
      }
    }
    return isOver() ? nil : record
  }

  /// Whether the cause of a failure is looked for as it is found, so that failures of one law with
  /// different causes are told apart. That takes longer than judging, so most cases go without.
  private func isDiagnosed(
    _ origin: CampaignRecord.Origin, _ ground: CampaignPlan.Ground
  ) -> Bool {
    if ground.isSlow { return false }
    guard case .number(let number) = origin else { return true }
    return number < 64 || scattered(UInt64(number), seed: 0) % 8 == 0
  }

  /// Makes the failure of a case small and says what is wrong; the case as found if it cannot be
  /// shrunk.
  ///
  /// - Returns: The failure, and whether a corpus keeps it, which is then of the space of all checkpoints.
  func explain(_ sighting: CampaignState.Sighting) -> (failure: Failure, isKept: Bool)? {
    guard let drawn = plan.draw(sighting.first.origin) else { return nil }
    let key = sighting.key
    let (ground, choices) = start(drawn, key)
    // Each execution at exact widths would take as long as a thousand others.
    guard let choices, ground.phase != .exactWidths, !ground.isSlow || !isOver() else {
      return (Failure(unexplained: sighting, plan), false)
    }
    var settings = Settings(examples: 1)
    settings.replays = [choices]
    settings.findsSeveral = false
    settings.explains = false
    settings.shrinkTimeBudget = nil
    settings.shrinkExecutions =
      ground.isSlow ? min(Self.slowExecutions, shrinkExecutions) : shrinkExecutions
    settings.isCancelled = isOver
    let report = ground.check.property(isShrinking: { true }).run(settings)
    let stored = StoredFailure(
      property: CheckProperty.name, fingerprint: ground.check.fingerprint, key: key,
      choices: choices)
    let asFound = Report(replayed: stored, message: "", seed: plan.seed)
    let shrunk = report.findings.first { $0.key == key }
    guard let finding = shrunk ?? asFound.findings.first,
      var failure = Failure(finding, ground.run, ground.check)
    else { return nil }
    if shrunk == nil { failure.shrinking = nil }
    failure.found(as: sighting)
    return (failure, ground.phase == plan.any.phase)
  }

  /// Where shrinking begins: in the space of all checkpoints if it can, so that the smallest one
  /// is the same wherever it was found.
  private func start(
    _ drawn: CampaignPlan.Case, _ key: FailureKey
  ) -> (CampaignPlan.Ground, ChoiceSequence?) {
    guard drawn.ground.isSlow else {
      return (plan.any, plan.any.run.space.choices(of: drawn.spec))
    }
    let judge = plan.any.check.judge
    let values = AxisValues(drawn.spec)
    for attempt in 0..<Self.transferAttempts where !isOver() {
      guard
        let (spec, choices) = plan.any.run.space.checkpoint(
          like: values, number: attempt, seed: plan.seed),
        let broken = judge.judge(spec, isComplete: false, isCancelled: isOver).failure,
        broken.key(judge.laws) == key
      else { continue }
      return (plan.any, choices)
    }
    return (drawn.ground, drawn.choices)
  }
}

extension CampaignState.Sighting {
  /// What fails.
  var key: FailureKey {
    FailureKey(law: failure.law, kind: failure.kind, place: failure.place)
  }
}
