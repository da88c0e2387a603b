// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import Synchronization

/// The time of a campaign over all its sessions, and whether it is over.
final class CampaignClock: Sendable {
  private let start = ContinuousClock.now
  private let earlier: Int
  private let limit: Int?
  private let isCancelled: @Sendable () -> Bool
  private let noticed = Atomic<Bool>(false)

  /// Creates the clock of a session.
  ///
  /// - Parameters:
  ///   - earlier: Milliseconds of work before.
  ///   - limit: Milliseconds of work after which the campaign is over, or nil for no limit.
  init(earlier: Int, limit: Int?, isCancelled: @escaping @Sendable () -> Bool) {
    self.earlier = earlier
    self.limit = limit
    self.isCancelled = isCancelled
  }

  /// Milliseconds of work in all sessions.
  var milliseconds: Int {
    earlier + Int((ContinuousClock.now - start) / .milliseconds(1))
  }

  /// Whether the time is used up.
  var isOutOfTime: Bool { limit.map { milliseconds >= $0 } ?? false }

  /// Whether the campaign was told to end.
  var wasCancelled: Bool { noticed.load(ordering: .relaxed) }

  /// Tells the campaign to end.
  func end() { noticed.store(true, ordering: .relaxed) }

  /// Whether the campaign is to end.
  var isOver: Bool {
    if wasCancelled || isOutOfTime { return true }
    guard isCancelled() else { return false }
    end()
    return true
  }
}
