// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import CheckpointGenerators

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
  /// With how many different failures a check ends, if it does not before.
  public var mostFailures = Int.max
  /// Which cases of a campaign are this process's.
  public var shard = Shard.whole
  /// The folder where interesting cases and the state of a campaign are kept, if there is one.
  public var corpus: String?
  /// How many executions shrinking one failure may take.
  public var shrinkExecutions = 20_000
  /// How many failures are shrunk, in the order in which they are found; others are reported as
  /// found.
  public var shrunkFailures = 100
  /// How long shrinking one failure of a check may take. With one, the smallest checkpoints depend
  /// on the clock, and so does the report; without, neither does.
  public var shrinkTimeBudget: Duration?
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

/// How far a run is.
public struct RunProgress: Sendable, Equatable {
  /// Cases checked.
  public var judged = 0
  /// Those that passed, of a check.
  public var passed = 0
  /// Signatures of failures that a campaign has seen.
  public var failures = 0
  /// Milliseconds of work of a campaign in all sessions.
  public var milliseconds = 0
  /// What a check has just found, in one line: the law, what happened and in which example.
  public var found: String?
  /// The law of a failure that is being shrunk, if one is.
  public var shrinking: String?
  /// How often that was tried in a check.
  public var evaluations = 0
}

/// Why laws could not be checked at all.
public enum CheckError: Error, Sendable, Equatable, CustomStringConvertible {
  /// No example was asked for.
  case noExamples(requested: Int)
  /// No law was chosen.
  case noLaws
  /// No checkpoint has the pinned values.
  case emptySpace(reason: String)
  /// The search could not make checkpoints.
  case unhealthy(advice: [String])
  /// The time was used up before a checkpoint was checked.
  case noTime
  /// None of the laws says anything about any of the checkpoints.
  case nothingJudged(executed: Int)
  /// The adapter says that it supports values of axes that there are not.
  case wrongSelection(adapter: String, AxisSelectionError)
  /// The checkpoint has a value that the adapter says it does not support.
  case unsupported(adapter: String, axis: ConfigAxis, label: String)
  /// The checkpoint is of another config or layout.
  case otherSpace(hasConfig: Bool)

  /// What is wrong and what helps.
  public var description: String {
    switch self {
    case .noExamples(let requested):
      "expected 1 example or more, found \(requested): a check without examples shows nothing"
    case .noLaws:
      "expected one law or more, found none: a check without laws shows nothing"
    case .emptySpace(let reason):
      "no checkpoint can be generated: \(reason); choose another config"
    case .unhealthy(let advice):
      "too few checkpoints could be generated: \(advice.joined(separator: "; "))"
    case .noTime:
      "no checkpoint was checked before the time was used up; give more time"
    case .nothingJudged(let executed):
      "none of the chosen laws applies to any of \(grouped(executed)) generated checkpoints; "
        + "choose other laws or another config"
    case .wrongSelection(let adapter, let error):
      "what the adapter '\(adapter)' says it supports cannot be understood: \(error)"
    case .unsupported(let adapter, let axis, let label):
      "the adapter '\(adapter)' says that it does not support checkpoints with \(axis.name) "
        + "\(label), which the token's is"
    case .otherSpace(let hasConfig):
      hasConfig
        ? "the token's checkpoint has another config; leave --config out, or give the one it was found with"
        : "the token's checkpoint is of another layout; give the --layout that it was found with"
    }
  }
}
