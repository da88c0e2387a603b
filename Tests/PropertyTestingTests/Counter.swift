// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import Synchronization

/// Counts calls, of any thread.
final class Counter: Sendable {
  private let count = Mutex(0)

  var value: Int { count.withLock { $0 } }

  @discardableResult func next() -> Int {
    count.withLock { count in
      count += 1
      return count
    }
  }
}
