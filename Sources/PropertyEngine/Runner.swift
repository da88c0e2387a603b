// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// Runs one property: stored failures, explicit examples, generation, then shrinking.
struct Runner {
  typealias Execute = @Sendable (Source) -> CaseResult

  let settings: Settings
  let explicit: [@Sendable (inout CaseContext) -> Outcome]
  let execute: Execute
  var report = Report()
  let tree = ChoiceTree()
  let pool: CasePool
  /// The examples asked for, bounded so that sums of it do not overflow.
  let examples: Int
  private let deadline: ContinuousClock.Instant?
  var labels: [String: Int] = [:]
  var best: [String: (score: Double, result: CaseResult)] = [:]
  /// Failures by key, the simplest of each.
  var failures: [(key: FailureKey, result: CaseResult, caseNumber: Int)] = []
  /// A few recent cases to mutate.
  private var recent: [CaseResult] = []
  private var health = HealthMonitor()
  private var nextIndex: UInt64 = 0

  init(
    _ settings: Settings, explicit: [@Sendable (inout CaseContext) -> Outcome],
    execute: @escaping Execute
  ) {
    self.settings = settings
    examples = max(0, min(settings.examples, 1 << 40))
    self.explicit = explicit
    self.execute = execute
    pool = CasePool(threads: settings.threads, execute: execute)
    deadline = settings.timeBudget.map { ContinuousClock.now + $0 }
    report.seed = settings.seed
    report.requested = settings.examples
  }

  mutating func run() -> Report {
    runExplicit()
    runStored()
    if report.findings.isEmpty, failures.isEmpty { generate() }
    // Shrinking one failure may find others.
    var concluded = 0
    while concluded < failures.count {
      conclude(failures[concluded])
      concluded += 1
    }
    if !report.findings.isEmpty { report.end = .failed }
    report.labels = labels.map { ($0.key, $0.value) }.sorted { isBefore($0.label, $1.label) }
    report.targets = best.map { ($0.key, $0.value.score) }.sorted { isBefore($0.label, $1.label) }
    if report.findings.isEmpty {
      report.unmetLabels = settings.requiredLabels
        .map { (label: $0.key, count: labels[$0.key] ?? 0, required: $0.value) }
        .filter { $0.count < $0.required }.sorted { isBefore($0.label, $1.label) }
    }
    return report
  }

  private mutating func runExplicit() {
    for (index, example) in explicit.enumerated() {
      var context = CaseContext()
      switch example(&context) {
      case .pass: report.examplesPassed += 1
      case .discard: break
      case .fail(let key, let message):
        if report.findings.contains(where: { $0.key == key }) { continue }
        report.findings.append(
          Finding(key: key, message: message, exampleIndex: index, caseNumber: index + 1))
      }
    }
  }

  private mutating func runStored() {
    for stored in settings.replays {
      let result = pool.single(
        CaseRequest(
          prefix: stored, tail: .simplest, limit: settings.maximumChoices,
          random: RandomStream(seed: 0)))
      if let failure = result.failure {
        report.replays.append(.fails(failure.key))
        note(result, failure.key)
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
    var climbAt = min(examples / 2, 200)
    while report.end == .completed {
      if report.passed >= examples { return }
      if tree.isExhausted {
        report.end = .exhausted
        return
      }
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
      if !best.isEmpty, report.passed >= climbAt {
        climbAt = max(report.passed, 1) * 4
        climb()
      }
    }
  }

  private var shouldStopAfterFailure: Bool {
    guard let first = failures.first, let last = failures.last else { return false }
    return !settings.findsSeveral
      || report.executed >= min(first.caseNumber + 1000, 2 * last.caseNumber + 10)
  }

  /// Batches do not depend on the number of threads: what a case knows of earlier ones is what was
  /// known when its batch began.
  private mutating func runBatch() {
    let done = report.executed
    let wanted = done == 0 ? 1 : done < 16 ? 2 : done < 128 ? 8 : 64
    let size = min(wanted, max(1, examples - report.passed))
    let requests = (0..<size).map { _ in nextRequest() }
    pool.run(requests, avoiding: tree) { _, result in
      merge(result)
      return report.end == .completed && !(settings.findsSeveral == false && !failures.isEmpty)
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
      size: scale, isTimed: index < 64)
  }

  /// Counts a case; the order of calls is the order of the cases.
  mutating func merge(_ result: CaseResult) {
    let isNew = tree.insert(result.sequence.choices, result.sequence.blobs, result.status)
    if tree.isInconsistent, !settings.silenced.contains(.generatorIsNondeterministic) {
      complain(.generatorIsNondeterministic)
    }
    if settings.keepsTranscript { report.transcript.append(transcriptLine(result)) }
    guard isNew else {
      report.repeated += 1
      return
    }
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
      if let failure = result.failure { note(result, failure.key) }
    }
    for target in result.context.targets {
      if best[target.label].map({ $0.score < target.score }) ?? true {
        best[target.label] = (target.score, result)
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
      if result.sequence.isSimpler(than: failures[known].result.sequence) {
        failures[known].result = result
      }
    } else {
      failures.append((key, result, report.executed))
    }
  }
}

/// Order by UTF-8 bytes.
func isBefore(_ a: String, _ b: String) -> Bool {
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
