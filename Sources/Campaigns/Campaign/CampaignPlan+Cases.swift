// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import AdapterLaws
internal import CheckpointGenerators
internal import PropertyEngine

extension CampaignPlan {
  /// How often a failure of a large checkpoint is looked for among small ones.
  private static let transferAttempts: UInt64 = 24

  /// How many executions shrinking a large checkpoint may take.
  private static let slowExecutions = 100

  /// What becomes of a case; nil if the campaign was told to end meanwhile.
  func check(_ origin: CampaignRecord.Origin, isOver: () -> Bool) -> CampaignRecord? {
    var record = CampaignRecord(origin: origin, phase: phase(of: origin))
    guard let drawn = draw(origin) else { return record }
    let run = drawn.ground.run
    let judgement = run.check(drawn.spec, isCancelled: isOver)
    if isOver() { return nil }
    record.marks = judgement.marks(of: drawn.spec).bytes
    if let broken = judgement.failure {
      record.failure = Failure.BrokenLaw(broken, run.laws)
      if isDiagnosed(origin, drawn.ground) {
        record.causes =
          run.diagnosis(of: broken.violation, run.laws[broken.law], drawn.spec).causes
      }
    }
    return isOver() ? nil : record
  }

  /// Whether the cause of a failure is looked for as it is found, so that failures of one law with
  /// different causes are told apart. That takes longer than checking, so most cases go without.
  private func isDiagnosed(_ origin: CampaignRecord.Origin, _ ground: CaseSource) -> Bool {
    if ground.isSlow { return false }
    guard case .number(let number) = origin else { return true }
    return number < 64 || scattered(UInt64(number), seed: 0) % 8 == 0
  }

  /// Shrinks the failure of a case and says what is wrong; the case as found if it cannot be shrunk.
  ///
  /// - Parameter executions: How many executions shrinking may take.
  /// - Returns: The failure, and whether a corpus keeps it, which is then of the space of all checkpoints.
  func explain(
    _ sighting: CampaignState.FirstOccurrence, executions: Int,
    isOver: @escaping @Sendable () -> Bool
  ) -> (failure: Failure, isKept: Bool)? {
    guard let drawn = draw(sighting.first.origin) else { return nil }
    let key = sighting.key
    let (ground, choices) = start(drawn, key, isOver)
    // Each execution at exact widths would take as long as a thousand others.
    guard let choices, ground.phase != .exactWidths, !ground.isSlow || !isOver() else {
      return (Failure(unexplained: sighting, self), false)
    }
    var settings = Settings(examples: 1)
    settings.replays = [choices]
    settings.mostFailures = 1
    settings.shrinkTimeBudget = nil
    settings.shrinkExecutions = ground.isSlow ? min(Self.slowExecutions, executions) : executions
    settings.isCancelled = isOver
    let report = ground.run.property(isShrinking: { true }).run(settings)
    let shrunk = report.counterexamples.first { $0.key == key }.flatMap { Failure($0, ground.run) }
    var failure = shrunk ?? Failure(key, choices, ground.run)
    failure.found(as: sighting)
    return (failure, ground.phase == any.phase)
  }

  /// Where shrinking begins: in the space of all checkpoints if it can, so that the smallest one
  /// is the same wherever it was found.
  private func start(
    _ drawn: Case, _ key: FailureKey, _ isOver: () -> Bool
  ) -> (CaseSource, ChoiceSequence?) {
    guard drawn.ground.isSlow else { return (any, any.run.space.choices(of: drawn.spec)) }
    let values = AxisValues(drawn.spec)
    for attempt in 0..<Self.transferAttempts where !isOver() {
      guard
        let (spec, choices) = any.run.space.checkpoint(like: values, number: attempt, seed: seed),
        let broken = any.run.check(spec, isComplete: false, isCancelled: isOver).failure,
        broken.key(any.run.laws) == key
      else { continue }
      return (any, choices)
    }
    return (drawn.ground, drawn.choices)
  }
}
