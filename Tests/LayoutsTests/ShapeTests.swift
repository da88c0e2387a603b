// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Layouts
import StrictJSON
import Tensors
import Testing

@Suite("Names, shapes and native places, written out by hand")
struct ShapeTests {
  private func listing(
    _ name: String, _ config: JSONValue, isGated: Bool = true, prefix: String? = nil,
    without words: String...
  ) throws -> [String] {
    let layout = try Layout.named(name)
    return try ModelConfig(json: config, layout: layout).listing(isGated: isGated, prefix: prefix)
      .filter { tensor in !words.contains { tensor.info.name.text.contains($0) } }
      .map { "\($0.info.name) \($0.info.dtype) \($0.info.shape) \($0.nativeName)\($0.nativePlace)" }
  }

  @Test(
    "Hy3: one dense layer, one of two experts without gates, one prediction layer, tied embeddings")
  func hy() throws {
    let config: JSONValue = [
      "model_type": "hy_v3", "dtype": "bfloat16", "vocab_size": 11, "hidden_size": 4,
      "intermediate_size": 6,
      "moe_intermediate_size": 3, "num_experts": 2, "num_shared_experts": 0,
      "num_attention_heads": 2,
      "num_key_value_heads": 1, "num_hidden_layers": 2, "first_k_dense_replace": 1,
      "num_nextn_predict_layers": 1,
      "qk_norm": false, "tie_word_embeddings": true,
    ]
    #expect(
      try listing(
        "hy_v3", config, isGated: false, prefix: "", without: "attn", "input_layer", "post_att")
        == [
          "embed_tokens.weight BF16 [11, 4] embed_tokens.weight",
          "layers.0.mlp.gate_proj.weight BF16 [6, 4] layers.0.mlp.gate_proj.weight",
          "layers.0.mlp.up_proj.weight BF16 [6, 4] layers.0.mlp.up_proj.weight",
          "layers.0.mlp.down_proj.weight BF16 [4, 6] layers.0.mlp.down_proj.weight",
          "layers.1.mlp.router.gate.weight BF16 [2, 4] layers.1.mlp.gate.weight",
          "layers.1.mlp.expert_bias F32 [2] layers.1.mlp.gate.e_score_correction_bias",
          "layers.1.mlp.experts.0.up_proj.weight BF16 [3, 4] layers.1.mlp.experts.gate_and_up_projs[0, h, i]",
          "layers.1.mlp.experts.0.down_proj.weight BF16 [4, 3] layers.1.mlp.experts.down_projs[0, i, h]",
          "layers.1.mlp.experts.1.up_proj.weight BF16 [3, 4] layers.1.mlp.experts.gate_and_up_projs[1, h, i]",
          "layers.1.mlp.experts.1.down_proj.weight BF16 [4, 3] layers.1.mlp.experts.down_projs[1, i, h]",
          "layers.2.mlp.router.gate.weight BF16 [2, 4] layers.2.mlp.gate.weight",
          "layers.2.mlp.expert_bias F32 [2] layers.2.mlp.gate.e_score_correction_bias",
          "layers.2.mlp.experts.0.up_proj.weight BF16 [3, 4] layers.2.mlp.experts.gate_and_up_projs[0, h, i]",
          "layers.2.mlp.experts.0.down_proj.weight BF16 [4, 3] layers.2.mlp.experts.down_projs[0, i, h]",
          "layers.2.mlp.experts.1.up_proj.weight BF16 [3, 4] layers.2.mlp.experts.gate_and_up_projs[1, h, i]",
          "layers.2.mlp.experts.1.down_proj.weight BF16 [4, 3] layers.2.mlp.experts.down_projs[1, i, h]",
          "layers.2.eh_proj.weight BF16 [4, 8] layers.2.eh_proj.weight",
          "layers.2.enorm.weight BF16 [4] layers.2.enorm.weight",
          "layers.2.hnorm.weight BF16 [4] layers.2.hnorm.weight",
          "layers.2.final_layernorm.weight BF16 [4] layers.2.final_layernorm.weight",
          "norm.weight BF16 [4] norm.weight",
        ])
  }

  @Test("MiniMax-M2: another module, w1, w2 and w3, a float32 router, norms over all heads")
  func miniMax() throws {
    let config: JSONValue = [
      "model_type": "minimax_m2", "torch_dtype": "float16", "vocab_size": 11, "hidden_size": 4,
      "intermediate_size": 3, "num_local_experts": 1, "num_attention_heads": 6,
      "num_key_value_heads": 2,
      "head_dim": 5, "num_hidden_layers": 1,
    ]
    #expect(
      try listing("minimax_m2", config) == [
        "model.embed_tokens.weight F16 [11, 4] model.embed_tokens.weight",
        "model.layers.0.self_attn.q_proj.weight F16 [30, 4] model.layers.0.self_attn.q_proj.weight",
        "model.layers.0.self_attn.k_proj.weight F16 [10, 4] model.layers.0.self_attn.k_proj.weight",
        "model.layers.0.self_attn.v_proj.weight F16 [10, 4] model.layers.0.self_attn.v_proj.weight",
        "model.layers.0.self_attn.o_proj.weight F16 [4, 30] model.layers.0.self_attn.o_proj.weight",
        "model.layers.0.self_attn.q_norm.weight F16 [30] model.layers.0.self_attn.q_norm.weight",
        "model.layers.0.self_attn.k_norm.weight F16 [10] model.layers.0.self_attn.k_norm.weight",
        "model.layers.0.input_layernorm.weight F16 [4] model.layers.0.input_layernorm.weight",
        "model.layers.0.post_attention_layernorm.weight F16 [4] model.layers.0.post_attention_layernorm.weight",
        "model.layers.0.block_sparse_moe.gate.weight F32 [1, 4] model.layers.0.mlp.gate.weight",
        "model.layers.0.block_sparse_moe.e_score_correction_bias F32 [1] "
          + "model.layers.0.mlp.gate.e_score_correction_bias",
        "model.layers.0.block_sparse_moe.experts.0.w1.weight F16 [3, 4] "
          + "model.layers.0.mlp.experts.gate_and_up_projs[0, h, i]",
        "model.layers.0.block_sparse_moe.experts.0.w2.weight F16 [4, 3] "
          + "model.layers.0.mlp.experts.down_projs[0, i, h]",
        "model.layers.0.block_sparse_moe.experts.0.w3.weight F16 [3, 4] "
          + "model.layers.0.mlp.experts.gate_and_up_projs[0, h, 3 + i]",
        "model.norm.weight F16 [4] model.norm.weight", "lm_head.weight F16 [11, 4] lm_head.weight",
      ])
  }

  @Test("GLM-5: layers with an indexer by two numbers; the prediction layer has one always")
  func indexers() throws {
    func layers(_ fields: [String: JSONValue]) throws -> [Int] {
      let config: JSONObject = [
        "model_type": "glm_moe_dsa", "dtype": "bfloat16", "vocab_size": 2, "hidden_size": 2,
        "intermediate_size": 2, "moe_intermediate_size": 2, "n_routed_experts": 1,
        "n_shared_experts": 1, "num_attention_heads": 1, "q_lora_rank": 2, "kv_lora_rank": 2,
        "qk_rope_head_dim": 2, "qk_nope_head_dim": 2, "v_head_dim": 2, "index_n_heads": 3,
        "index_head_dim": 5, "first_k_dense_replace": 1, "num_hidden_layers": 8,
        "num_nextn_predict_layers": 1,
      ]
      var object = config
      for (field, value) in fields { object[field] = value }
      return try ModelConfig(json: .object(object)).listing()
        .filter { $0.info.name.text.hasSuffix("self_attn.indexer.wq_b.weight") }
        .map { tensor in
          #expect(tensor.info.shape.extents == [15, 2])
          return tensor.layer ?? -1
        }
    }
    #expect(try layers([:]) == Array(0...8))
    #expect(
      try layers(["index_topk_freq": 4, "index_skip_topk_offset": 3]) == [0, 1, 2, 6, 8])
    #expect(try layers(["index_topk_freq": 3]) == [0, 1, 4, 7, 8])
    #expect(try layers(["index_topk_freq": 2, "index_skip_topk_offset": 0]) == [1, 3, 5, 7, 8])
  }

  @Test(
    "Step-3.5: experts grouped on disk, sliding layers with other heads, a dense prediction layer")
  func step() throws {
    let config: JSONValue = [
      "model_type": "step3p5", "dtype": "bfloat16", "vocab_size": 11, "hidden_size": 4,
      "intermediate_size": 6,
      "moe_intermediate_size": 3, "moe_num_experts": 2, "share_expert_dim": 5,
      "num_attention_heads": 2,
      "num_attention_groups": 1, "head_dim": 7, "num_hidden_layers": 2,
      "num_nextn_predict_layers": 1,
      "moe_layers_enum": "1", "use_moe_router_bias": true, "use_head_wise_attn_gate": true,
      "layer_types": ["full_attention", "full_attention", "sliding_attention"],
      "attention_other_setting": ["num_attention_heads": 3, "num_attention_groups": 3],
    ]
    let block = "model.layers."
    #expect(
      try listing("step3p5", config, without: "norm", "embed", "lm_head") == [
        "\(block)0.self_attn.q_proj.weight BF16 [14, 4] \(block)0.self_attn.q_proj.weight",
        "\(block)0.self_attn.k_proj.weight BF16 [7, 4] \(block)0.self_attn.k_proj.weight",
        "\(block)0.self_attn.v_proj.weight BF16 [7, 4] \(block)0.self_attn.v_proj.weight",
        "\(block)0.self_attn.o_proj.weight BF16 [4, 14] \(block)0.self_attn.o_proj.weight",
        "\(block)0.self_attn.g_proj.weight BF16 [2, 4] \(block)0.self_attn.g_proj.weight",
        "\(block)0.mlp.gate_proj.weight BF16 [6, 4] \(block)0.mlp.gate_proj.weight",
        "\(block)0.mlp.up_proj.weight BF16 [6, 4] \(block)0.mlp.up_proj.weight",
        "\(block)0.mlp.down_proj.weight BF16 [4, 6] \(block)0.mlp.down_proj.weight",
        "\(block)1.self_attn.q_proj.weight BF16 [14, 4] \(block)1.self_attn.q_proj.weight",
        "\(block)1.self_attn.k_proj.weight BF16 [7, 4] \(block)1.self_attn.k_proj.weight",
        "\(block)1.self_attn.v_proj.weight BF16 [7, 4] \(block)1.self_attn.v_proj.weight",
        "\(block)1.self_attn.o_proj.weight BF16 [4, 14] \(block)1.self_attn.o_proj.weight",
        "\(block)1.self_attn.g_proj.weight BF16 [2, 4] \(block)1.self_attn.g_proj.weight",
        "\(block)1.moe.gate.weight BF16 [2, 4] \(block)1.moe.gate.weight",
        "\(block)1.moe.router_bias F32 [2] \(block)1.moe.gate.e_score_correction_bias",
        "\(block)1.moe.gate_proj.weight BF16 [2, 3, 4] \(block)1.moe.experts.gate_and_up_projs[e, h, i]",
        "\(block)1.moe.up_proj.weight BF16 [2, 3, 4] \(block)1.moe.experts.gate_and_up_projs[e, h, 3 + i]",
        "\(block)1.moe.down_proj.weight BF16 [2, 4, 3] \(block)1.moe.experts.down_projs[e, i, h]",
        "\(block)1.share_expert.gate_proj.weight BF16 [5, 4] \(block)1.share_expert.gate_proj.weight",
        "\(block)1.share_expert.up_proj.weight BF16 [5, 4] \(block)1.share_expert.up_proj.weight",
        "\(block)1.share_expert.down_proj.weight BF16 [4, 5] \(block)1.share_expert.down_proj.weight",
        "\(block)2.self_attn.q_proj.weight BF16 [21, 4] \(block)2.self_attn.q_proj.weight",
        "\(block)2.self_attn.k_proj.weight BF16 [21, 4] \(block)2.self_attn.k_proj.weight",
        "\(block)2.self_attn.v_proj.weight BF16 [21, 4] \(block)2.self_attn.v_proj.weight",
        "\(block)2.self_attn.o_proj.weight BF16 [4, 21] \(block)2.self_attn.o_proj.weight",
        "\(block)2.self_attn.g_proj.weight BF16 [3, 4] \(block)2.self_attn.g_proj.weight",
        "\(block)2.mlp.gate_proj.weight BF16 [6, 4] \(block)2.mlp.gate_proj.weight",
        "\(block)2.mlp.up_proj.weight BF16 [6, 4] \(block)2.mlp.up_proj.weight",
        "\(block)2.mlp.down_proj.weight BF16 [4, 6] \(block)2.mlp.down_proj.weight",
        "\(block)2.eh_proj.weight BF16 [4, 8] \(block)2.eh_proj.weight",
        "\(block)2.transformer.shared_head.output.weight BF16 [11, 4] "
          + "\(block)2.transformer.shared_head.output.weight",
      ])
  }
}
