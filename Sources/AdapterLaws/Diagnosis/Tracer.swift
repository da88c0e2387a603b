// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import CheckpointGenerators
import Tensors

/// Runs steps of an adapter, and of the oracle, on tracer checkpoints of a spec.
struct Tracer {
  let checkpoint: Checkpoint
  private let oracle: LayoutOracle

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
      try TracedMap(sources: checkpoint.schema) { digit in
        Array(try session.fromHF(onDisk(digit), rank))
      }
    case .toHF(let rank):
      try traceNative(rank) { Array(try session.toHF($0, excluding: "", rank)) }
    case .streaming(let rank):
      try traceNative(rank) { native in
        try native.flatMap { name, tensor in
          try session.convertSingleTensorToHF(name, tensor, excluding: "", rank)
        }
      }
    }
  }

  /// What a correct adapter does in a step.
  func expected(_ step: TracedStep) throws -> TracedMap {
    switch step {
    case .fromHF(let rank):
      try TracedMap(sources: checkpoint.schema) { Array(oracle.native(of: try onDisk($0), rank)) }
    case .toHF(let rank), .streaming(let rank):
      try traceNative(rank) { Array(oracle.onDisk(of: $0, excluding: .none, rank)) }
    }
  }

  /// The keys that a session keeps on disk when it is given a pattern.
  func keptKeys(_ exclusion: Exclusion, by session: any AdapterSession) throws -> Set<TensorName> {
    let native = oracle.native(of: try onDisk(0))
    return Set(try session.toHF(native, excluding: exclusion.pattern, nil).names)
  }

  private func traceNative(
    _ rank: ExpertParallelism?,
    _ convert: (StateDict) throws -> [(name: TensorName, tensor: Tensor)]
  ) throws -> TracedMap {
    let infos = oracle.native(of: try onDisk(0), rank).infos
    return try TracedMap(sources: infos) { digit in
      try convert(TensorContents.stateDict(infos, contents: TracerDigits.contents(digit)))
    }
  }

  /// The tracer checkpoint of a digit.
  private func onDisk(_ digit: Int) throws -> StateDict {
    try checkpoint.stateDict(TracerDigits.contents(digit))
  }
}
