// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Foundation
import Layouts
import Synchronization
import Testing

@testable import Adapters

@Suite("Work is spread over as many threads as asked for")
struct ParallelWorkTests {
  @Test("A request for threads is honoured, and there is always one worker")
  func workerCounts() {
    for threads in 1...5 { #expect(ParallelWork.workerCount(threads) == threads) }
    for threads in [0, -1, .min] { #expect(ParallelWork.workerCount(threads) == 1) }
    #expect(ParallelWork.workerCount(nil) >= 1)
  }

  @Test("Each index is done once, no more at a time than threads asked for")
  func workers() {
    for (count, threads) in [(0, 3), (1, 3), (40, 1), (40, 2), (40, 3), (2, 64)] {
      let seen = Mutex((indices: [Int](), running: 0, most: 0))
      ParallelWork.run(count: count, threads: threads) { index in
        seen.withLock {
          $0.running += 1
          $0.most = max($0.most, $0.running)
        }
        // Long enough for all workers to take part.
        Thread.sleep(forTimeInterval: 0.001)
        seen.withLock {
          $0.running -= 1
          $0.indices.append(index)
        }
      }
      let (indices, _, most) = seen.withLock { $0 }
      #expect(indices.sorted() == Array(0..<count), "\(count) on \(threads)")
      #expect(most <= min(count, threads), "\(count) on \(threads)")
    }
  }
}
