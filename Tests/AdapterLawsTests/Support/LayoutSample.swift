// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import CheckpointGenerators
import Layouts
import Tensors

/// Small checkpoints of every layout: two layers, the second one sparse.
enum LayoutSample {
  static func config(
    _ name: String, experts: Int = 3, hidden: Int = 4, inter: Int = 5, mtp: Int = 0,
    sparse: Int = 1, hasFlags: Bool = true
  ) throws -> ModelConfig {
    let layout = try Layout.named(name)
    let given = [
      "E": experts, "H": hidden, "I": inter, "V": 3, "D": 6, "K": 1, "P": 2, "A": 3, "S": 1,
      // The width of Kimi K3's experts.
      "U": hidden,
    ]
    var sizes: [String: Int] = [:]
    for rule in layout.sizes {
      sizes[rule.symbol] = given[rule.symbol] ?? (rule.field == "moe_latent_size" ? hidden : 2)
    }
    let isMixed = layout.layers.patterns.contains { $0 != .all }
    return try ModelConfig(
      layout, sizes: sizes,
      flags: Dictionary(
        uniqueKeysWithValues: layout.flags.map { ($0.name, hasFlags && !$0.name.hasPrefix("tie")) }),
      layerKinds: [isMixed ? .dense : .sparse] + Array(repeating: .sparse, count: sparse),
      mtpLayerCount: mtp)
  }

  static func spec(
    _ name: String, target: DType = .bf16, experts: Int = 3, mtp: Int = 0, sparse: Int = 1,
    hasFlags: Bool = true
  ) throws -> CheckpointSpec {
    spec(
      try config(name, experts: experts, mtp: mtp, sparse: sparse, hasFlags: hasFlags),
      AdapterOptions(targetDType: target))
  }

  static func spec(_ config: ModelConfig, _ options: AdapterOptions) -> CheckpointSpec {
    var options = options
    if config.layout.layers.prediction?.isDroppedOnLoad != true { options.mtpPolicy = .preserve }
    return CheckpointSpec(
      AdapterSetup(config, options), contents: TensorContents(.random, seed: 1))
  }

  static func onDisk(_ spec: CheckpointSpec) throws -> StateDict {
    try Checkpoint(spec).stateDict()
  }

  /// What the keys of the sparse layer start with.
  static func start(_ spec: CheckpointSpec) -> String {
    spec.config.layout.start(ofLayer: 1, under: spec.prefix)
  }
}
