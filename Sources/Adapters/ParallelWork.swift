// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Dispatch
import Synchronization

#if canImport(Glibc)
import Glibc
#else
import Musl
#endif

/// Runs independent pieces of work on several threads.
package enum ParallelWork {
  /// Calls a closure once for each index, in any order, and returns when all calls have returned.
  ///
  /// - Parameters:
  ///   - count: The number of calls.
  ///   - threads: The most threads to use, or nil for one per core.
  ///   - body: What to do; it gets the index of the work.
  package static func run(
    count: Int, threads: Int? = nil, _ body: @Sendable (_ index: Int) -> Void
  ) {
    let workers = min(count, workerCount(threads))
    guard workers > 1 else {
      for index in 0..<count { body(index) }
      return
    }
    let next = Atomic(0)
    DispatchQueue.concurrentPerform(iterations: workers) { _ in
      while true {
        let index = next.add(1, ordering: .relaxed).oldValue
        guard index < count else { return }
        body(index)
      }
    }
  }

  /// Calls a closure once for each index, in any order, until one call throws.
  ///
  /// - Throws: The first error; calls under way on other threads are finished first.
  package static func tryRun(
    count: Int, threads: Int? = nil, _ body: @Sendable (_ index: Int) throws -> Void
  ) throws {
    let failure = Mutex<(any Error)?>(nil)
    run(count: count, threads: threads) { index in
      guard failure.withLock({ $0 == nil }) else { return }
      do {
        try body(index)
      } catch {
        failure.withLock { $0 = $0 ?? error }
      }
    }
    if let failure = failure.withLock({ $0 }) { throw failure }
  }

  /// The number of processors the system may schedule on now.
  package static let processorCount = max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))

  /// The number of workers that a request for threads gives.
  package static func workerCount(_ threads: Int?) -> Int {
    max(1, threads ?? processorCount)
  }
}
