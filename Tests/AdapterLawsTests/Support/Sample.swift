// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import CheckpointGenerators
import Layouts
import Tensors

/// Small specs.
enum Sample {
  static func config(
    experts: Int = 3, hidden: Int = 4, inter: Int = 5, shared: Int = 1, mtp: Int = 0,
    layers: [LayerKind] = [.dense, .sparse], expertBias: Bool = true, biases: Bool = false,
    ties: Bool = false
  ) throws -> ModelConfig {
    try ModelConfig(
      vocabularySize: 3, hiddenSize: hidden, denseIntermediateSize: 6,
      moeIntermediateSize: inter, expertCount: experts, sharedExpertCount: shared,
      layerKinds: layers, mtpLayerCount: mtp, attentionHeadCount: 2, keyValueHeadCount: 1,
      headSize: 3, hasQueryKeyNorm: !ties, hasExpertBias: expertBias, hasAttentionBias: biases,
      hasMLPBias: biases, tiesWordEmbeddings: ties)
  }

  static func spec(
    _ config: ModelConfig? = nil, _ options: AdapterOptions = AdapterOptions(),
    types: SourceTypes = SourceTypes(), extent: CheckpointScope = .wholeModel,
    lora: LoRASpec? = nil, order: KeyOrder = .schema, excluding: Exclusion = .none
  ) throws -> CheckpointSpec {
    var options = options
    if extent != .wholeModel { options.completeness = .presentGroups }
    return CheckpointSpec(
      AdapterSetup(try config ?? self.config(), options), types: types, extent: extent,
      lora: lora, keyOrder: order, exclusion: excluding,
      contents: TensorContents(.random, seed: 1))
  }
}

func hex(_ value: some BinaryInteger) -> String { "0x" + String(value, radix: 16) }
