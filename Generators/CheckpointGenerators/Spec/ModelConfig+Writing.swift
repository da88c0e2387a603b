// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Adapters
public import StrictJSON
import Tensors

extension ModelConfig {
  /// The `config.json` that `init(json:)` reads back as this config, with every fact stated.
  ///
  /// The inner width of an expert has both names in use. A type that PyTorch names and
  /// `init(json:)` does not know, such as F8_E8M0, is written and not read back.
  public var json: JSONValue {
    var object: JSONObject = [
      "architectures": ["HYV3ForCausalLM"],
      "attention_bias": .bool(hasAttentionBias),
      "dtype": .string(Self.name(of: dtype)),
      "expert_hidden_dim": JSONValue(moeIntermediateSize),
    ]
    let dense = layerKinds.prefix { $0 == .dense }.count
    if layerKinds[dense...].contains(.dense) {
      object["mlp_layer_types"] = .array(layerKinds.map { .string($0.rawValue) })
    } else {
      object["first_k_dense_replace"] = JSONValue(dense)
    }
    let rest: [(String, JSONValue)] = [
      ("head_dim", JSONValue(headSize)),
      ("hidden_act", "silu"),
      ("hidden_size", JSONValue(hiddenSize)),
      ("intermediate_size", JSONValue(denseIntermediateSize)),
      ("mlp_bias", .bool(hasMLPBias)),
      ("model_type", "hy_v3"),
      ("moe_intermediate_size", JSONValue(moeIntermediateSize)),
      ("moe_router_enable_expert_bias", .bool(hasExpertBias)),
      ("num_attention_heads", JSONValue(attentionHeadCount)),
      ("num_experts", JSONValue(expertCount)),
      ("num_hidden_layers", JSONValue(hiddenLayerCount)),
      ("num_key_value_heads", JSONValue(keyValueHeadCount)),
      ("num_nextn_predict_layers", JSONValue(mtpLayerCount)),
      ("num_shared_experts", JSONValue(sharedExpertCount)),
      ("qk_norm", .bool(hasQueryKeyNorm)),
      ("tie_word_embeddings", .bool(tiesWordEmbeddings)),
      ("vocab_size", JSONValue(vocabularySize)),
    ]
    for (field, value) in rest { object[field] = value }
    return .object(object)
  }

  /// The name of an element type in PyTorch.
  private static func name(of dtype: DType) -> String {
    switch dtype {
    case .bf16: "bfloat16"
    case .f16: "float16"
    case .f32: "float32"
    case .f64: "float64"
    case .f8E4M3: "float8_e4m3fn"
    case .f8E5M2: "float8_e5m2"
    case .f8E8M0: "float8_e8m0fnu"
    case .bool: "bool"
    case .i8: "int8"
    case .i16: "int16"
    case .i32: "int32"
    case .i64: "int64"
    case .u8: "uint8"
    case .u16: "uint16"
    case .u32: "uint32"
    case .u64: "uint64"
    }
  }
}
