// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
public import Layouts
import Tensors

/// The text of a `config.json`, field by field, so that a field can hold any text.
public struct ConfigText: Sendable {
  /// The fields in order, each with the JSON text of its value.
  public private(set) var fields: [(name: String, value: String)]

  /// The fields that decide which tensors there are.
  public init(_ config: ModelConfig) {
    let kinds = config.layerKinds.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
    let flags = [
      ("qk_norm", config.hasQueryKeyNorm), ("attention_bias", config.hasAttentionBias),
      ("moe_router_enable_expert_bias", config.hasExpertBias), ("mlp_bias", config.hasMLPBias),
      ("tie_word_embeddings", config.tiesWordEmbeddings),
    ]
    let numbers = [
      ("vocab_size", config.vocabularySize), ("hidden_size", config.hiddenSize),
      ("intermediate_size", config.denseIntermediateSize),
      ("moe_intermediate_size", config.moeIntermediateSize), ("num_experts", config.expertCount),
      ("num_shared_experts", config.sharedExpertCount),
      ("num_hidden_layers", config.hiddenLayerCount),
      ("num_nextn_predict_layers", config.mtpLayerCount),
      ("num_attention_heads", config.attentionHeadCount),
      ("num_key_value_heads", config.keyValueHeadCount), ("head_dim", config.headSize),
    ]
    fields = [("model_type", "\"hy_v3\"")] + numbers.map { ($0, "\($1)") }
    fields.append(("mlp_layer_types", "[\(kinds)]"))
    fields += flags.map { ($0, "\($1)") }
    if let dtype = Self.dtypes[config.dtype] { fields.append(("dtype", "\"\(dtype)\"")) }
  }

  /// The names of floating-point types in PyTorch.
  private static let dtypes: [DType: String] = [
    .bf16: "bfloat16", .f16: "float16", .f32: "float32", .f64: "float64",
    .f8E4M3: "float8_e4m3fn", .f8E5M2: "float8_e5m2",
  ]

  /// The UTF-8 bytes of the text.
  public var bytes: [UInt8] {
    Array(("{" + fields.map { "\"\($0)\": \($1)" }.joined(separator: ", ") + "}").utf8)
  }

  /// The text of a field's value, the first if it is there twice; setting nil removes the field.
  subscript(name: String) -> String? {
    get { fields.first { $0.name == name }?.value }
    set {
      let index = fields.firstIndex { $0.name == name }
      switch (index, newValue) {
      case (let index?, let value?): fields[index].value = value
      case (let index?, nil): fields.remove(at: index)
      case (nil, let value?): fields.append((name, value))
      case (nil, nil): break
      }
    }
  }

  /// Appends a field, even if there is one of that name.
  mutating func append(_ name: String, _ value: String) {
    fields.append((name, value))
  }
}
