// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import AdapterLaws
internal import StrictJSON

/// What is left to do of a campaign, and what has been done; one thread at a time has it.
struct CampaignSchedule: ~Copyable {
  /// A piece of work.
  enum Task {
    case planProof
    case fullLayer
    case judge(CampaignRecord.Origin)
    case explain(CampaignState.Sighting)
  }

  private(set) var state: CampaignState
  /// Where it is kept, if it is.
  private var store: CampaignStore?
  private var pending: [Task]
  /// Signatures that some thread is explaining or has explained.
  private var begun: Set<String>
  private var nextPosition: Int
  private let positions: Int?
  private let shrunkFailures: Int
  /// The first thing that went wrong with the store.
  private(set) var problem: (any Error)?

  init(
    _ state: CampaignState, _ settings: RunSettings, once: [Task], store: CampaignStore?
  ) {
    self.state = state
    self.store = store
    pending = once
    begun = Set(state.report.failures.map(\.signature))
    nextPosition = state.counted
    positions = state.positionCount(settings.budget)
    shrunkFailures = settings.shrunkFailures
  }

  /// Something to do, or nil if nothing can be begun.
  mutating func next() -> Task? {
    guard problem == nil else { return nil }
    if !pending.isEmpty { return pending.removeFirst() }
    if let task = nextFailure() { return task }
    while positions.map({ nextPosition < $0 }) ?? true {
      defer { nextPosition += 1 }
      if !state.has(nextPosition) { return .judge(state.origin(at: nextPosition)) }
    }
    return nil
  }

  /// A failure that nobody has begun to make small, if there is one and not enough others were.
  mutating func nextFailure() -> Task? {
    guard begun.count < shrunkFailures,
      let sighting = state.sightings.first(where: { !begun.contains($0.first.signature) })
    else { return nil }
    begun.insert(sighting.first.signature)
    return .explain(sighting)
  }

  /// How many cases the corpus has of this campaign that it did not have before.
  var addedCount: Int { store?.addedCount ?? 0 }

  /// Takes note of the first thing that goes wrong, which ends the campaign.
  mutating func fail(_ error: any Error) {
    problem = problem ?? error
  }

  /// Does what may fail.
  mutating func attempt(_ work: () throws -> Void) {
    do {
      try work()
    } catch {
      fail(error)
    }
  }

  /// Whether nothing is left to do.
  var isDone: Bool {
    pending.isEmpty && positions.map { nextPosition >= $0 } ?? false
      && (begun.count >= shrunkFailures
        || state.sightings.allSatisfy { begun.contains($0.first.signature) })
  }

  /// Takes what became of a case.
  mutating func finish(_ record: CampaignRecord) {
    take(record, as: "record") { $0.add(record) }
  }

  /// Takes what became of a failure.
  mutating func finish(_ failure: Failure) {
    take(failure, as: "finding") { $0.add(failure) }
  }

  /// Takes what became of what is no case.
  mutating func finish(_ outcome: FullSizeProof.Outcome) {
    if let failure = outcome.failure { finish(failure) }
    take(outcome.tally, as: "tally") { state in
      state.report.change(outcome.tally.phase) { $0 = outcome.tally }
    }
  }

  private mutating func take(
    _ value: some JSONRecord, as kind: String, _ change: (inout CampaignState) -> Void
  ) {
    keep { try $0.append(kind, value.json(isWhole: true)) }
    change(&state)
    if store?.isDue == true { save() }
  }

  /// Writes down where the campaign stands at its end, or at the end of a session.
  mutating func end(_ end: RunEnd, milliseconds: Int) {
    state.pass(milliseconds: milliseconds)
    if end == .completed || end == .outOfTime { state.close() }
    state.report.end = end
    save()
  }

  /// Writes down where the campaign stands.
  mutating func save() {
    let state = state
    keep { try $0.save(state) }
  }

  private mutating func keep(_ work: (inout CampaignStore) throws -> Void) {
    guard var store, problem == nil else { return }
    do {
      try work(&store)
      self.store = store
    } catch {
      problem = error
    }
  }
}
