// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import AdapterLaws
import Adapters
public import CheckpointGenerators
import Layouts
import Tensors

/// An adapter with a fault that real ones have had: where `down_proj` is square it looks transposed
/// already and is left as it is, when loading and when saving. Every round trip is clean.
public struct ShapeGuessingAdapter: AdapterUnderTest {
  /// What reports call it.
  public let name = "shape-guessing"

  /// Creates the adapter.
  public init() {}

  /// Converts for one model.
  public func session(for setup: AdapterSetup) throws -> any AdapterSession {
    Session(inner: ReferenceAdapter().session(for: setup))
  }

  private struct Session: AdapterSession {
    let inner: any AdapterSession

    func fromHF(_ onDisk: StateDict, _ parallelism: ExpertParallelism?) throws -> StateDict {
      try inner.fromHF(onDisk, parallelism).leavingSquareDownProjections()
    }

    func toHF(
      _ native: StateDict, excluding: String, _ parallelism: ExpertParallelism?
    ) throws -> StateDict {
      try inner.toHF(native.leavingSquareDownProjections(), excluding: excluding, parallelism)
    }

    func convertSingleTensorToHF(
      _ name: TensorName, _ tensor: Tensor, excluding: String, _ parallelism: ExpertParallelism?
    ) throws -> [(name: TensorName, tensor: Tensor)] {
      try inner.convertSingleTensorToHF(
        name, tensor.leavingSquareMatrices(named: name), excluding: excluding, parallelism)
    }

    func isMTPKey(_ name: TensorName) throws -> Bool { try inner.isMTPKey(name) }
  }
}

extension StateDict {
  fileprivate func leavingSquareDownProjections() throws -> StateDict {
    try StateDict(map { name, tensor in (name, try tensor.leavingSquareMatrices(named: name)) })
  }
}

extension Tensor {
  /// `[experts, inter, hidden]` with its last axes exchanged, if they are equal.
  fileprivate func leavingSquareMatrices(named name: TensorName) throws -> Tensor {
    guard name.text.hasSuffix(".down_projs"), shape.rank == 3, shape[1] == shape[2] else {
      return self
    }
    let size = shape[1]
    return try Tensor(dtype, shape) { place in
      let (expert, row, column) = (place / size / size, place / size % size, place % size)
      return bits(at: (expert * size + column) * size + row)
    }
  }
}
