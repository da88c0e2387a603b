// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import CheckpointGenerators
public import Layouts
public import StrictJSON
internal import Synchronization

/// What a run did and found: a check over all configs, or a campaign around one, or what the shards of
/// a campaign did together.
///
/// That of a check is the same for the same seed wherever it ran, unless it was cancelled.
public struct RunReport: Sendable {
  /// The name of the adapter under test.
  public var adapter = ""
  /// Its version, if it has one.
  public var version: String?
  /// The layout of the checkpoints.
  public var layout = Layout.usual
  /// What everything random derived from.
  public var seed: UInt64 = 0
  /// What the command was told about adapter, laws, space and search.
  public var arguments: [String] = []
  /// What `hymt2 replay` must be told for the same adapter.
  public var replayArguments: [String] = []
  /// The config that a campaign is around; nil of a check.
  public var config: CampaignConfig?
  /// The shards of a campaign that this is the report of: one, or all that were merged, in their order.
  public var shards = [Shard.whole]
  /// How much was to be done; of merged shards, by each if it is time, by all together if examples.
  public var budget = RunBudget.examples(0)
  /// Seconds of work of a campaign in all sessions; of merged shards, the most.
  public var seconds = 0.0
  /// How often a campaign was started, 1 if it was never interrupted; of merged shards, the sum.
  public var sessions = 1
  /// The values of axes that were left out because the adapter says that it does not support them.
  public var leftOut: [AxisSelection] = []
  /// Whether a check went on after the first failures.
  public var keepsGoing = false
  /// Why the run ended.
  public var end = End.unfinished
  /// The phases of a campaign, in their order.
  public var phases: [CampaignPhaseTally] = []
  /// Checkpoints on which no law was broken but as known, of which there are `known.passed`; on the
  /// rest all laws held.
  public var passed = 0
  /// Checkpoints on which a law was broken in a way that is not known.
  public var failed = 0
  /// Checkpoints that had been checked before and are not counted again.
  public var repeated = 0
  /// The laws, in their order.
  public var laws: [LawTally] = []
  /// Which parts of the space were reached, of a campaign that around the config.
  public var coverage = SpaceCoverage()
  /// The combinations that were reached, from which coverage follows.
  var reach = AxisReach()
  /// What became of known divergences; nil if none were given.
  public var known: KnownReport?
  /// The failures, those of one cause one after the other: in a check that with the plainest
  /// checkpoint first, and causes in the order of the laws that they break; in a campaign the one found
  /// first in front.
  public var failures: [Failure] = []
  /// What the corpus holds; nil without one.
  public var corpus: CorpusFigures?
  /// Files of the campaign that could not be read when it was taken up again.
  public var damaged: [DamagedFile] = []
}

extension RunReport {
  /// Why a run came to its end.
  public enum End: String, Sendable {
    /// All examples were checked.
    case completed
    /// Every checkpoint of the space was checked.
    case exhausted
    /// A law was broken, which ends a check.
    case failed
    /// The time of a campaign was used up.
    case outOfTime = "out of time"
    /// It was told to end.
    case cancelled
    /// A campaign that has not ended yet; what it had done when this was written can be resumed.
    case unfinished
  }
}

/// The config that a campaign is around.
public struct CampaignConfig: Sendable, Equatable {
  /// The path, as it was given.
  public var path = ""
  /// The config in one phrase.
  public var summary = ""
  /// The content.
  public var text = JSONValue.null
}

/// What a corpus folder holds.
public struct CorpusFigures: Sendable, Equatable {
  /// The folder.
  public var folder = ""
  /// Cases that it holds.
  public var cases = 0
  /// Cases that this campaign added.
  public var added = 0
  /// Failures that it holds.
  public var failures = 0
}

/// A file of a campaign that could not be read, and what became of it.
public struct DamagedFile: Sendable, Equatable, CustomStringConvertible {
  /// What is wrong, with the file and the place in it.
  public var reason = ""
  /// Where the file was put, unchanged.
  public var keptAt = ""
  /// What the campaign did instead of reading it.
  public var consequence = ""

  /// The text shown to people.
  public var description: String { "\(reason); kept as \(keptAt); \(consequence)" }
}

extension RunReport {
  /// Different cases checked.
  public var judged: Int { passed + failed }

  /// Whether no law was broken but as known, and no plan refuted.
  public var holds: Bool { failures.isEmpty && failed == 0 }

  /// The failures of one cause together.
  public var failureGroups: [[Failure]] { Failure.groups(failures) }

  /// The number of failures that were not shrunk, because enough others were.
  var failuresAsFound: Int { failures.count(where: \.isAsFound) }

  /// Whether a law was seen broken in a way that is not known, be it on the way to a smaller
  /// checkpoint.
  public func isBroken(_ tally: LawTally) -> Bool {
    tally.broken > 0 || failures.contains { $0.law == tally.law }
  }

  /// The laws that were seen broken.
  var brokenLaws: [LawSummary] { laws.filter(isBroken).map(\.law) }

  /// The shards that others were merged without, the first thousand.
  public var missingShards: [Shard] {
    guard shards.count > 1, let count = shards.first?.count else { return [] }
    let present = Set(shards.map(\.index))
    return (0..<count).lazy.filter { !present.contains($0) }.prefix(1000)
      .map { Shard(index: $0, count: count) }
  }

  /// Counts a case.
  ///
  /// - Returns: Whether it is the first with a pair of values, with a law that says something about
  ///   it or with a known divergence; and whether it has a triple of values that no other had.
  @discardableResult
  mutating func count(
    _ marks: CaseMarks, passes: Bool
  ) -> (isFirst: Bool, hasNewTriple: Bool) {
    var isFirst = false
    for (index, mark) in marks.laws.enumerated() {
      let judged = laws[index].judged
      laws[index].add(mark)
      if judged == 0, laws[index].judged > 0 { isFirst = true }
    }
    let new = reach.add(marks.axes)
    if passes { passed += 1 } else { failed += 1 }
    let seen = marks.known.filter { $0 < known?.tallies.count ?? 0 }
    for entry in seen {
      if known?.tallies[entry].checkpoints == 0 { isFirst = true }
      known?.tallies[entry].checkpoints += 1
    }
    if !seen.isEmpty {
      known?.checkpoints += 1
      known?.passed += passes ? 1 : 0
    }
    return (isFirst || new.newPairs > 0, new.newTriples > 0)
  }

  /// Changes what a phase has done.
  mutating func change(_ phase: CampaignPhase, _ body: (inout CampaignPhaseTally) -> Void) {
    guard let index = phases.firstIndex(where: { $0.phase == phase }) else { return }
    body(&phases[index])
  }

  /// Works out coverage from what was reached.
  mutating func cover(_ space: CheckpointSpace) {
    coverage = SpaceCoverage(FeasibleMemory.coverage(space, reach), space)
  }

  /// Brings the failures of a check into their order.
  mutating func sortByLaws() {
    let place = { [laws] (failure: Failure) in
      laws.firstIndex { $0.law == failure.law } ?? laws.count
    }
    let groups = failureGroups.map { group in
      group.sorted { one, other in
        one.isSimpler(than: other)
          || one.choices == other.choices && place(one) < place(other)
      }
    }
    // The order of discovery decides between groups of one law.
    failures = groups.map { group in (group: group, law: group.map(place).min() ?? 0) }
      .enumerated().sorted { ($0.element.law, $0.offset) < ($1.element.law, $1.offset) }
      .flatMap(\.element.group)
  }

  /// Brings the failures of a campaign into their order, and joins those of one law on one checkpoint.
  mutating func sortByDiscovery() {
    let sorted = failures.map { failure in
      (
        failure: failure, case: failure.discovery?.number ?? -1,
        phase: failure.discovery?.phase.flatMap(CampaignPhase.allCases.firstIndex) ?? 0
      )
    }.sorted {
      ($0.case, $0.phase, $0.failure.signature) < ($1.case, $1.phase, $1.failure.signature)
    }
    failures = []
    for (failure, _, _) in sorted {
      if let index = failures.firstIndex(where: { $0.isSame(as: failure) }) {
        failures[index].discovery?.occurrences += failure.discovery?.occurrences ?? 0
      } else {
        failures.append(failure)
      }
    }
    failures = failureGroups.flatMap(\.self)
  }
}

/// The coverage of the spaces that were last asked about, since finding out what is feasible takes a
/// while.
private enum FeasibleMemory {
  private static let last = Mutex<[(space: CheckpointSpace, coverage: AxisCoverage)]>([])

  static func coverage(_ space: CheckpointSpace, _ reach: AxisReach) -> AxisCoverage {
    last.withLock { last in
      let known = last.first { memory in
        let other = memory.space
        return other.layout == space.layout && other.config == space.config
          && other.pinned == space.pinned && other.allowed == space.allowed
          && other.faultKinds == space.faultKinds && other.hasFaultPairs == space.hasFaultPairs
      }
      var coverage = known?.coverage ?? AxisCoverage(space)
      if known == nil { last = [(space, coverage)] + last.prefix(3) }
      coverage.reach = reach
      return coverage
    }
  }
}
