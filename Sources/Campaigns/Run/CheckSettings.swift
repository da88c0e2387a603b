// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// How much is checked, and how.
public struct CheckSettings: Sendable {
  /// How many checkpoints are to pass.
  public var examples: Int
  /// Everything random derives from this.
  public var seed: UInt64
  /// How many checkpoints are judged at the same time; the report does not depend on it.
  public var threads: Int
  /// How many executions making one failure small may take.
  public var shrinkExecutions = 20_000
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
