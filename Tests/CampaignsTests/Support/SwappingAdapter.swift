// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Adapters
import CheckpointGenerators
import Layouts
import Tensors

/// The reference adapter with gate and up projections of experts exchanged on the way to disk.
struct SwappingAdapter: AdapterUnderTest {
  let name = "swapping <gate & up>"

  func session(for setup: AdapterSetup) -> any AdapterSession {
    Session(reference: ReferenceAdapter().session(for: setup))
  }

  private struct Session: AdapterSession {
    let reference: any AdapterSession

    func fromHF(_ onDisk: StateDict, _ parallelism: ExpertParallelism?) throws -> StateDict {
      try reference.fromHF(onDisk, parallelism)
    }

    func toHF(
      _ native: StateDict, excluding: String, _ parallelism: ExpertParallelism?
    ) throws -> StateDict {
      let result = try reference.toHF(native, excluding: excluding, parallelism)
      return try StateDict(
        result.map { name, tensor in (name, result[Self.partner(of: name)] ?? tensor) })
    }

    func convertSingleTensorToHF(
      _ name: TensorName, _ tensor: Tensor, excluding: String, _ parallelism: ExpertParallelism?
    ) throws -> [(name: TensorName, tensor: Tensor)] {
      try reference.convertSingleTensorToHF(name, tensor, excluding: excluding, parallelism)
    }

    func isMTPKey(_ name: TensorName) throws -> Bool { try reference.isMTPKey(name) }

    private static func partner(of name: TensorName) -> TensorName {
      let text = name.text
      guard text.contains(".experts.") else { return name }
      return TensorName(
        text.contains(".gate_proj.")
          ? text.replacing(".gate_proj.", with: ".up_proj.")
          : text.replacing(".up_proj.", with: ".gate_proj."))
    }
  }
}
