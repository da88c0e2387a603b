// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import CheckpointGenerators
public import Layouts
public import StrictJSON
internal import Synchronization

/// How much a campaign is to do.
public enum CampaignBudget: Sendable, Equatable {
  /// So many seconds of work.
  case seconds(Int)
  /// So many numbered cases, over all shards.
  case examples(Int)

  /// The time in milliseconds, if time is what ends the campaign.
  var milliseconds: Int? {
    if case .seconds(let seconds) = self { seconds * 1000 } else { nil }
  }

  /// Whether there is room for work that takes half a minute.
  var isLong: Bool {
    switch self {
    case .seconds(let seconds): seconds >= 60
    case .examples(let examples): examples >= 1000
    }
  }

  /// The option that says the same.
  public var words: [String] {
    switch self {
    case .seconds(let seconds): ["--time", "\(seconds)s"]
    case .examples(let examples): ["--examples", "\(examples)"]
    }
  }
}

/// Why a campaign came to its end.
public enum CampaignEnd: String, Sendable {
  /// All examples were judged.
  case completed
  /// The time was used up.
  case outOfTime = "out of time"
  /// It was told to end.
  case cancelled
  /// It has not ended yet; what it had done when this was written can be resumed.
  case unfinished
}

/// What a campaign did and found, or what its shards did together.
public struct CampaignReport: Sendable, Equatable {
  /// The name of the adapter under test.
  public var adapter: String
  /// Its version, if it has one.
  public var version: String?
  /// The layout of the checkpoints.
  public var layout: Layout
  /// What everything random derived from.
  public var seed: UInt64
  /// The path of the config, as it was given.
  public var configPath: String
  /// The config that the campaign is around.
  public var config: JSONValue
  /// The config in one phrase.
  public var configSummary: String
  /// What `hymt2 fuzz` was told about adapter and laws.
  public var arguments: [String]
  /// The shards that this is the report of: one, or all that were merged, in their order.
  public var shards: [Shard]
  /// How much was to be done; of merged shards, by each if it is time, by all together if examples.
  public var budget: CampaignBudget
  /// Seconds of work in all sessions; of merged shards, the most.
  public var seconds: Double
  /// How often it was started, 1 if it was never interrupted; of merged shards, the sum.
  public var sessions: Int
  /// Why it ended.
  public var end: CampaignEnd
  /// The phases, in their order.
  public var phases: [CampaignPhaseTally]
  /// Cases in which no law was broken but as known.
  public var passed: Int
  /// Cases in which a law was broken in a way that is not known.
  public var failed: Int
  /// The laws, in their order.
  public var laws: [LawTally]
  /// The values of axes that were left out because the adapter says that it does not support them.
  public var leftOut: [AxisSelection]
  /// Which parts of the space around the config were reached.
  public var coverage: SpaceCoverage
  /// How many pairs of values of two axes were reached, for each two axes that have any.
  public var pairs: [AxisPairShare]
  /// The combinations that were reached, from which coverage follows.
  var reach: AxisReach
  /// The failures: those of one cause one behind the other, the one found first in front.
  public var findings: [CampaignFinding]
  /// What became of known divergences.
  public var known: [CampaignKnown]
  /// What the corpus holds; nil without one.
  public var corpus: CorpusFigures?
  /// Files of the campaign that could not be read when it was taken up again.
  public var damaged: [DamagedFile] = []

  /// Numbered cases judged, and those of the corpus.
  public var judged: Int { passed + failed }

  /// Whether no law was broken but as known, and the plan is proven.
  public var holds: Bool { findings.isEmpty && failed == 0 }

  /// The findings of one cause together, those of the cause found first in front.
  public var findingGroups: [[CampaignFinding]] {
    var groups: [[CampaignFinding]] = []
    for finding in findings {
      if let group = groups.firstIndex(where: { $0.contains { $0.isAlike(finding) } }) {
        groups[group].append(finding)
      } else {
        groups.append([finding])
      }
    }
    return groups
  }

  /// Whether a law was seen broken in a way that is not known.
  public func isBroken(_ tally: LawTally) -> Bool {
    tally.broken > 0 || findings.contains { $0.law == tally.law }
  }

  /// The command that does the same again.
  public var command: String {
    let shard = shards.count == 1 && shards[0].count > 1 ? ["--shard", "\(shards[0])"] : []
    return shellCommand(
      ["hymt2", "fuzz", "--config", configPath] + budget.words + ["--seed", "\(seed)"] + shard
        + arguments)
  }
}

/// How many pairs of values of two axes were reached.
public struct AxisPairShare: Sendable, Equatable {
  /// The name of the first axis, the one earlier in the order of axes.
  public var first: String
  /// The name of the second axis.
  public var second: String
  /// The pairs.
  public var share: SpaceCoverage.Share
}

/// On how many cases a known divergence was seen.
public struct CampaignKnown: Sendable, Equatable {
  /// The name, such as `surplus-expert-dropped`.
  public var id: String
  /// What is done, in one line.
  public var title: String
  /// What is to become of it.
  public var decision: String
  /// The replay token of its minimal checkpoint.
  public var token: String
  /// Cases on which it explains a broken law.
  public var checkpoints: Int
}

/// What a corpus folder holds.
public struct CorpusFigures: Sendable, Equatable {
  /// The folder.
  public var folder: String
  /// Cases that it holds.
  public var cases: Int
  /// Cases that this campaign added.
  public var added: Int
  /// Failures that it holds.
  public var failures: Int
}

extension CampaignReport {
  /// Whether this is a campaign like another that came to no end, so that it can be taken up again.
  func isResumable(as other: CampaignReport) -> Bool {
    (end == .unfinished || end == .cancelled) && seed == other.seed && budget == other.budget
      && layout == other.layout && shards == other.shards
      && laws.map(\.law) == other.laws.map(\.law)
      && known.map(\.id) == other.known.map(\.id) && leftOut == other.leftOut
  }

  /// Works out what follows from the rest.
  mutating func complete(_ space: CheckpointSpace) {
    let axes = FeasibleMemory.coverage(space, reach)
    coverage = SpaceCoverage(axes, space)
    pairs = []
    for first in ConfigAxis.allCases {
      for second in ConfigAxis.allCases where second.rawValue > first.rawValue {
        let count = axes.pairs(of: first, and: second)
        guard count.feasible > 0 else { continue }
        pairs.append(
          AxisPairShare(
            first: first.name, second: second.name,
            share: SpaceCoverage.Share(reached: count.reached, feasible: count.feasible)))
      }
    }
    let place = Dictionary(
      uniqueKeysWithValues: CampaignPhase.allCases.enumerated().map { ($1, $0) })
    findings.sort { one, other in
      let (phase, otherPhase) = (place[one.phase] ?? 0, place[other.phase] ?? 0)
      guard one.caseNumber == other.caseNumber else {
        return (one.caseNumber ?? -1) < (other.caseNumber ?? -1)
      }
      return (phase, one.signature) < (otherPhase, other.signature)
    }
    var distinct: [CampaignFinding] = []
    for finding in findings {
      if let index = distinct.firstIndex(where: { $0.isSame(as: finding) }) {
        distinct[index].occurrences += finding.occurrences
      } else {
        distinct.append(finding)
      }
    }
    findings = distinct
    findings = findingGroups.flatMap(\.self)
  }
}

/// The coverage of the space that was last asked about, since finding out what is feasible takes a while.
private enum FeasibleMemory {
  private typealias Memory = (
    layout: Layout, allowed: [ConfigAxis: Set<Int>], coverage: AxisCoverage
  )
  private static let last = Mutex<Memory?>(nil)

  /// The coverage of a space without pins and config.
  static func coverage(_ space: CheckpointSpace, _ reach: AxisReach) -> AxisCoverage {
    last.withLock { last in
      if let known = last, known.layout == space.layout, known.allowed == space.allowed {
        var coverage = known.coverage
        coverage.reach = reach
        return coverage
      }
      let coverage = AxisCoverage(space, reach: reach)
      last = (space.layout, space.allowed, coverage)
      return coverage
    }
  }
}
