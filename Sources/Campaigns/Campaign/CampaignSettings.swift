// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// How much a campaign does, and how.
public struct CampaignSettings: Sendable {
  /// How much is to be done.
  public var budget: CampaignBudget
  /// Everything random derives from this.
  public var seed: UInt64
  /// How many cases are judged at the same time.
  public var threads: Int
  /// Which cases are this process's.
  public var shard = Shard.whole
  /// The folder where interesting cases and the state of the campaign are kept, if there is one.
  public var corpus: String?
  /// How many executions making one failure small may take.
  public var shrinkExecutions = 20_000
  /// How many failures are made small; more are counted only.
  public var shrunkFailures = 100
  /// Whether the campaign ends as soon as one failure is made small.
  public var endsAtFirstFinding = false
  /// Told, before the work begins, of each file of the campaign that cannot be read.
  public var damaged: (@Sendable (DamagedFile) -> Void)?
  /// Asked between pieces of work, on any thread, whether the campaign is to end now.
  public var isCancelled: (@Sendable () -> Bool)?

  /// Creates settings.
  public init(budget: CampaignBudget, seed: UInt64 = 0, threads: Int = 1) {
    self.budget = budget
    self.seed = seed
    self.threads = threads
  }
}

/// How far a campaign is.
public struct CampaignProgress: Sendable, Equatable {
  /// Cases judged.
  public var judged: Int
  /// Signatures of failures seen.
  public var failures: Int
  /// Milliseconds of work in all sessions.
  public var milliseconds: Int
  /// The law of a failure that is being made small, if one is.
  public var shrinking: String?
}
