// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Adapters
import CheckpointGenerators
import Tensors

/// An adapter in another process that is told to stop as soon as it is asked for anything.
struct StoppedAdapter: AdapterUnderTest {
  let name = "stopped"
  let version: String? = "1.0"
  let isStopped = true
  let stop: @Sendable () -> Void

  init(_ stop: @escaping @Sendable () -> Void) {
    self.stop = stop
  }

  func session(for setup: AdapterSetup) throws -> any AdapterSession {
    stop()
    throw CancellationError()
  }
}
