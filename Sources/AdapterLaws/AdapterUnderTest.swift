// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Adapters
public import CheckpointGenerators
public import Tensors

/// An adapter that laws are checked on, wherever it runs.
public protocol AdapterUnderTest: Sendable {
  /// The name shown in reports.
  var name: String { get }

  /// The adapter made for a config.
  ///
  /// - Throws: What keeps the adapter from being made.
  func session(for setup: AdapterSetup) throws -> any AdapterSession
}

/// An adapter made for one config, which may be called again and again.
public protocol AdapterSession: Sendable {
  /// Converts a checkpoint on disk to native form, for one rank or for all experts.
  func fromHF(_ onDisk: StateDict, _ parallelism: ExpertParallelism?) throws -> StateDict

  /// Converts native form to a checkpoint on disk without the keys that a pattern matches.
  func toHF(
    _ native: StateDict, excluding: String, _ parallelism: ExpertParallelism?
  ) throws -> StateDict

  /// Converts one native tensor to its tensors on disk.
  func convertSingleTensorToHF(
    _ name: TensorName, _ tensor: Tensor, excluding: String, _ parallelism: ExpertParallelism?
  ) throws -> [(name: TensorName, tensor: Tensor)]

  /// Whether a key belongs to a multi-token prediction layer.
  func isMTPKey(_ name: TensorName) throws -> Bool
}

/// The reference adapter of this package.
public struct ReferenceAdapter: AdapterUnderTest {
  /// The name shown in reports.
  public let name = "reference"

  /// Creates the adapter.
  public init() {}

  /// The adapter made for a config.
  public func session(for setup: AdapterSetup) -> any AdapterSession {
    switch setup.family {
    case .hyMT2: Session(HyMT2StateDictAdapter(config: setup.config, options: setup.options))
    case .hyV3: Session(HYV3StateDictAdapter(config: setup.config, options: setup.options))
    }
  }

  private struct Session<Adapter: StateDictAdapter>: AdapterSession {
    let adapter: Adapter

    init(_ adapter: Adapter) {
      self.adapter = adapter
    }

    func fromHF(_ onDisk: StateDict, _ parallelism: ExpertParallelism?) throws -> StateDict {
      try adapter.fromHF(onDisk, expertParallelism: parallelism)
    }

    func toHF(
      _ native: StateDict, excluding: String, _ parallelism: ExpertParallelism?
    ) throws -> StateDict {
      try adapter.toHF(native, excluding: excluding, expertParallelism: parallelism)
    }

    func convertSingleTensorToHF(
      _ name: TensorName, _ tensor: Tensor, excluding: String, _ parallelism: ExpertParallelism?
    ) throws -> [(name: TensorName, tensor: Tensor)] {
      try adapter.convertSingleTensorToHF(
        name, tensor, excluding: excluding, expertParallelism: parallelism)
    }

    func isMTPKey(_ name: TensorName) -> Bool { adapter.isMTPKey(name) }
  }
}
