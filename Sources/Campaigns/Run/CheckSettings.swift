// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// How much is checked, and how.
public struct CheckSettings: Sendable {
  /// How many checkpoints are to pass; with `keepsGoing`, to be judged.
  public var examples: Int
  /// Everything random derives from this.
  public var seed: UInt64
  /// How many checkpoints are judged at the same time; the report does not depend on it.
  public var threads: Int
  /// Whether all `examples` are judged whatever fails, and a failure of each kind is made small;
  /// without it a run ends soon after the first failure.
  public var keepsGoing = false
  /// Whether a run goes on for a while after the first failure, for others.
  public var findsSeveral = true
  /// How many executions making one failure small may take.
  public var shrinkExecutions = 20_000
  /// How many failures are made small, in the order in which they are found; others are reported as
  /// found.
  public var shrunkFailures = 100
  /// How long making one failure small may take. With one, the smallest checkpoints depend on the
  /// clock, and so does the report; without, neither does.
  public var shrinkTimeBudget: Duration?
  /// Asked between checkpoints, on any thread, whether the run is to end now.
  public var isCancelled: (@Sendable () -> Bool)?

  /// Creates settings.
  public init(examples: Int = 1000, seed: UInt64 = 0, threads: Int = 1) {
    self.examples = examples
    self.seed = seed
    self.threads = threads
  }
}

/// What a run is doing.
public enum CheckProgress: Sendable, Equatable {
  /// So many checkpoints have been judged, of which so many passed.
  case searching(executed: Int, passed: Int)
  /// A failure of a law is being made small.
  case shrinking(law: String, evaluations: Int)
}
