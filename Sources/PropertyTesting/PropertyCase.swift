// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import PropertyEngine
internal import Synchronization
internal import Testing

/// What a property body can say about the case that it is given.
public enum PropertyCase {
  /// Counts the case under `label` if `condition` holds.
  public static func label(_ label: String, if condition: Bool = true) {
    CaseCollector.current?.edit { $0.label(label, if: condition) }
  }

  /// Leaves the body, and the case counts neither as passed nor as failed, unless `condition` holds.
  public static func assume(_ condition: Bool) throws {
    if !condition { throw DiscardedCase() }
  }
}

struct DiscardedCase: Error {}

/// Takes the issues of one case, in whichever child task they arise.
final class CaseCollector: Sendable {
  @TaskLocal static var current: CaseCollector?

  private struct State {
    var isClosed = false
    var failure: (key: FailureKey, message: String)?
    var context = CaseContext()
  }

  private let state = Mutex(State())

  /// Whether the case is still running and has taken the issue.
  func take(_ issue: Issue) -> Bool {
    state.withLock { state in
      if state.isClosed { return false }
      if issue.severity >= .error, state.failure == nil {
        state.failure = (FailureKey(issue), "\(issue)")
      }
      return true
    }
  }

  func edit(_ edit: (inout CaseContext) -> Void) {
    state.withLock { edit(&$0.context) }
  }

  /// Ends the case.
  func close() -> (failure: (key: FailureKey, message: String)?, context: CaseContext) {
    state.withLock { state in
      state.isClosed = true
      return (state.failure, state.context)
    }
  }
}

extension FailureKey {
  /// Same kind of issue at the same place in the source: the same failure.
  init(_ issue: Issue) {
    let kind =
      switch issue.kind {
      case .unconditional: "issue recorded"
      case .expectationFailed: "expectation failed"
      case .confirmationMiscounted: "confirmation miscounted"
      case .errorCaught(let error): "threw \(type(of: error))"
      case .timeLimitExceeded: "time limit exceeded"
      case .knownIssueNotRecorded: "known issue not recorded"
      case .valueAttachmentFailed: "attachment failed"
      case .apiMisused: "API misused"
      case .system: "system error"
      @unknown default: "issue"
      }
    self.init(
      law: "", kind: kind,
      place: issue.sourceLocation.map { "\($0.fileID):\($0.line):\($0.column)" } ?? "")
  }
}
