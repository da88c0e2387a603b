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
