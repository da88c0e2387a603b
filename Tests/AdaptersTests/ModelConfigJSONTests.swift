// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
import StrictJSON
import Tensors
import Testing

@Suite("A config.json is read field by field, and every fault names its field")
struct ModelConfigJSONTests {
  /// A small config with the fields that transformers, Tencent and Automodel all write.
  private static let valid: JSONObject = [
    ("model_type", "hy_v3"), ("vocab_size", 7), ("hidden_size", 4), ("intermediate_size", 6),
    ("moe_intermediate_size", 5), ("num_experts", 3), ("num_shared_experts", 1),
    ("num_hidden_layers", 2), ("first_k_dense_replace", 1), ("num_attention_heads", 2),
    ("num_key_value_heads", 1), ("head_dim", 3),
  ].reduce(into: JSONObject()) { $0[$1.0] = $1.1 }

  private static func config(_ changes: [(String, JSONValue?)]) throws(ConfigError) -> ModelConfig {
    var object = valid
    for (field, value) in changes { object[field] = value }
    return try ModelConfig(json: .object(object))
  }

  @Test("The fields land where they belong")
  func fields() throws {
    let config = try Self.config([("num_nextn_predict_layers", 2), ("dtype", "float16")])
    #expect(config.vocabularySize == 7)
    #expect(config.hiddenSize == 4)
    #expect(config.denseIntermediateSize == 6)
    #expect(config.moeIntermediateSize == 5)
    #expect(config.expertCount == 3)
    #expect(config.sharedExpertCount == 1)
    #expect(config.layerKinds == [.dense, .sparse])
    #expect(config.mtpLayerCount == 2)
    #expect(config.attentionHeadCount == 2)
    #expect(config.keyValueHeadCount == 1)
    #expect(config.headSize == 3)
    #expect(config.dtype == .f16)
  }

  @Test("Each switch is read from its own field")
  func switches() throws {
    let switches: [(field: String, value: KeyPath<ModelConfig, Bool>, absent: Bool)] = [
      ("qk_norm", \.hasQueryKeyNorm, true),
      ("moe_router_enable_expert_bias", \.hasExpertBias, true),
      ("attention_bias", \.hasAttentionBias, false), ("mlp_bias", \.hasMLPBias, false),
      ("tie_word_embeddings", \.tiesWordEmbeddings, false),
    ]
    for (field, _, absent) in switches {
      let config = try Self.config([(field, .bool(!absent))])
      for other in switches {
        #expect(
          config[keyPath: other.value] == (other.field == field ? !absent : other.absent),
          "'\(other.field)' with '\(field)' \(!absent)")
      }
    }
  }

  @Test("Element types have their names in PyTorch and safetensors, and short ones, in either case")
  func elementTypes() throws {
    let types: [(JSONValue, DType)] = [
      ("bfloat16", .bf16), ("float16", .f16), ("float32", .f32), ("float64", .f64),
      ("float8_e4m3fn", .f8E4M3), ("float8_e5m2", .f8E5M2), ("bf16", .bf16), ("BF16", .bf16),
      ("torch.bfloat16", .bf16), ("half", .f16), ("fp32", .f32), ("F8_E4M3", .f8E4M3),
    ]
    for (name, type) in types {
      #expect(try Self.config([("dtype", name)]).dtype == type)
      #expect(try Self.config([("torch_dtype", name)]).dtype == type)
      #expect(try Self.config([("dtype", name), ("torch_dtype", name)]).dtype == type)
    }
  }

  @Test("The names of transformers, Tencent and Automodel mean the same")
  func aliases() throws {
    let plain = try Self.config([])
    #expect(
      try Self.config([("moe_intermediate_size", nil), ("expert_hidden_dim", 5)]) == plain)
    #expect(try Self.config([("expert_hidden_dim", 5)]) == plain)
    #expect(try Self.config([("num_experts", nil), ("num_local_experts", 3)]) == plain)
    #expect(try Self.config([("torch_dtype", "bfloat16")]) == plain)
    #expect(
      try Self.config([("first_k_dense_replace", nil), ("mlp_layer_types", ["dense", "sparse"])])
        == plain)
    #expect(try Self.config([("mlp_layer_types", ["dense", "sparse"])]) == plain)
    #expect(try Self.config([("head_dim", nil), ("hidden_size", 6)]).headSize == 3)
    #expect(try Self.config([("qk_norm", nil), ("expert_hidden_dim", .null)]) == plain)
  }

  @Test("All layers may be dense, and one head as wide as the model")
  func limits() throws {
    for (dense, kinds) in [(0, [.sparse, .sparse]), (2, [.dense, .dense])] as [(Int, [LayerKind])] {
      let config = try Self.config([("first_k_dense_replace", JSONValue(dense))])
      #expect(config.layerKinds == kinds)
    }
    let oneHead = try Self.config([("head_dim", nil), ("num_attention_heads", 1)])
    #expect(oneHead.headSize == 4)
  }

  @Test("Missing, contradictory, negative and absurd values name the field")
  func faults() {
    let table: [(changes: [(String, JSONValue?)], field: String)] = [
      ([("model_type", nil)], "model_type"),
      ([("model_type", "llama")], "model_type"),
      ([("vocab_size", nil)], "vocab_size"),
      ([("hidden_size", .null)], "hidden_size"),
      ([("hidden_size", "4")], "hidden_size"),
      ([("hidden_size", JSONValue(4.5))], "hidden_size"),
      ([("hidden_size", 0)], "hidden_size"),
      ([("hidden_size", -4)], "hidden_size"),
      ([("hidden_size", JSONValue(Int.max))], "hidden_size"),
      ([("intermediate_size", nil)], "intermediate_size"),
      ([("moe_intermediate_size", nil)], "moe_intermediate_size"),
      ([("expert_hidden_dim", 6)], "expert_hidden_dim"),
      ([("num_experts", true)], "num_experts"),
      ([("num_local_experts", 4)], "num_local_experts"),
      ([("num_experts", 1_000_000)], "num_experts"),
      ([("num_shared_experts", nil)], "num_shared_experts"),
      ([("num_shared_experts", -1)], "num_shared_experts"),
      ([("num_hidden_layers", nil)], "num_hidden_layers"),
      ([("num_hidden_layers", JSONValue(Int.max))], "num_hidden_layers"),
      ([("first_k_dense_replace", nil)], "first_k_dense_replace"),
      ([("first_k_dense_replace", 3)], "first_k_dense_replace"),
      ([("first_k_dense_replace", -1)], "first_k_dense_replace"),
      ([("mlp_layer_types", ["sparse", "sparse"])], "mlp_layer_types"),
      ([("mlp_layer_types", ["dense"])], "mlp_layer_types"),
      ([("mlp_layer_types", ["dense", "moe"])], "mlp_layer_types"),
      (
        [("first_k_dense_replace", nil), ("mlp_layer_types", ["dense", "moe"])],
        "mlp_layer_types"
      ),
      ([("mlp_layer_types", ["dense", "sparse", "moe"])], "mlp_layer_types"),
      ([("mlp_layer_types", "dense")], "mlp_layer_types"),
      ([("num_nextn_predict_layers", -1)], "num_nextn_predict_layers"),
      ([("num_nextn_predict_layers", 1000)], "num_nextn_predict_layers"),
      ([("num_attention_heads", 0)], "num_attention_heads"),
      ([("num_key_value_heads", nil)], "num_key_value_heads"),
      ([("head_dim", nil), ("num_attention_heads", 3)], "head_dim"),
      ([("head_dim", nil), ("num_attention_heads", 0)], "head_dim"),
      ([("head_dim", nil), ("num_attention_heads", 0), ("hidden_size", 0)], "head_dim"),
      ([("qk_norm", 1)], "qk_norm"),
      ([("tie_word_embeddings", "no")], "tie_word_embeddings"),
      ([("dtype", "int8")], "dtype"),
      ([("dtype", 16)], "dtype"),
      ([("dtype", "bfloat16"), ("torch_dtype", "float32")], "torch_dtype"),
    ]
    for (changes, field) in table {
      let error = #expect(throws: ConfigError.self, "\(changes)") { try Self.config(changes) }
      #expect(error?.field == field, "\(changes): \(String(describing: error))")
    }
  }

  @Test("Text that is no JSON object says where it fails")
  func malformed() {
    for (text, part) in [("[]", "an array"), ("{", "byte 1"), ("{\"a\": 1, \"a\": 2}", "byte 9")] {
      let bytes = Array(text.utf8)
      let error = #expect(throws: ConfigError.self) {
        // Bytes have no padding that could be read uninitialized.
        try ModelConfig(jsonText: unsafe bytes.span.bytes)
      }
      #expect(error?.field == "config.json")
      #expect(error?.found.contains(part) == true, "\(String(describing: error))")
    }
  }

  @Test("No mutation of a config crashes, and none is accepted with an impossible size")
  func mutations() {
    let text = JSONValue.object(Self.valid).bytes(.compact)
    var state: UInt64 = 7
    var accepted = 0
    for _ in 0..<3000 {
      var mutant = text
      for _ in 0..<2 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        let position = Int(state >> 33) % mutant.count
        mutant[position] = UInt8(truncatingIfNeeded: state >> 24)
      }
      // Bytes have no padding that could be read uninitialized.
      guard let config = try? ModelConfig(jsonText: unsafe mutant.span.bytes) else { continue }
      accepted += 1
      #expect(config.storedLayerCount * config.expertCount <= 1 << 20)
      #expect(config.hiddenSize > 0 && config.moeIntermediateSize > 0)
    }
    #expect(accepted > 0, "the mutations are too strong to reach the checks")
  }
}

extension ModelConfig {
  /// Whether the router has a correction bias.
  fileprivate var hasExpertBias: Bool { flag("moe_router_enable_expert_bias") ?? false }
}
