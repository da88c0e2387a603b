// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// What happens to a failure once it is found: a second run, shrinking.
extension Runner {
  mutating func conclude(_ failure: FailedCase, isShrunk: Bool) {
    var finding = Counterexample(
      key: failure.key, message: failure.result.failure?.message ?? "",
      choices: failure.result.sequence, found: failure.result.sequence,
      caseNumber: failure.caseNumber)
    finding.flakiness = failure.flakiness ?? flakiness(failure.result, runs: settings.confirmations)
    if finding.flakiness == nil, settings.shrinkExecutions > 0 {
      if isShrunk {
        shrink(&finding, failure.result)
      } else {
        finding.shrinking.wasLeftOut = true
      }
    }
    report.counterexamples.append(finding)
  }

  private mutating func shrink(_ finding: inout Counterexample, _ result: CaseResult) {
    let limits = Shrinker.Limits(
      executions: settings.shrinkExecutions,
      deadline: settings.shrinkTimeBudget.map { ContinuousClock.now + $0 },
      disabled: settings.disabledPasses, cancellation: cancellation)
    let pool = pool
    let tree = tree
    let seed = settings.seed
    let progress = { [observer, key = finding.key] (executions: Int, evaluations: Int) in
      guard let observer else { return }
      observer(.shrinking(key, executions: executions, evaluations: evaluations))
    }
    progress(0, 0)
    let shrinker = Shrinker(
      result, key: finding.key, tree: tree, limits: limits, progress: progress
    ) { prefix, tail, limit, salt, gate in
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
    finding.flakiness = flakiness(shrinker.current)
    if settings.mostFailures > 1 {
      for other in shrinker.others {
        guard let key = other.failure?.key, failures.count < settings.mostFailures,
          !failures.contains(where: { $0.key == key }),
          !report.counterexamples.contains(where: { $0.key == key })
        else { continue }
        failures.append(FailedCase(key: key, result: other, caseNumber: report.executed))
      }
    }
  }

  /// The two outcomes if one of some more runs is not the same failure of the same choices.
  private func flakiness(_ first: CaseResult, runs: Int) -> Flakiness? {
    for _ in 0..<max(1, runs) {
      if let found = flakiness(first) { return found }
    }
    return nil
  }

  private func flakiness(_ first: CaseResult) -> Flakiness? {
    if cancellation.check() { return nil }
    let second = pool.single(
      CaseRequest(
        prefix: first.sequence, tail: .overrun, limit: max(first.sequence.count, 1),
        random: RandomStream(seed: 0)))
    if let a = first.failure, let b = second.failure, a.key == b.key,
      first.sequence == second.sequence
    {
      return nil
    }
    // A body that was told to end says nothing.
    if cancellation.check() { return nil }
    return Flakiness(first: first.outcome ?? .discard, second: second.outcome ?? .discard)
  }
}
