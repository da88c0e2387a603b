// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// How much a run does, and how.
public struct RunSettings: Sendable {
  /// How much is to be done; a check has examples only.
  public var budget: RunBudget
  /// Everything random derives from this.
  public var seed: UInt64
  /// How many checkpoints are checked at the same time; the report does not depend on it.
  public var threads: Int
  /// Whether a check goes through all examples whatever fails, and a failure of each kind is shrunk;
  /// without it a check ends soon after the first failure.
  public var keepsGoing = false
  /// Which cases of a campaign are this process's.
  public var shard = Shard.whole
  /// The folder where interesting cases and the state of a campaign are kept, if there is one.
  public var corpus: String?
  /// How many executions shrinking one failure may take.
  public var shrinkExecutions = 20_000
  /// How many failures are shrunk, in the order in which they are found; others are reported as
  /// found.
  public var shrunkFailures = 100
  /// How long making one failure of a check small may take. With one, the smallest checkpoints depend
  /// on the clock, and so does the report; without, neither does.
  public var shrinkTimeBudget: Duration?
  /// Whether a campaign ends as soon as one failure is shrunk.
  public var endsAtFirstFinding = false
  /// Told, before the work begins, of each file of a campaign that cannot be read.
  public var damaged: (@Sendable (DamagedFile) -> Void)?
  /// Asked between checkpoints, on any thread, whether the run is to end now.
  public var isCancelled: (@Sendable () -> Bool)?

  /// Creates settings of a run with a budget.
  public init(budget: RunBudget, seed: UInt64 = 0, threads: Int = 1) {
    self.budget = budget
    self.seed = seed
    self.threads = threads
  }

  /// Creates settings of a run that checks so many checkpoints, all of which are to pass unless it
  /// keeps going.
  public init(examples: Int = 1000, seed: UInt64 = 0, threads: Int = 1) {
    self.init(budget: .examples(examples), seed: seed, threads: threads)
  }

  /// The examples of the budget, 0 if time is what ends the run.
  public var examples: Int {
    get { if case .examples(let examples) = budget { examples } else { 0 } }
    set { budget = .examples(newValue) }
  }
}

/// What a run is doing.
public enum CheckProgress: Sendable, Equatable {
  /// So many checkpoints have been checked, of which so many passed.
  case searching(executed: Int, passed: Int)
  /// A failure of a law is being shrunk.
  case shrinking(law: String, evaluations: Int)
}

/// How much a run is to do.
public enum RunBudget: Sendable, Equatable {
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

/// How far a campaign is.
public struct CampaignProgress: Sendable, Equatable {
  /// Cases checked.
  public var judged: Int
  /// Signatures of failures seen.
  public var failures: Int
  /// Milliseconds of work in all sessions.
  public var milliseconds: Int
  /// The law of a failure that is being shrunk, if one is.
  public var shrinking: String?
}
