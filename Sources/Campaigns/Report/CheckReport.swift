// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

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
  /// What everything random derived from.
  public var seed: UInt64
  /// What `hymt2` was told about adapter, laws and space.
  public var arguments: [String]
  /// Why the run ended.
  public var end: CheckEnd
  /// Checkpoints asked for.
  public var requested: Int
  /// Checkpoints on which all laws held.
  public var passed: Int
  /// Checkpoints on which a law was broken.
  public var failed: Int
  /// Checkpoints that had been judged before and are not counted again.
  public var repeated: Int
  /// The laws, in their order.
  public var laws: [LawTally]
  /// Which parts of the space were reached.
  public var coverage: SpaceCoverage
  /// The failures, in the order in which they were found.
  public var failures: [CheckFailure]

  /// Different checkpoints judged.
  public var judged: Int { passed + failed }

  /// Whether no law was broken.
  public var holds: Bool { failures.isEmpty && failed == 0 }

  /// The failures of the same law with the same diagnosis together, in the order of their firsts.
  var failureGroups: [[CheckFailure]] {
    var groups: [[CheckFailure]] = []
    for failure in failures {
      let group = groups.firstIndex { group in
        group.contains { $0.law == failure.law && $0.sentence == failure.sentence }
      }
      if let group {
        groups[group].append(failure)
      } else {
        groups.append([failure])
      }
    }
    return groups
  }

  /// Whether a law was seen broken, be it on the way to a smaller checkpoint.
  public func isBroken(_ tally: LawTally) -> Bool {
    tally.broken > 0 || failures.contains { $0.law == tally.law }
  }

  /// The command that does the same again.
  public var command: String {
    let numbers = ["--examples", "\(requested)", "--seed", "\(seed)"]
    return shellCommand(["hymt2", "check"] + numbers + arguments)
  }
}
