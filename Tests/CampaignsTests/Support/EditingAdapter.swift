// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Adapters
import CheckpointGenerators
import Layouts
import Tensors

/// The reference adapter with the tensors edited that it loads for all ranks or one.
struct EditingAdapter: AdapterUnderTest {
  let name = "editing"
  /// Whether native tensors are edited before they are saved, too.
  var isSaving = false
  let edit: @Sendable (TensorName, Tensor) throws -> Tensor

  func session(for setup: AdapterSetup) -> any AdapterSession {
    Session(reference: ReferenceAdapter().session(for: setup), isSaving: isSaving, edit: edit)
  }

  private struct Session: AdapterSession {
    let reference: any AdapterSession
    let isSaving: Bool
    let edit: @Sendable (TensorName, Tensor) throws -> Tensor

    func fromHF(_ onDisk: StateDict, _ parallelism: ExpertParallelism?) throws -> StateDict {
      try StateDict(
        reference.fromHF(onDisk, parallelism).map { ($0.name, try edit($0.name, $0.tensor)) })
    }

    func toHF(
      _ native: StateDict, excluding: String, _ parallelism: ExpertParallelism?
    ) throws -> StateDict {
      let edited =
        isSaving ? try StateDict(native.map { ($0.name, try edit($0.name, $0.tensor)) }) : native
      return try reference.toHF(edited, excluding: excluding, parallelism)
    }

    func convertSingleTensorToHF(
      _ name: TensorName, _ tensor: Tensor, excluding: String, _ parallelism: ExpertParallelism?
    ) throws -> [(name: TensorName, tensor: Tensor)] {
      try reference.convertSingleTensorToHF(name, tensor, excluding: excluding, parallelism)
    }

    func isMTPKey(_ name: TensorName) throws -> Bool { try reference.isMTPKey(name) }
  }
}
