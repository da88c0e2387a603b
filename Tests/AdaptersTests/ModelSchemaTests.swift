// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
import Tensors
import Testing

@Suite("The schema has the tensors of the published checkpoints")
struct ModelSchemaTests {
  private func hy3() throws -> ModelConfig {
    try ModelConfig(
      vocabularySize: 120_832, hiddenSize: 4096, denseIntermediateSize: 13_312,
      moeIntermediateSize: 1536, expertCount: 192,
      layerKinds: [.dense] + Array(repeating: .sparse, count: 79), mtpLayerCount: 1,
      attentionHeadCount: 64, keyValueHeadCount: 8, headSize: 128)
  }

  private func hyMT2() throws -> ModelConfig {
    try ModelConfig(
      vocabularySize: 120_832, hiddenSize: 2048, denseIntermediateSize: 6912,
      moeIntermediateSize: 768, expertCount: 128,
      layerKinds: [.dense] + Array(repeating: .sparse, count: 47),
      attentionHeadCount: 32, keyValueHeadCount: 4, headSize: 128)
  }

  private func elements(_ infos: [TensorInfo], _ dtype: DType) -> Int {
    infos.filter { $0.dtype == dtype }.reduce(0) { $0 + $1.shape.elementCount }
  }

  @Test("Hy3: the counts of its shard headers")
  func countsOfHy3() throws {
    let tensors = try ModelSchema(hy3()).tensors()
    #expect(tensors.count == 47_138)
    #expect(elements(tensors, .bf16) == 298_786_140_416)
    #expect(elements(tensors, .f32) == 15_360)
    let bytes = try tensors.reduce(0) { try $0 + $1.shape.byteCount(of: $1.dtype) }
    #expect(bytes == 597_572_342_272)
    #expect(Set(tensors.map(\.name)).count == tensors.count)
    let mtp = tensors.filter { $0.name.text.hasPrefix("model.layers.80.") }
    #expect(mtp.count == 593)
    #expect(elements(mtp, .bf16) + elements(mtp, .f32) == 3_752_612_288)
    #expect(try ModelSchema(hy3()).tensors(includingMTP: false).count == 47_138 - 593)
  }

  @Test("Hy-MT2-30B-A3B: the published number of parameters")
  func countsOfHyMT2() throws {
    let tensors = try ModelSchema(hyMT2()).tensors()
    #expect(tensors.count == 18_673)
    #expect(elements(tensors, .bf16) == 30_064_719_872)
    #expect(elements(tensors, .f32) == 6016)
    #expect(elements(tensors, .bf16) + elements(tensors, .f32) == 30_064_725_888)
  }

  @Test("Each option adds and removes its own tensors")
  func options() throws {
    func names(
      tied: Bool = false, norm: Bool = true, bias: Bool = true, attention: Bool = false,
      mlp: Bool = false, shared: Int = 1, prefix: ModelPrefix = .model,
      activation: ExpertActivation = .swiglu
    ) throws -> Set<TensorName> {
      let config = try ModelConfig(
        vocabularySize: 2, hiddenSize: 2, denseIntermediateSize: 2, moeIntermediateSize: 2,
        expertCount: 1, sharedExpertCount: shared, layerKinds: [.dense, .sparse],
        attentionHeadCount: 1, keyValueHeadCount: 1, headSize: 2, hasQueryKeyNorm: norm,
        hasExpertBias: bias, hasAttentionBias: attention, hasMLPBias: mlp,
        tiesWordEmbeddings: tied)
      return Set(
        ModelSchema(config, prefix: prefix, activation: activation).tensors().map(\.name))
    }
    let base = try names()
    #expect(base.subtracting(try names(tied: true)) == ["lm_head.weight"])
    #expect(base.subtracting(try names(norm: false)).count == 4)
    #expect(base.subtracting(try names(bias: false)) == ["model.layers.1.mlp.expert_bias"])
    #expect(try names(attention: true).subtracting(base).count == 8)
    #expect(try names(mlp: true).subtracting(base).count == 6)
    #expect(base.subtracting(try names(shared: 0)).count == 3)
    #expect(
      base.subtracting(try names(activation: .relu2))
        == ["model.layers.1.mlp.experts.0.gate_proj.weight"])
    for prefix in ModelPrefix.allCases {
      let moved = Set(
        base.map { name in
          name == "lm_head.weight"
            ? name : TensorName(prefix.rawValue + name.text.dropFirst("model.".count))
        })
      #expect(try names(prefix: prefix) == moved, "\(prefix)")
    }
  }

  @Test("Two shared experts are one of twice the width")
  func sharedWidth() throws {
    let tensors = try ModelSchema(TestCheckpoint.config(shared: 2)).tensors()
    let shapes = Dictionary(uniqueKeysWithValues: tensors.map { ($0.name, $0.shape) })
    #expect(shapes["model.layers.1.mlp.shared_mlp.up_proj.weight"] == [10, 4])
    #expect(shapes["model.layers.1.mlp.shared_mlp.down_proj.weight"] == [4, 10])
  }
}
