// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// What became of known divergences in a run.
public struct KnownReport: Sendable, Equatable {
  /// What was known.
  public var divergences: KnownDivergences
  /// The entries with what became of each, in their order.
  public var tallies: [KnownTally]
  /// Checkpoints on which a law was broken as known.
  public var checkpoints: Int
  /// Those of them on which no law was broken in another way, which pass.
  public var passed: Int

  /// The entries that were seen, in their order.
  public var seen: [KnownTally] { tallies.filter { $0.checkpoints > 0 } }

  /// The entries whose case no longer shows them.
  public var vanished: [KnownTally] { tallies.filter { $0.state == .vanished } }

  /// The entries whose case could not be made again.
  public var unjudged: [KnownTally] {
    tallies.filter { $0.state == .stale || $0.state == .unsupported }
  }
}

/// What became of one known divergence in a run.
public struct KnownTally: Sendable, Equatable {
  /// What the minimal checkpoint of an entry shows now.
  public enum State: String, Sendable {
    /// A law is broken on it as known.
    case shows
    /// No law is broken on it any more as known.
    case vanished
    /// The token is of another version of the generator.
    case stale
    /// The adapter says that it does not support such checkpoints.
    case unsupported
    /// The laws concerned were not chosen, or the run was told to end before.
    case notJudged
  }

  /// The entry.
  public var divergence: KnownDivergence
  /// What its minimal checkpoint shows.
  public var state: State
  /// The checkpoints of the run on which it explains a broken law.
  public var checkpoints = 0
}
