// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// What an observer of a run is told.
public enum RunEvent: Sendable, Equatable {
  /// A case was executed.
  case executed(CaseObservation)
  /// A failure that is none of those before, with its message and the number of its case.
  case found(FailureKey, String, case: Int)
  /// A failure is being shrunk: told at the start and after every 64 executions.
  case shrinking(FailureKey, executions: Int, evaluations: Int)
}

/// Where a case came from.
public enum CaseOrigin: UInt8, Sendable, BitwiseCopyable {
  /// An explicit example of the property.
  case example
  /// A stored failure of the settings.
  case replay
  /// The search.
  case search
}

/// One executed case, as an observer sees it.
public struct CaseObservation: Sendable, Equatable {
  /// Where it came from.
  public var origin: CaseOrigin
  /// Its number among the cases of its origin, from 1; in the search, `Report.executed` so far.
  public var number: Int
  /// How it ended.
  public var status: CaseStatus
  /// Whether the search had executed it before.
  public var isRepeated: Bool
  /// The labels that the body gave it.
  public var labels: [String]
  /// What the body put into `CaseContext.annotation`.
  public var annotation: [UInt8]
  /// How many cases of the search have passed, this one included.
  public var passed: Int
}

extension Runner {
  /// Tells the observer, if there is one, of an executed case.
  func observe(
    _ origin: CaseOrigin, _ number: Int, _ status: CaseStatus, _ context: CaseContext,
    isRepeated: Bool = false
  ) {
    guard let observer else { return }
    observer(
      .executed(
        CaseObservation(
          origin: origin, number: number, status: status, isRepeated: isRepeated,
          labels: context.labels, annotation: context.annotation, passed: report.passed)))
  }
}
