// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
import Tensors
import Testing

@testable import CheckpointGenerators

@Suite("Tensors listed by hand")
struct HandWrittenTensorsTests {
  @Test("Qwen3-MoE: a dense layer and one of two experts, with biases")
  func qwen3() throws {
    let layout = try #require(Layout.known("qwen3_moe"))
    let config = try ModelConfig(
      layout,
      sizes: ["V": 7, "H": 4, "D": 6, "I": 3, "E": 2, "P": 2, "K": 1, "A": 5],
      flags: ["attention_bias": true], layerKinds: [.sparse, .dense], dtype: .f16)
    var expected: [(String, DType, Shape)] = [("model.embed_tokens.weight", .f16, [7, 4])]
    for layer in 0..<2 {
      let start = "model.layers.\(layer)."
      expected += [
        ("\(start)self_attn.q_proj.weight", .f16, [10, 4]),
        ("\(start)self_attn.q_proj.bias", .f16, [10]),
        ("\(start)self_attn.k_proj.weight", .f16, [5, 4]),
        ("\(start)self_attn.k_proj.bias", .f16, [5]),
        ("\(start)self_attn.v_proj.weight", .f16, [5, 4]),
        ("\(start)self_attn.v_proj.bias", .f16, [5]),
        ("\(start)self_attn.o_proj.weight", .f16, [4, 10]),
        ("\(start)self_attn.o_proj.bias", .f16, [4]),
        ("\(start)self_attn.q_norm.weight", .f16, [5]),
        ("\(start)self_attn.k_norm.weight", .f16, [5]),
        ("\(start)input_layernorm.weight", .f16, [4]),
        ("\(start)post_attention_layernorm.weight", .f16, [4]),
      ]
      if layer == 1 {
        expected += [
          ("\(start)mlp.gate_proj.weight", .f16, [6, 4]),
          ("\(start)mlp.up_proj.weight", .f16, [6, 4]),
          ("\(start)mlp.down_proj.weight", .f16, [4, 6]),
        ]
      } else {
        expected.append(("\(start)mlp.gate.weight", .f16, [2, 4]))
        for expert in 0..<2 {
          expected += [
            ("\(start)mlp.experts.\(expert).gate_proj.weight", .f8E4M3, [3, 4]),
            ("\(start)mlp.experts.\(expert).up_proj.weight", .f8E4M3, [3, 4]),
            ("\(start)mlp.experts.\(expert).down_proj.weight", .f8E4M3, [4, 3]),
          ]
        }
      }
    }
    expected += [("model.norm.weight", .f16, [4]), ("lm_head.weight", .f16, [7, 4])]
    let base = expected
    let factors = "base_model.model.model.layers.0.mlp.experts."
    expected += [
      ("\(factors)base_layer.lora_A.weight", .f16, [6, 4]),
      ("\(factors)base_layer.lora_B.weight", .f16, [6, 6]),
      ("\(factors)lora_A.weight", .f16, [6, 3]), ("\(factors)lora_B.weight", .f16, [4, 6]),
    ]
    var spec = CheckpointSpec(
      AdapterSetup(config, AdapterOptions()), types: SourceTypes(experts: .f8E4M3, others: .f16),
      lora: LoRASpec(.paramWrapper, rank: 3), contents: TensorContents(.iota))
    check(spec, expected)
    spec.lora = LoRASpec(.legacyParamWrapper, rank: 3)
    check(
      spec,
      base + [
        ("\(factors)base_layer.lora_A.weight", .f16, [6, 6]),
        ("\(factors)base_layer.lora_B.weight", .f16, [4, 6]),
        ("\(factors)lora_A.weight", .f16, [6, 4]), ("\(factors)lora_B.weight", .f16, [3, 6]),
      ])
    spec.lora = LoRASpec(.perExpert, rank: 3)
    let perExpert = (0..<2).flatMap { expert -> [(String, DType, Shape)] in
      [("gate_proj", [3, 4]), ("up_proj", [3, 4]), ("down_proj", [4, 3] as [Int])].flatMap {
        [
          ("\(factors)\(expert).\($0).lora_A.weight", DType.f16, [3, $1[1]] as Shape),
          ("\(factors)\(expert).\($0).lora_B.weight", DType.f16, [$1[0], 3] as Shape),
        ]
      }
    }
    check(spec, base + perExpert)
  }

  @Test("gpt-oss: grouped experts with biases, tied embeddings, under no prefix")
  func gptOSS() throws {
    let layout = try #require(Layout.known("gpt_oss"))
    let config = try ModelConfig(
      layout, sizes: ["V": 7, "H": 4, "I": 3, "E": 2, "P": 6, "K": 2, "A": 5],
      flags: ["attention_bias": true, "tie_word_embeddings": true], layerKinds: [.sparse])
    let start = "layers.0."
    let expected: [(String, DType, Shape)] = [
      ("embed_tokens.weight", .bf16, [7, 4]),
      ("\(start)self_attn.sinks", .bf16, [6]),
      ("\(start)self_attn.q_proj.weight", .bf16, [30, 4]),
      ("\(start)self_attn.q_proj.bias", .bf16, [30]),
      ("\(start)self_attn.k_proj.weight", .bf16, [10, 4]),
      ("\(start)self_attn.k_proj.bias", .bf16, [10]),
      ("\(start)self_attn.v_proj.weight", .bf16, [10, 4]),
      ("\(start)self_attn.v_proj.bias", .bf16, [10]),
      ("\(start)self_attn.o_proj.weight", .bf16, [4, 30]),
      ("\(start)self_attn.o_proj.bias", .bf16, [4]),
      ("\(start)input_layernorm.weight", .bf16, [4]),
      ("\(start)post_attention_layernorm.weight", .bf16, [4]),
      ("\(start)mlp.router.weight", .bf16, [2, 4]), ("\(start)mlp.router.bias", .bf16, [2]),
      ("\(start)mlp.experts.gate_up_proj", .f32, [2, 4, 6]),
      ("\(start)mlp.experts.gate_up_proj_bias", .f32, [2, 6]),
      ("\(start)mlp.experts.down_proj", .f32, [2, 3, 4]),
      ("\(start)mlp.experts.down_proj_bias", .f32, [2, 4]),
      ("norm.weight", .bf16, [4]),
    ]
    var spec = CheckpointSpec(
      AdapterSetup(config, AdapterOptions(prefix: .none)), types: SourceTypes(experts: .f32),
      contents: TensorContents(.iota))
    check(spec, expected)
    spec.extent = .expertsOnly
    check(spec, expected.filter { $0.0.contains("mlp.experts.") })
  }

  private func check(_ spec: CheckpointSpec, _ expected: [(String, DType, Shape)]) {
    #expect(
      Checkpoint(spec).schema
        == expected.map { TensorInfo(TensorName($0.0), $0.1, $0.2) })
  }
}
