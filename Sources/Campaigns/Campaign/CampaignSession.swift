// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import Dispatch
internal import StrictJSON
internal import Synchronization

/// One process's work on a campaign: each of several threads takes what is next, and what becomes of
/// cases is counted in their order.
final class CampaignSession: Sendable {
  /// A piece of work.
  private enum Task {
    case proof(CampaignPhase)
    case check(CampaignRecord.Origin)
    case explain(CampaignState.FirstOccurrence)
  }

  /// What is left to do of a campaign, and what has been done; one thread at a time has it.
  private struct Work {
    var state: CampaignState
    /// Where it is kept, if it is.
    var store: CampaignStore?
    /// What is done once, and not begun.
    var proofs: [CampaignPhase]
    /// Signatures that some thread is explaining or has explained.
    var begun: Set<String>
    var nextPosition: Int
    /// The first thing that went wrong, which ends the campaign.
    var problem: (any Error)?

    mutating func attempt(_ body: (inout Work) throws -> Void) {
      guard problem == nil else { return }
      do {
        try body(&self)
      } catch {
        problem = error
      }
    }

    mutating func save() { attempt { try $0.store?.save($0.state) } }
  }

  private let plan: CampaignPlan
  private let settings: RunSettings
  private let corpus: Corpus?
  private let observing: (@Sendable (RunProgress) -> Void)?
  private let work: Mutex<Work>
  private let start = ContinuousClock.now
  /// Milliseconds of work in earlier sessions.
  private let earlier: Int
  private let isEnded = Flag()

  /// Failures that are found in the last moment are written down so long after the end.
  private static let grace = 2000

  init(
    _ plan: CampaignPlan, _ settings: RunSettings, _ state: CampaignState, proofs: [CampaignPhase],
    _ corpus: Corpus?, _ store: CampaignStore?,
    observing: (@Sendable (RunProgress) -> Void)?
  ) {
    self.plan = plan
    self.settings = settings
    self.corpus = corpus
    self.observing = observing
    earlier = state.milliseconds
    work = Mutex(
      Work(
        state: state, store: store, proofs: proofs,
        begun: Set(state.report.failures.map(\.signature)), nextPosition: state.counted))
  }

  /// Works until the campaign is over, and gives where it stands then.
  func run() throws -> CampaignState {
    work.withLock { $0.save() }
    DispatchQueue.concurrentPerform(iterations: max(1, settings.threads)) { _ in
      while !isOver, let task = work.withLock({ next(&$0) }) {
        do {
          try perform(task)
        } catch {
          work.withLock { $0.problem = $0.problem ?? error }
        }
      }
    }
    let end: RunReport.End = isEnded.isSet ? .cancelled : isOutOfTime ? .outOfTime : .completed
    explainRest()
    let milliseconds = milliseconds
    return try work.withLock { work in
      work.state.pass(milliseconds: milliseconds)
      if end != .cancelled { work.state.close() }
      work.state.report.end = end
      work.save()
      if let problem = work.problem { throw problem }
      return work.state
    }
  }

  /// How many cases the campaign has added to the corpus.
  var addedCount: Int { work.withLock { $0.store?.addedCount ?? 0 } }

  /// Milliseconds of work in all sessions.
  private var milliseconds: Int {
    earlier + Int((ContinuousClock.now - start) / .milliseconds(1))
  }

  private var isOutOfTime: Bool {
    settings.budget.milliseconds.map { milliseconds >= $0 } ?? false
  }

  /// Whether the campaign is to end; told so once, it stays so.
  private var isOver: Bool {
    if isEnded.isSet || isOutOfTime { return true }
    guard settings.isCancelled?() == true else { return false }
    isEnded.set()
    return true
  }
}

extension CampaignSession {
  /// Something to do, or nil if nothing can be begun.
  private func next(_ work: inout Work) -> Task? {
    guard work.problem == nil else { return nil }
    if !work.proofs.isEmpty { return .proof(work.proofs.removeFirst()) }
    if let sighting = nextFailure(&work) { return .explain(sighting) }
    let count = work.state.positionCount(settings.budget)
    while count.map({ work.nextPosition < $0 }) ?? true {
      defer { work.nextPosition += 1 }
      if !work.state.has(work.nextPosition) {
        return .check(work.state.origin(at: work.nextPosition))
      }
    }
    return nil
  }

  /// A failure that nobody has begun to shrink, if there is one and not enough others were.
  private func nextFailure(_ work: inout Work) -> CampaignState.FirstOccurrence? {
    guard work.begun.count < settings.shrunkFailures,
      let sighting = work.state.sightings.first(where: { !work.begun.contains($0.first.signature) })
    else { return nil }
    work.begun.insert(sighting.first.signature)
    return sighting
  }

  private func perform(_ task: Task) throws {
    switch task {
    case .proof(let phase):
      let proof = FullSizeProof(config: plan.config, isOver: { self.isOver })
      guard let outcome = try proof.outcome(of: phase) else { return }
      if let failure = outcome.failure { take(failure, as: "finding") { $0.add(failure) } }
      take(outcome.tally, as: "tally") { $0.report.change(phase) { $0 = outcome.tally } }
    case .check(let origin):
      guard var record = plan.check(origin, isOver: { self.isOver }) else { return }
      record.milliseconds = milliseconds
      take(record, as: "record") { $0.add(record) }
    case .explain(let sighting):
      report(shrinking: sighting.failure.law)
      explain(sighting)
    }
    report()
  }

  /// Takes what became of a piece of work.
  private func take(
    _ value: some JSONRecord, as kind: String, _ change: (inout CampaignState) -> Void
  ) {
    work.withLock { work in
      work.attempt { try $0.store?.append(kind, value.json(isWhole: true)) }
      change(&work.state)
      if work.store?.isDue == true { work.save() }
    }
  }

  private func explain(_ sighting: CampaignState.FirstOccurrence) {
    let found = plan.explain(
      sighting, executions: settings.shrinkExecutions, isOver: { self.isOver })
    guard let (failure, isKept) = found else { return }
    if isKept, let corpus { work.withLock { $0.attempt { _ in try corpus.save(failure) } } }
    take(failure, as: "finding") { $0.add(failure) }
  }

  /// Says what there is to say of failures that were not shrunk before the end.
  private func explainRest() {
    let deadline = milliseconds + Self.grace
    while milliseconds < deadline, let sighting = work.withLock({ nextFailure(&$0) }) {
      explain(sighting)
    }
    for sighting in work.withLock({ $0.state.unexplained }) {
      let failure = Failure(unexplained: sighting, plan)
      take(failure, as: "finding") { $0.add(failure) }
    }
  }

  private func report(shrinking law: String? = nil) {
    guard let observing else { return }
    let milliseconds = milliseconds
    work.withLock { work in
      observing(
        RunProgress(
          judged: work.state.report.judged, failures: work.state.sightings.count,
          milliseconds: milliseconds, shrinking: law))
    }
  }
}
