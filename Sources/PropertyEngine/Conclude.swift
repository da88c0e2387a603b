// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// What happens to a failure once it is found: a second run, shrinking, explaining.
extension Runner {
  mutating func conclude(_ failure: (key: FailureKey, result: CaseResult, caseNumber: Int)) {
    guard let first = failure.result.failure else { return }
    var finding = Finding(
      key: failure.key, message: first.message, choices: failure.result.sequence,
      found: failure.result.sequence, caseNumber: failure.caseNumber)
    let again = replay(failure.result.sequence)
    if let flakiness = flakiness(failure.result, again) {
      finding.flakiness = flakiness
      report.findings.append(finding)
      return
    }
    if settings.shrinkExecutions > 0 { shrink(&finding, failure.result) }
    report.findings.append(finding)
  }

  private mutating func shrink(_ finding: inout Finding, _ result: CaseResult) {
    let limits = Shrinker.Limits(
      executions: settings.shrinkExecutions,
      deadline: settings.shrinkTimeBudget.map { ContinuousClock.now + $0 },
      disabled: settings.disabledPasses)
    let pool = pool
    let tree = tree
    let seed = settings.seed
    let shrinker = Shrinker(result, key: finding.key, tree: tree, limits: limits) {
      prefix, tail, limit, salt, gate in
      pool.single(
        CaseRequest(
          prefix: prefix, tail: tail, limit: limit,
          random: RandomStream(seed: seed, index: salt, salt: 0x5EED),
          size: salt % 2 == 0 ? 64 : 256),
        avoiding: tail == .random ? tree : nil, gate: gate)
    }
    shrinker.shrink()
    finding.choices = shrinker.sequence
    finding.message = shrinker.current.failure?.message ?? finding.message
    finding.shrinking = ShrinkSummary(
      executions: shrinker.executions, evaluations: shrinker.evaluations,
      successes: shrinker.successes, stoppedEarly: shrinker.stoppedEarly,
      passes: shrinker.usefulness, costs: shrinker.costs)
    let last = replay(shrinker.sequence)
    finding.flakiness = flakiness(shrinker.current, last)
    if settings.explains, finding.flakiness == nil {
      finding.irrelevant = explain(shrinker)
    }
    if settings.findsSeveral {
      for other in shrinker.others {
        guard let key = other.failure?.key,
          !failures.contains(where: { $0.key == key }),
          !report.findings.contains(where: { $0.key == key })
        else { continue }
        failures.append((key, other, report.executed))
      }
    }
  }

  private func replay(_ sequence: ChoiceSequence) -> CaseResult {
    pool.single(
      CaseRequest(
        prefix: sequence, tail: .overrun, limit: max(sequence.count, 1),
        random: RandomStream(seed: 0)))
  }

  /// The two outcomes if they are not the same failure of the same choices.
  private func flakiness(_ first: CaseResult, _ second: CaseResult) -> Flakiness? {
    if let a = first.failure, let b = second.failure, a.key == b.key,
      first.sequence == second.sequence
    {
      return nil
    }
    return Flakiness(first: first.outcome ?? .discard, second: second.outcome ?? .discard)
  }
}
