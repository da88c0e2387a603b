// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import Synchronization

/// Whether a run is to end early; once asked for, it stays so.
final class Cancellation: Sendable {
  private let isAskedFor: (@Sendable () -> Bool)?
  private let isNoticed = Atomic<Bool>(false)

  init(_ isAskedFor: (@Sendable () -> Bool)?) {
    self.isAskedFor = isAskedFor
  }

  /// Asks, unless that is known already.
  func check() -> Bool {
    guard let isAskedFor else { return false }
    if wasNoticed { return true }
    guard isAskedFor() else { return false }
    isNoticed.store(true, ordering: .relaxed)
    return true
  }

  /// Whether a check has found it asked for, so that something was left out.
  var wasNoticed: Bool { isNoticed.load(ordering: .relaxed) }
}
