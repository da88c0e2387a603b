// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import CheckpointGenerators
import Layouts
import Tensors

/// Small checkpoints to plant faults in.
enum SmallSpec {
  /// One dense layer, then sparse ones, then MTP layers.
  static func make(
    hidden: Int = 4, inner: Int = 2, experts: Int = 3, sparseLayers: Int = 1, mtp: Int = 0,
    policy: MTPPolicy = .drop, types: SourceTypes = SourceTypes(), target: DType = .bf16,
    storesMTP: Bool = true, keyOrder: KeyOrder = .schema, lora: LoRASpec? = nil,
    prefix: ModelPrefix = .model, exclusion: Exclusion = .none,
    contents: TensorContents = TensorContents(.iota)
  ) throws -> CheckpointSpec {
    let config = try ModelConfig(
      vocabularySize: 3, hiddenSize: hidden, denseIntermediateSize: 5, moeIntermediateSize: inner,
      expertCount: experts,
      layerKinds: [.dense] + Array(repeating: .sparse, count: sparseLayers), mtpLayerCount: mtp,
      attentionHeadCount: 1, keyValueHeadCount: 1, headSize: 2)
    let options = AdapterOptions(targetDType: target, prefix: prefix, mtpPolicy: policy)
    return CheckpointSpec(
      AdapterSetup(config, options), types: types, storesMTP: storesMTP, lora: lora,
      keyOrder: keyOrder, exclusion: exclusion, contents: contents)
  }
}
