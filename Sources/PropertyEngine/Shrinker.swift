// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// Makes a failing sequence simpler until no pass helps, following one failure only.
final class Shrinker {
  struct Limits: Sendable {
    var executions = 20_000
    var stall = 2_000
    var deadline: ContinuousClock.Instant?
    var disabled: Set<ShrinkPass> = []
    var cancellation = Cancellation(nil)
  }

  /// Replays a prefix with a tail of some length; the seed is that of a random tail. The body only
  /// runs if the last argument, asked about what was drawn, says so.
  typealias Execute =
    (ChoiceSequence, Tail, Int, UInt64, @escaping (ChoiceSequence) -> Bool) -> CaseResult

  let key: FailureKey
  let limits: Limits
  let tree: ChoiceTree
  let execute: Execute
  /// Told of executions and evaluations after every 64 executions.
  private let progress: (Int, Int) -> Void
  private(set) var current: CaseResult
  private(set) var spans: [Span]
  /// Executions of any sort, those that reached the body, and successes.
  private(set) var executions = 0
  private(set) var evaluations = 0
  private(set) var successes = 0
  private var lastSuccess = 0
  private(set) var stoppedEarly = false
  /// Failures of other keys, the first of each.
  private(set) var others: [CaseResult] = []
  /// Which passes simplified something, how often.
  private(set) var usefulness: [ShrinkPass: Int] = [:]
  /// Evaluations by pass.
  private(set) var costs: [ShrinkPass: Int] = [:]
  private var pass = ShrinkPass.removeDiscarded

  init(
    _ start: CaseResult, key: FailureKey, tree: ChoiceTree, limits: Limits,
    progress: @escaping (Int, Int) -> Void = { _, _ in }, execute: @escaping Execute
  ) {
    self.key = key
    self.limits = limits
    self.tree = tree
    self.execute = execute
    self.progress = progress
    current = start
    spans = PropertyEngine.spans(of: start.trail)
  }

  var sequence: ChoiceSequence { current.sequence }
  var choices: ContiguousArray<Choice> { current.sequence.choices }
  var count: Int { current.sequence.count }

  /// Whether the limits are used up.
  var isOver: Bool {
    if stoppedEarly { return true }
    if executions >= limits.executions || executions - lastSuccess >= limits.stall {
      stoppedEarly = true
    } else if let deadline = limits.deadline, ContinuousClock.now >= deadline {
      stoppedEarly = true
    } else if limits.cancellation.check() {
      stoppedEarly = true
    }
    return stoppedEarly
  }

  /// What came of trying a sequence.
  struct Attempt {
    var isAdopted: Bool
    var status: CaseStatus?
    var realised: ChoiceSequence?
  }

  /// Adopts the sequence if it is simpler and fails in the same way.
  @discardableResult func consider(_ candidate: ChoiceSequence) -> Bool {
    attempt(candidate).isAdopted
  }

  func attempt(_ candidate: ChoiceSequence) -> Attempt {
    let rejected = Attempt(isAdopted: false)
    guard candidate.isSimpler(than: sequence), !isOver else { return rejected }
    if let known = tree.predict(candidate),
      known.status != .failed || !known.realised.isSimpler(than: sequence)
    {
      return Attempt(isAdopted: false, status: known.status, realised: known.realised)
    }
    return run(candidate, tail: .overrun, limit: candidate.count, seed: 0)
  }

  /// Executes without asking the tree; a random tail may go up to `limit` choices.
  func run(_ candidate: ChoiceSequence, tail: Tail, limit: Int, seed: UInt64) -> Attempt {
    guard !isOver else { return Attempt(isAdopted: false) }
    executions += 1
    let result = execute(candidate, tail, limit, seed) { [self] drawn in
      guard drawn.isSimpler(than: sequence) else { return false }
      let known = tree.predict(drawn)
      return known == nil || known?.status == .failed
    }
    if result.outcome != nil {
      evaluations += 1
      costs[pass, default: 0] += 1
    }
    if executions % 64 == 0 { progress(executions, evaluations) }
    if result.isSkipped { return Attempt(isAdopted: false, realised: result.sequence) }
    tree.insert(result.sequence, result.status)
    var attempt = Attempt(isAdopted: false, status: result.status, realised: result.sequence)
    guard let failure = result.failure else { return attempt }
    guard failure.key == key else {
      if !others.contains(where: { $0.failure?.key == failure.key }) { others.append(result) }
      return attempt
    }
    guard result.sequence.isSimpler(than: sequence) else { return attempt }
    current = result
    spans = PropertyEngine.spans(of: result.trail)
    successes += 1
    lastSuccess = executions
    usefulness[pass, default: 0] += 1
    attempt.isAdopted = true
    return attempt
  }

  /// Shrinks to a fixpoint of all passes: cheap ones to their own fixpoint first.
  func shrink() {
    repeat {
      repeat {
        let before = successes
        for step in ShrinkPass.main { perform(step) }
        if successes == before { break }
      } while !isOver
      let before = successes
      for step in ShrinkPass.lastResorts {
        perform(step)
        if successes > before { break }
      }
      if successes == before { return }
    } while !isOver
  }

  private func perform(_ step: ShrinkPass.Step) {
    guard !limits.disabled.contains(step.pass), !isOver else { return }
    pass = step.pass
    step.run(self)
    if step.pass != .removeDiscarded, !limits.disabled.contains(.removeDiscarded) {
      pass = .removeDiscarded
      removeDiscarded()
    }
  }
}

/// How passes go through a sequence, which may change with each step.
extension Shrinker {
  /// Calls a closure for each position from front to back.
  func forEachPosition(_ body: (Int) -> Void) {
    var position = 0
    while position < count, !isOver {
      body(position)
      position += 1
    }
  }

  /// Calls a closure for each position that is not the simplest.
  func forEachOpenPosition(_ body: (Int) -> Void) {
    forEachPosition { if !sequence.isTrivial($0) { body($0) } }
  }

  /// Calls a closure for the index of each span that is not empty, the last first.
  func forEachSpanFromBehind(_ body: (Int) -> Void) {
    var index = spans.count - 1
    while index > 0, !isOver {
      if index < spans.count, spans[index].count > 0 { body(index) }
      index -= 1
    }
  }

  /// The least number above `low`, which does not hold, by bisection below `high`, which does.
  func bisect(_ low: UInt64, _ high: UInt64, _ holds: (UInt64) -> Bool) -> UInt64 {
    var (low, high) = (low, high)
    while low + 1 < high, !isOver {
      let middle = low + (high - low) / 2
      if holds(middle) { high = middle } else { low = middle }
    }
    return high
  }
}

/// The largest count for which `holds` is true, found by steps of one, doubling and bisecting; 0 is
/// taken to hold. A local maximum where `holds` is not monotone.
func findInteger(_ holds: (Int) -> Bool) -> Int {
  for count in 1...4 where !holds(count) { return count - 1 }
  var low = 4
  var high = 5
  while holds(high) {
    low = high
    if high > Int.max / 2 { return low }
    high *= 2
  }
  while low + 1 < high {
    let middle = low + (high - low) / 2
    if holds(middle) { low = middle } else { high = middle }
  }
  return low
}
