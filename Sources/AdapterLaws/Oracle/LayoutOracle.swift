// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
public import CheckpointGenerators
import Layouts
import Tensors

/// What a correct adapter gives, stated by index and without the adapter's rules.
///
/// The statement is docs/adapter.md's; the order of the keys is that of nemo-automodel 0.7.0. What is
/// not part of a valid checkpoint has no right form: of groups that are incomplete or ragged nothing
/// comes, and of two tensors that land on one name the first stays.
public struct LayoutOracle: Sendable {
  let spec: CheckpointSpec

  /// Creates the oracle of a spec.
  public init(_ spec: CheckpointSpec) {
    self.spec = spec
  }

  /// Keys that differ between disk and native form in nothing but their name, within a layer.
  static let renames = [
    (onDisk: ["mlp", "expert_bias"], native: ["mlp", "gate", "e_score_correction_bias"]),
    (onDisk: ["mlp", "router", "gate", "weight"], native: ["mlp", "gate", "weight"]),
    (onDisk: ["mlp", "shared_mlp"], native: ["mlp", "shared_experts"]),
  ]

  /// Whether experts have gate projections.
  var isGated: Bool { spec.options.activation.isGated }

  /// The experts of a rank, or all.
  ///
  /// A rank owns as many as if experts were dealt out one by one, but neighbors.
  func experts(of parallelism: ExpertParallelism?) -> Range<Int> {
    let all = 0..<spec.config.expertCount
    guard let parallelism else { return all }
    let before = all.count { $0 % parallelism.size < parallelism.rank }
    let own = all.count { $0 % parallelism.size == parallelism.rank }
    return before..<before + own
  }

  /// Whether a key on disk is one of a multi-token prediction layer, which loading drops.
  func isDropped(_ key: OracleKey) -> Bool {
    spec.options.mtpPolicy == .drop && key.layer >= spec.config.hiddenLayerCount
      && ["model.", "", spec.prefix].contains { key.prefix == $0 }
  }
}

/// Tensors in order, of which the first of a name stays.
struct Collected {
  private var names: Set<TensorName> = []
  private(set) var pairs: [(TensorName, Tensor)] = []

  mutating func append(_ tensor: Tensor, _ name: TensorName) {
    if names.insert(name).inserted { pairs.append((name, tensor)) }
  }

  var stateDict: StateDict {
    // No name occurs twice, which is the only thing that could keep it from being made.
    (try? StateDict(pairs)) ?? StateDict()
  }
}
