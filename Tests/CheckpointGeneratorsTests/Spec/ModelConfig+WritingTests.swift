// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
import StrictJSON
import Tensors
import Testing

@testable import CheckpointGenerators

@Suite("A config.json written")
struct ModelConfigWritingTests {
  @Test("Generated configs are read back equal")
  func generated() throws {
    for config in Set(specs(count: 100).map(\.config)) {
      let text = Array(config.json.text(.python).utf8)
      #expect(try read(text) == config)
    }
  }

  @Test(
    "Every type that config.json can name is read back",
    arguments: [DType.bf16, .f16, .f32, .f64, .f8E4M3, .f8E5M2])
  func types(dtype: DType) throws {
    let config = try ModelConfig(
      vocabularySize: 2, hiddenSize: 3, denseIntermediateSize: 4, moeIntermediateSize: 5,
      expertCount: 6, sharedExpertCount: 7, layerKinds: [.sparse, .dense, .sparse],
      mtpLayerCount: 8, attentionHeadCount: 9, keyValueHeadCount: 10, headSize: 11,
      hasQueryKeyNorm: false, hasExpertBias: false, hasAttentionBias: true, hasMLPBias: true,
      tiesWordEmbeddings: true, dtype: dtype)
    let text = Array(config.json.text(.compact).utf8)
    #expect(try read(text) == config)
  }

  @Test("Fields have the names of the published files")
  func text() {
    #expect(
      CheckpointSpec.plainest.config.json.text(.compact) == """
        {"architectures":["HYV3ForCausalLM"],"attention_bias":false,"dtype":"bfloat16",\
        "expert_hidden_dim":1,"first_k_dense_replace":0,"head_dim":1,"hidden_act":"silu",\
        "hidden_size":1,"intermediate_size":1,"mlp_bias":false,"model_type":"hy_v3",\
        "moe_intermediate_size":1,"moe_router_enable_expert_bias":true,"num_attention_heads":1,\
        "num_experts":1,"num_hidden_layers":1,"num_key_value_heads":1,\
        "num_nextn_predict_layers":0,"num_shared_experts":0,"qk_norm":true,\
        "tie_word_embeddings":false,"vocab_size":1}
        """)
  }

  private func read(_ text: [UInt8]) throws -> ModelConfig {
    let json = unsafe try JSONValue(parsing: text.span.bytes)
    return try ModelConfig(json: json)
  }
}
