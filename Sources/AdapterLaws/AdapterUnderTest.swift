// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Adapters
public import CheckpointGenerators
import Layouts
public import Tensors

/// An adapter that laws are checked on, wherever it runs.
public protocol AdapterUnderTest: Sendable {
  /// The name shown in reports.
  var name: String { get }

  /// The version, by which findings that are known of it are told from new ones; nil if it has none.
  var version: String? { get }

  /// The axes of which it supports some values only: checkpoints with others are not asked for.
  var supports: [AxisSelection] { get }

  /// What is asked of the adapter where its input is invalid.
  var invalidInputContract: InvalidInputContract { get }

  /// Whether it was told to stop: what it answers from then on is no answer.
  var isStopped: Bool { get }

  /// The adapter made for a config.
  ///
  /// - Throws: What keeps the adapter from being made.
  func session(for setup: AdapterSetup) throws -> any AdapterSession
}

extension AdapterUnderTest {
  /// None.
  public var version: String? { nil }

  /// All values of all axes.
  public var supports: [AxisSelection] { [] }

  /// Refusing it, as the reference adapter does.
  public var invalidInputContract: InvalidInputContract { .refuses }

  /// Never: an adapter in this process answers until the run ends.
  public var isStopped: Bool { false }
}

/// What is asked of an adapter that is given an invalid state dict.
public enum InvalidInputContract: Sendable, Hashable {
  /// An error; one of this package must name every offending key.
  case refuses
  /// An error of any kind, or a result in which everything that was given is found again.
  case losesNothing
  /// Nothing: it takes its input to be valid, and is given no other.
  case accepts
}

extension InvalidInputContract {
  /// What reports and `supports` call invalid input beside the axes of valid checkpoints.
  public static let axis = "invalid input"
  /// What `supports` says of an adapter that takes its input to be valid.
  public static let acceptsAll = "none"
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

  /// Converts native tensors to their tensors on disk, each by itself, in their order.
  func convertTensorsToHF(
    _ native: StateDict, excluding: String, _ parallelism: ExpertParallelism?
  ) throws -> [(name: TensorName, tensor: Tensor)]

  /// Whether a key belongs to a multi-token prediction layer.
  func isMTPKey(_ name: TensorName) throws -> Bool

  /// Whether each of some keys belongs to a multi-token prediction layer.
  func areMTPKeys(_ names: [TensorName]) throws -> [Bool]

  /// The keys of tensors given to the adapter that it has changed since, where that can be seen.
  var changedInputs: [TensorName] { get }
}

extension AdapterSession {
  /// Calls `convertSingleTensorToHF` for each tensor.
  public func convertTensorsToHF(
    _ native: StateDict, excluding: String, _ parallelism: ExpertParallelism?
  ) throws -> [(name: TensorName, tensor: Tensor)] {
    try native.flatMap { name, tensor in
      try convertSingleTensorToHF(name, tensor, excluding: excluding, parallelism)
    }
  }

  /// Calls `isMTPKey` for each key.
  public func areMTPKeys(_ names: [TensorName]) throws -> [Bool] { try names.map(isMTPKey) }

  /// Converts a state dict of either side to the other.
  func convert(
    _ input: StateDict, _ side: CheckpointFaultKind.Side, _ rank: ExpertParallelism?
  ) throws -> StateDict {
    side == .onDisk ? try fromHF(input, rank) : try toHF(input, excluding: "", rank)
  }

  /// None: tensors in this process are immutable.
  public var changedInputs: [TensorName] { [] }
}

/// The reference adapter of this package.
public struct ReferenceAdapter: AdapterUnderTest {
  /// The name shown in reports.
  public let name = "reference"

  /// Creates the adapter.
  public init() {}

  /// The adapter made for a config.
  public func session(for setup: AdapterSetup) -> any AdapterSession {
    Session(adapter: StateDictAdapter(config: setup.config, options: setup.options))
  }

  private struct Session: AdapterSession {
    let adapter: StateDictAdapter

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

    func convertTensorsToHF(
      _ native: StateDict, excluding: String, _ parallelism: ExpertParallelism?
    ) throws -> [(name: TensorName, tensor: Tensor)] {
      let pattern = try ExclusionPattern(excluding)
      return try native.flatMap { name, tensor in
        try adapter.convertSingleTensorToHF(
          name, tensor, excluding: pattern, expertParallelism: parallelism)
      }
    }

    func isMTPKey(_ name: TensorName) -> Bool { adapter.isMTPKey(name) }
  }
}
