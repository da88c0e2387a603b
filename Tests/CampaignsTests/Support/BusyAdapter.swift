// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Adapters
import CheckpointGenerators
import Synchronization
import Tensors

/// The reference adapter, which refuses one in so many conversions.
final class BusyAdapter: AdapterUnderTest {
  struct Busy: Error {}

  let name = "busy"
  private let period: Int
  private let calls = Atomic(0)

  init(every period: Int) {
    self.period = period
  }

  func session(for setup: AdapterSetup) -> any AdapterSession {
    Session(adapter: self, reference: ReferenceAdapter().session(for: setup))
  }

  private func count() throws {
    if calls.add(1, ordering: .relaxed).newValue % period == 0 { throw Busy() }
  }

  private struct Session: AdapterSession {
    let adapter: BusyAdapter
    let reference: any AdapterSession

    func fromHF(_ onDisk: StateDict, _ parallelism: ExpertParallelism?) throws -> StateDict {
      try adapter.count()
      return try reference.fromHF(onDisk, parallelism)
    }

    func toHF(
      _ native: StateDict, excluding: String, _ parallelism: ExpertParallelism?
    ) throws -> StateDict {
      try adapter.count()
      return try reference.toHF(native, excluding: excluding, parallelism)
    }

    func convertSingleTensorToHF(
      _ name: TensorName, _ tensor: Tensor, excluding: String, _ parallelism: ExpertParallelism?
    ) throws -> [(name: TensorName, tensor: Tensor)] {
      try adapter.count()
      return try reference.convertSingleTensorToHF(name, tensor, excluding: excluding, parallelism)
    }

    func isMTPKey(_ name: TensorName) throws -> Bool { try reference.isMTPKey(name) }
  }
}
