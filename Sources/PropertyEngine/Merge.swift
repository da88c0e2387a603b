// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// A failure that the search came upon.
struct FailedCase {
  var key: FailureKey
  /// The simplest case of it, or the one with two outcomes.
  var result: CaseResult
  /// How many cases had been executed by then, this one included.
  var caseNumber: Int
  /// Set if the case ended in another way before.
  var flakiness: Flakiness?
}

/// Counting of executed cases.
extension Runner {
  /// Counts a case; the order of calls is the order of the cases.
  mutating func merge(_ result: CaseResult) {
    let earlier = tree.insert(result.sequence, result.status)
    if tree.isInconsistent, !settings.silenced.contains(.generatorIsNondeterministic) {
      complain(.generatorIsNondeterministic)
    }
    if settings.keepsTranscript { report.transcript.append(transcriptLine(result)) }
    if let earlier {
      report.repeated += 1
      compare(result, earlier)
    } else {
      count(result)
    }
    observe(.search, report.executed, result.status, result.context, isRepeated: earlier != nil)
  }

  private mutating func count(_ result: CaseResult) {
    switch result.status {
    case .overrun: report.overrun += 1
    case .discarded: report.discarded += 1
    case .passed:
      report.passed += 1
      if recent.count < 8 || report.passed % 4 == 0, result.sequence.count < 256 {
        recent.append(result)
        if recent.count > 8 { recent.removeFirst() }
      }
      for label in result.context.labels { labels[label, default: 0] += 1 }
    case .failed:
      report.failed += 1
      if let failure = result.failure {
        failedCases[result.sequence.encoded] = failure.key
        note(result, failure.key)
      }
    }
    if let check = health.check(result, report, settings) { complain(check) }
  }

  private mutating func complain(_ check: HealthCheck) {
    guard !report.healthProblems.contains(where: { $0.check == check }) else { return }
    report.healthProblems.append((check, check.advice))
    report.end = .unhealthy
  }

  mutating func note(_ result: CaseResult, _ key: FailureKey) {
    if let known = failures.firstIndex(where: { $0.key == key }) {
      if failures[known].flakiness == nil,
        result.sequence.isSimpler(than: failures[known].result.sequence)
      {
        failures[known].result = result
      }
    } else {
      failures.append(FailedCase(key: key, result: result, caseNumber: report.executed))
      observer?(.found(key, result.failure?.message ?? "", case: report.executed))
    }
  }

  /// Holds a repeated case against what it did the first time, of which the tree knows the status
  /// and the runner the key of a failure. Failures with two outcomes are findings; passes that are
  /// discarded at times are not.
  private mutating func compare(_ result: CaseResult, _ earlier: CaseStatus) {
    guard result.failure != nil || !failedCases.isEmpty else { return }
    let earlierKey = failedCases[result.sequence.encoded]
    guard let key = result.failure?.key ?? earlierKey, result.failure?.key != earlierKey else {
      return
    }
    let first = earlierKey.map { .fail($0, "") } ?? (earlier == .passed ? .pass : Outcome.discard)
    let failure = FailedCase(
      key: key, result: result, caseNumber: report.executed,
      flakiness: Flakiness(first: first, second: result.outcome ?? .discard))
    if let known = failures.firstIndex(where: { $0.key == key }) {
      // One finding for each key: that it comes and goes is the first thing to know of it.
      if failures[known].flakiness == nil { failures[known] = failure }
    } else {
      failures.append(failure)
    }
  }
}
