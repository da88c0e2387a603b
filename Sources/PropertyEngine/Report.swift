// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// Why a run came to its end.
public enum RunEnd: Sendable, Equatable {
  /// All examples were run.
  case completed
  /// There are no more cases.
  case exhausted
  /// A failure was found.
  case failed
  /// The time budget was used up.
  case outOfTime
  /// Too many cases were discarded.
  case gaveUp
  /// A health check failed.
  case unhealthy
  /// The settings' `isCancelled` said so; counterexamples up to then are kept.
  case cancelled
}

/// A failure of a property.
public struct Counterexample: Sendable {
  /// What failed.
  public var key: FailureKey
  /// What the property said about the shrunk case.
  public var message: String
  /// The shrunk case; `nil` for an explicit example.
  public var choices: ChoiceSequence?
  /// The case as it was found.
  public var found: ChoiceSequence?
  /// Position among the explicit examples, if it was one.
  public var exampleIndex: Int?
  /// How many cases had been executed when it was found, this one included.
  public var caseNumber: Int
  /// What shrinking did.
  public var shrinking = ShrinkSummary()
  /// Set if the same choices did not fail in the same way every time.
  public var flakiness: Flakiness?
}

/// Two different outcomes of the same choices.
public struct Flakiness: Sendable, Equatable {
  /// What happened first; without its message where only the kind of outcome was kept.
  public var first: Outcome
  /// What happened when it was run again; a discard also where it drew differently.
  public var second: Outcome
}

/// What shrinking cost and gained.
public struct ShrinkSummary: Sendable, Equatable {
  /// Sequences that were replayed.
  public var executions = 0
  /// Replays that reached the property body.
  public var evaluations = 0
  /// How often the case became simpler.
  public var successes = 0
  /// Whether a limit ended it before no pass could help.
  public var stoppedEarly = false
  /// Whether it was not begun because enough other failures had been shrunk.
  public var wasLeftOut = false
  /// How often each pass made the case simpler.
  public var passes: [ShrinkPass: Int] = [:]
  /// How many evaluations each pass took.
  public var costs: [ShrinkPass: Int] = [:]
}

/// What became of a stored failure.
public enum ReplayStatus: Sendable, Equatable {
  /// It still fails, with this key.
  case fails(FailureKey)
  /// It no longer fails with the choices as stored.
  case passes
  /// The choices no longer fit the generator; says nothing about the property.
  case stale
}

/// What a run did and found; the same for the same seed wherever it ran, unless time ran out.
public struct Report: Sendable {
  /// The settings' seed.
  public var seed: UInt64 = 0
  /// How many cases were asked for.
  public var requested = 0
  /// Explicit examples that passed.
  public var examplesPassed = 0
  /// Cases that passed.
  public var passed = 0
  /// Cases that failed.
  public var failed = 0
  /// Cases that were discarded.
  public var discarded = 0
  /// Cases that needed too many choices.
  public var overrun = 0
  /// Cases that had been executed before; they are counted here only, however they ended.
  public var repeated = 0
  /// Why the run ended.
  public var end = RunEnd.completed
  /// The failures, in the order in which they were found.
  public var counterexamples: [Counterexample] = []
  /// Health checks that failed, with what can be done.
  public var healthProblems: [(check: HealthCheck, advice: String)] = []
  /// How many passing cases had each label, sorted by label.
  public var labels: [(label: String, count: Int)] = []
  /// Required labels that were too rare.
  public var unmetLabels: [(label: String, count: Int, required: Int)] = []
  /// What became of the stored failures, in their order; the first few if the run was cancelled.
  public var replays: [ReplayStatus] = []
  /// One line for each case, if asked for.
  public var transcript: [String] = []

  /// All executions in search of failures.
  public var executed: Int { passed + failed + discarded + overrun + repeated }

  /// Whether the property held, on at least one case, with nothing left to complain of.
  public var isSuccess: Bool {
    counterexamples.isEmpty && healthProblems.isEmpty && unmetLabels.isEmpty
      && passed + examplesPassed > 0 && end != .gaveUp && end != .cancelled
  }
}

extension Report {
  /// The report on the replay of choices that still fail and have `message` to say.
  public init(
    replayed choices: ChoiceSequence, key: FailureKey, message: String = "", seed: UInt64
  ) {
    self.init()
    self.seed = seed
    end = .failed
    counterexamples = [Counterexample(key: key, message: message, choices: choices, caseNumber: 0)]
  }
}
