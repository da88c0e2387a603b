// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
import Tensors
import Testing

@testable import CheckpointGenerators

@Suite("A checkpoint in words")
struct CheckpointSpecDescriptionTests {
  @Test("The plainest checkpoint has nothing but sizes, types, order and contents")
  func plainest() {
    #expect(
      CheckpointSpec.plainest.description
        == "1 expert, hidden 1, inter 1, 1 layer (0 dense), 0 MTP, 0 shared; "
        + "bf16 experts -> bf16; keys in schema order; contents constant 0")
  }

  @Test("Everything that is not plain is named")
  func everything() throws {
    let config = try ModelConfig(
      vocabularySize: 3, hiddenSize: 2, denseIntermediateSize: 5, moeIntermediateSize: 1,
      expertCount: 11, sharedExpertCount: 2, layerKinds: [.dense, .sparse], mtpLayerCount: 1,
      attentionHeadCount: 4, keyValueHeadCount: 2, headSize: 3, hasQueryKeyNorm: false,
      hasAttentionBias: true, hasMLPBias: true, tiesWordEmbeddings: true)
    let options = AdapterOptions(
      targetDType: .f32, activation: .geglu, prefix: .none, mtpPolicy: .drop,
      completeness: .presentGroups, paramWrapperLayout: .legacy)
    let spec = CheckpointSpec(
      AdapterSetup(config, options),
      types: SourceTypes(experts: .f8E4M3, expertBias: .bf16, others: .f16, hasScales: true),
      extent: .expertsOnly, storesMTP: false, lora: LoRASpec(.legacyParamWrapper, rank: 2),
      keyOrder: .shuffled(7), parallelism: try ExpertParallelism(rank: 1, size: 3),
      exclusion: .head, contents: TensorContents(.special, seed: 9))
    #expect(
      spec.description == """
        11 experts, hidden 2, inter 1, 2 layers (1 dense), 1 MTP, 2 shared; \
        f8e4m3 with scales experts -> f32; other types f16; expert bias bf16; \
        heads 4 and 2 of keys, of size 3; query and key norm absent; biases attention and MLP; \
        embeddings tied; dense intermediate size 5; vocabulary size 3; MTP policy drop; \
        MTP layers on disk none; activation geglu; key prefix ""; \
        extent experts only; completeness present groups; \
        LoRA legacy ParamWrapper, rank 2, prefix "base_model.model.model."; \
        stated layout peft-0.18; expert parallelism rank 1 of 3; excluding lm_head\\.; \
        keys shuffled by 7; contents special by 9
        """)
    #expect(
      spec.facts.map(\.name).prefix(3) == ["experts", "hidden size", "MoE intermediate size"])
    #expect(spec.facts.first?.value == "11")
  }

  @Test("Different checkpoints read differently, but for the seeds of laws and faults")
  func distinct() {
    let drawn = specs(count: 300).map { spec in
      var spec = spec
      spec.variation = 0
      spec.faults = []
      return spec
    }
    // The width of dense layers does not show where there are none, nor does the dtype of a config
    // that is that of the other tensors.
    let texts = Set(drawn.map(\.description))
    #expect(texts.count >= Set(drawn).count - 10)
  }
}
