// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import Dispatch
internal import PropertyEngine
internal import Synchronization

/// One process's work on a campaign.
final class CampaignSession: Sendable {
  private let plan: CampaignPlan
  private let threads: Int
  private let endsAtFirstFinding: Bool
  private let judge: CampaignJudge
  private let corpus: Corpus?
  private let clock: CampaignClock
  private let observing: (@Sendable (CampaignProgress) -> Void)?
  private let schedule: Mutex<CampaignSchedule>

  /// Failures that are found in the last moment are written down so long after the end.
  private static let grace = 2000

  init(
    plan: CampaignPlan, settings: RunSettings, corpus: Corpus?, clock: CampaignClock,
    observing: (@Sendable (CampaignProgress) -> Void)?, schedule: consuming CampaignSchedule
  ) {
    self.plan = plan
    threads = max(1, settings.threads)
    endsAtFirstFinding = settings.endsAtFirstFinding
    judge = CampaignJudge(
      plan: plan, shrinkExecutions: settings.shrinkExecutions, isOver: { clock.isOver })
    self.corpus = corpus
    self.clock = clock
    self.observing = observing
    self.schedule = Mutex(schedule)
  }

  /// Works until the campaign is over, and gives where it stands then.
  func run() throws -> CampaignState {
    schedule.withLock { $0.save() }
    while !clock.isOver, schedule.withLock({ !$0.isDone && $0.problem == nil }) {
      // A thread that has nothing to do ends, and others may find something for it.
      DispatchQueue.concurrentPerform(iterations: threads) { _ in
        while !clock.isOver, let task = schedule.withLock({ $0.next() }) {
          do {
            try perform(task)
          } catch {
            schedule.withLock { $0.fail(error) }
          }
        }
      }
    }
    let end: RunEnd =
      clock.wasCancelled ? .cancelled : clock.isOutOfTime ? .outOfTime : .completed
    explainRest()
    let milliseconds = clock.milliseconds
    return try schedule.withLock { schedule in
      schedule.end(end, milliseconds: milliseconds)
      if let problem = schedule.problem { throw problem }
      return schedule.state
    }
  }

  /// How many cases the campaign has added to the corpus.
  var addedCount: Int { schedule.withLock { $0.addedCount } }

  private func perform(_ task: CampaignSchedule.Task) throws {
    switch task {
    case .planProof:
      finish(try proof.planProof())
    case .fullLayer:
      guard let layer = ConfigScaling(config: plan.config).fullLayer else { return }
      finish(try proof.fullLayer(layer))
    case .judge(let origin):
      guard var record = judge.judge(origin) else { return }
      record.milliseconds = clock.milliseconds
      schedule.withLock { $0.finish(record) }
    case .explain(let sighting):
      report(shrinking: sighting.failure.law)
      explain(sighting)
    }
    if endsAtFirstFinding, schedule.withLock({ !$0.state.report.failures.isEmpty }) { clock.end() }
    report()
  }

  private var proof: FullSizeProof {
    FullSizeProof(config: plan.config, isOver: { [clock] in clock.isOver })
  }

  private func finish(_ outcome: FullSizeProof.Outcome?) {
    guard let outcome else { return }
    schedule.withLock { $0.finish(outcome) }
  }

  private func explain(_ sighting: CampaignState.Sighting) {
    guard let (failure, isKept) = judge.explain(sighting) else { return }
    schedule.withLock { schedule in
      if isKept, let corpus { schedule.attempt { try corpus.save(failure) } }
      schedule.finish(failure)
    }
  }

  /// Says what there is to say of failures that were not shrunk before the end.
  private func explainRest() {
    let deadline = clock.milliseconds + Self.grace
    while clock.milliseconds < deadline, let task = schedule.withLock({ $0.nextFailure() }) {
      if case .explain(let sighting) = task { explain(sighting) }
    }
    schedule.withLock { schedule in
      for sighting in schedule.state.unexplained {
        schedule.finish(Failure(unexplained: sighting, plan))
      }
    }
  }

  private func report(shrinking law: String? = nil) {
    guard let observing else { return }
    let milliseconds = clock.milliseconds
    schedule.withLock { schedule in
      let report = schedule.state.report
      observing(
        CampaignProgress(
          judged: report.judged, failures: schedule.state.sightings.count,
          milliseconds: milliseconds, shrinking: law))
    }
  }
}
