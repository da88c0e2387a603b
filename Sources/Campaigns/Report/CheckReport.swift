// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import CheckpointGenerators
public import Layouts
internal import PropertyEngine

/// Why a check came to its end.
public enum CheckEnd: String, Sendable {
  /// All examples passed.
  case completed
  /// Every checkpoint of the space was judged.
  case exhausted
  /// A law was broken.
  case failed
  /// It was told to end.
  case cancelled
}

/// What a check did and found; the same for the same seed wherever it ran, unless it was cancelled.
public struct CheckReport: Sendable {
  /// The name of the adapter under test.
  public var adapter: String
  /// Its version, if it has one.
  public var version: String?
  /// The layout of the checkpoints.
  public var layout: Layout
  /// What everything random derived from.
  public var seed: UInt64
  /// What `hymt2 check` was told about adapter, laws, space and search.
  public var arguments: [String]
  /// What `hymt2 replay` must be told for the same adapter.
  public var replayArguments: [String]
  /// The values of axes that were left out because the adapter says that it does not support them.
  public var leftOut: [AxisSelection]
  /// Whether the search went on after the first failures.
  public var keepsGoing: Bool
  /// Why the run ended.
  public var end: CheckEnd
  /// Checkpoints asked for.
  public var requested: Int
  /// Checkpoints on which no law was broken but as known, of which there are `known.passed`; on the
  /// rest all laws held.
  public var passed: Int
  /// Checkpoints on which a law was broken in a way that is not known.
  public var failed: Int
  /// Checkpoints that had been judged before and are not counted again.
  public var repeated: Int
  /// The laws, in their order.
  public var laws: [LawTally]
  /// Which parts of the space were reached.
  public var coverage: SpaceCoverage
  /// What became of known divergences; nil if none were given.
  public var known: KnownReport?
  /// The failures: those of one cause one behind the other, that with the plainest checkpoint
  /// first, and causes in the order of the laws that they break.
  public var failures: [CheckFailure]

  /// Different checkpoints judged.
  public var judged: Int { passed + failed }

  /// Whether no law was broken but as known.
  public var holds: Bool { failures.isEmpty && failed == 0 }

  /// The failures of one cause together.
  var failureGroups: [[CheckFailure]] { Self.groups(failures) }

  /// Brings failures into the order of reports.
  static func sorted(_ failures: [CheckFailure], _ laws: [LawTally]) -> [CheckFailure] {
    let place = { (failure: CheckFailure) in
      laws.firstIndex { $0.law == failure.law } ?? laws.count
    }
    let groups = groups(failures).map { group in
      group.sorted { one, other in
        one.isSimpler(than: other)
          || one.choices == other.choices && place(one) < place(other)
      }
    }
    // The order of discovery decides between groups of one law.
    return groups.map { group in (group: group, law: group.map(place).min() ?? 0) }.enumerated()
      .sorted { ($0.element.law, $0.offset) < ($1.element.law, $1.offset) }
      .flatMap(\.element.group)
  }

  private static func groups(_ failures: [CheckFailure]) -> [[CheckFailure]] {
    var groups: [[CheckFailure]] = []
    for failure in failures {
      if let group = groups.firstIndex(where: { $0.contains { $0.isAlike(failure) } }) {
        groups[group].append(failure)
      } else {
        groups.append([failure])
      }
    }
    return groups
  }

  /// The number of failures that were not made small, because enough others were.
  var failuresAsFound: Int { failures.count { $0.discovery?.isAsFound == true } }

  /// Whether a law was seen broken in a way that is not known, be it on the way to a smaller
  /// checkpoint.
  public func isBroken(_ tally: LawTally) -> Bool {
    tally.broken > 0 || failures.contains { $0.law == tally.law }
  }

  /// The laws that were seen broken.
  var brokenLaws: [LawSummary] { laws.filter(isBroken).map(\.law) }

  /// The command that does the same again.
  public var command: String {
    let numbers = ["--examples", "\(requested)", "--seed", "\(seed)"]
    return shellCommand(["hymt2", "check"] + numbers + arguments)
  }
}

extension CheckFailure {
  /// Whether both have the same causes, or look so much alike that they may.
  fileprivate func isAlike(_ other: CheckFailure) -> Bool {
    if let cause, let otherCause = other.cause { return cause == otherCause }
    return law == other.law && sentence == other.sentence
  }
}
