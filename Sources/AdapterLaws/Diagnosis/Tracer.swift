// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import CheckpointGenerators
import Layouts
import Tensors

/// Runs steps of an adapter, and of the oracle, on tracer checkpoints of a spec.
///
/// What is right is made once for each rank.
final class Tracer {
  let checkpoint: Checkpoint
  private let oracle: LayoutOracle
  private var expectedNative: [ExpertParallelism?: TracedMap] = [:]
  private var expectedOnDisk: [ExpertParallelism?: TracedMap] = [:]

  init(_ spec: CheckpointSpec) {
    checkpoint = Checkpoint(spec)
    oracle = LayoutOracle(spec)
  }

  /// What an adapter does in a step.
  ///
  /// Native tracers have the names and shapes that the oracle gives, so that faults on the way to
  /// native form do not disturb the way back.
  ///
  /// - Throws: What the adapter throws.
  func trace(_ step: TracedStep, of session: any AdapterSession) throws -> TracedMap {
    switch step {
    case .fromHF(let rank):
      try TracedMap(sources: checkpoint.schema) { contents in
        Array(try session.fromHF(checkpoint.stateDict(contents), rank))
      }
    case .toHF(let rank):
      try traceNative(rank) { Array(try session.toHF($0, excluding: "", rank)) }
    case .streaming(let rank):
      try traceNative(rank) { native in
        try session.convertTensorsToHF(native, excluding: "", rank)
      }
    }
  }

  /// What a correct adapter does in a step.
  func expected(_ step: TracedStep) throws -> TracedMap {
    let rank = step.parallelism
    if step.isFromHF {
      if let known = expectedNative[rank] { return known }
      let map = try TracedMap(sources: checkpoint.schema) { contents in
        Array(oracle.native(of: try checkpoint.stateDict(contents), rank))
      }
      expectedNative[rank] = map
      return map
    }
    if let known = expectedOnDisk[rank] { return known }
    let map = try traceNative(rank) { Array(oracle.onDisk(of: $0, excluding: .none, rank)) }
    expectedOnDisk[rank] = map
    return map
  }

  /// The keys that a session keeps on disk when it is given a pattern, saving all or one by one.
  func keptKeys(
    _ exclusion: Exclusion, by session: any AdapterSession, isStreaming: Bool
  ) throws -> Set<TensorName> {
    let native = oracle.native(of: try checkpoint.stateDict())
    let pattern = exclusion.pattern(in: checkpoint.spec.config.layout)
    guard isStreaming else { return Set(try session.toHF(native, excluding: pattern, nil).names) }
    return Set(try session.convertTensorsToHF(native, excluding: pattern, nil).map(\.name))
  }

  private func traceNative(
    _ rank: ExpertParallelism?,
    _ convert: (StateDict) throws -> [(name: TensorName, tensor: Tensor)]
  ) throws -> TracedMap {
    let infos = try expected(.fromHF(rank)).outputs.map { TensorInfo($0.name, $0.dtype, $0.shape) }
    return try TracedMap(sources: infos) { contents in
      try convert(TensorContents.stateDict(infos, contents: contents))
    }
  }
}
