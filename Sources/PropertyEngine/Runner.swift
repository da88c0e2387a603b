// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// Runs one property: stored failures, explicit examples, generation, then shrinking.
struct Runner {
  typealias Execute = @Sendable (Source) -> CaseResult

  let settings: Settings
  let explicit: [@Sendable (inout CaseContext) -> Outcome]
  let execute: Execute
  let observer: ((RunEvent) -> Void)?
  let cancellation: Cancellation
  var report = Report()
  let tree = ChoiceTree()
  let pool: CasePool
  /// The examples asked for, bounded so that sums of it do not overflow.
  let examples: Int
  private let deadline: ContinuousClock.Instant?
  var labels: [String: Int] = [:]
  /// Failures, one of each key.
  var failures: [FailedCase] = []
  /// What failed in the cases that failed, by their bytes.
  var failedCases: [[UInt8]: FailureKey] = [:]
  /// A few recent cases to mutate.
  var recent: [CaseResult] = []
  var health = HealthMonitor()
  private var nextIndex: UInt64 = 0

  init(
    _ settings: Settings, explicit: [@Sendable (inout CaseContext) -> Outcome],
    observer: ((RunEvent) -> Void)?, execute: @escaping Execute
  ) {
    self.settings = settings
    self.observer = observer
    cancellation = Cancellation(settings.isCancelled)
    examples = max(0, min(settings.examples, 1 << 40))
    self.explicit = explicit
    self.execute = execute
    pool = CasePool(
      threads: settings.threads, cancellation: cancellation, execute: execute)
    deadline = settings.timeBudget.map { ContinuousClock.now + $0 }
    report.seed = settings.seed
    report.requested = settings.examples
  }

  mutating func run() -> Report {
    runExplicit()
    runStored()
    if settings.keepsGoing || report.counterexamples.isEmpty && failures.isEmpty { generate() }
    // Shrinking one failure may find others.
    var concluded = 0
    while concluded < failures.count {
      conclude(failures[concluded], isShrunk: concluded < settings.shrunkFailures)
      concluded += 1
    }
    if cancellation.wasNoticed {
      report.end = .cancelled
    } else if !report.counterexamples.isEmpty {
      report.end = .failed
    }
    report.labels = labels.map { ($0.key, $0.value) }.sorted { isBefore($0.label, $1.label) }
    if report.counterexamples.isEmpty {
      report.unmetLabels = settings.requiredLabels
        .map { (label: $0.key, count: labels[$0.key] ?? 0, required: $0.value) }
        .filter { $0.count < $0.required }.sorted { isBefore($0.label, $1.label) }
    }
    return report
  }

  private mutating func runExplicit() {
    for (index, example) in explicit.enumerated() {
      if cancellation.check() { return }
      var context = CaseContext()
      let outcome = example(&context)
      observe(.example, index + 1, outcome.status, context)
      switch outcome {
      case .pass: report.examplesPassed += 1
      case .discard: break
      case .fail(let key, let message):
        if report.counterexamples.contains(where: { $0.key == key }) { continue }
        report.counterexamples.append(
          Counterexample(key: key, message: message, exampleIndex: index, caseNumber: index + 1))
      }
    }
  }

  private mutating func runStored() {
    for (index, stored) in settings.replays.enumerated() {
      if cancellation.check() { return }
      let result = pool.single(
        CaseRequest(
          prefix: stored, tail: .simplest, limit: settings.maximumChoices,
          random: RandomStream(seed: 0)))
      observe(.replay, index + 1, result.status, result.context)
      if let failure = result.failure {
        report.replays.append(.fails(failure.key))
        note(result, failure.key)
      } else if cancellation.check() {
        // A body that was told to end says nothing.
        return
      } else if result.isMisaligned || result.sequence.count != stored.count
        || result.status != .passed
      {
        report.replays.append(.stale)
      } else {
        report.replays.append(.passes)
      }
    }
  }

  private mutating func generate() {
    while report.end == .completed {
      if judged >= examples { return }
      if tree.isExhausted {
        report.end = .exhausted
        return
      }
      if cancellation.check() { return }
      if let deadline, ContinuousClock.now >= deadline {
        report.end = .outOfTime
        return
      }
      let invalid = report.executed - report.passed - report.failed
      if invalid > 500 + 10 * max(examples, report.passed) {
        report.end = .gaveUp
        return
      }
      if shouldStopAfterFailure { return }
      runBatch()
    }
  }

  /// The cases that count towards `examples`.
  private var judged: Int { report.passed + (settings.keepsGoing ? report.failed : 0) }

  /// Whether as many failures are found as are looked for.
  private var hasAllFailures: Bool { failures.count >= max(1, settings.mostFailures) }

  private var shouldStopAfterFailure: Bool {
    if hasAllFailures { return true }
    guard !settings.keepsGoing, let first = failures.first, let last = failures.last else {
      return false
    }
    return report.executed >= min(first.caseNumber + 1000, 2 * last.caseNumber + 10)
  }

  /// Batches do not depend on the number of threads: what a case knows of earlier ones is what was
  /// known when its batch began.
  private mutating func runBatch() {
    let done = report.executed
    let wanted = done == 0 ? 1 : done < 16 ? 2 : done < 128 ? 8 : 64
    let size = min(wanted, max(1, examples - judged))
    let requests = (0..<size).map { _ in nextRequest() }
    pool.run(requests, avoiding: tree) { _, result in
      merge(result)
      return report.end == .completed && !hasAllFailures
    }
  }

  private mutating func nextRequest() -> CaseRequest {
    let index = nextIndex
    nextIndex += 1
    var random = RandomStream(seed: settings.seed, index: index)
    if index == 0 {
      return CaseRequest(tail: .simplest, limit: settings.maximumChoices, random: random)
    }
    // Small before large: a ramp over the first part of the run.
    let ramp = UInt64(max(1, min(60, examples / 2)))
    let scale = min(256, 16 + index * 240 / ramp)
    var prefix = ChoiceSequence()
    if index > 32, index % 4 == 3, let parent = recent.last {
      prefix = mutated(parent, &random) ?? prefix
    }
    return CaseRequest(
      prefix: prefix, tail: .random, limit: settings.maximumChoices, random: random,
      size: scale, isTimed: index < 64, number: index)
  }
}

/// Order by UTF-8 bytes.
package func isBefore(_ a: String, _ b: String) -> Bool {
  a.utf8.lexicographicallyPrecedes(b.utf8)
}

/// One case on one line: status and choices.
func transcriptLine(_ result: CaseResult) -> String {
  "\(result.status) \(result.sequence)"
}

/// A copy of one span over another of its kind: equal parts are where many failures are.
func mutated(_ parent: CaseResult, _ random: inout RandomStream) -> ChoiceSequence? {
  let spans = spans(of: parent.trail).filter { $0.count > 0 }
  guard spans.count > 2 else { return nil }
  for _ in 0..<4 {
    let target = spans[1 + random.position(below: spans.count - 1)]
    let alike = spans.filter {
      $0.label == target.label && $0.start != target.start && $0.parent >= 0
    }
    guard !alike.isEmpty else { continue }
    let model = alike[random.position(below: alike.count)]
    let isNested = model.range.overlaps(target.range)
    if isNested, model.count < target.count { continue }
    return parent.sequence.replacing(target.range, with: parent.sequence, model.range)
  }
  return nil
}
