// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
import Tensors

/// All ways in which texts of configs are made invalid.
public enum ConfigFaultCatalogue {
  /// The kinds.
  public static let all: [ConfigFaultKind] = values + contradictions + malformedTexts

  private static let required = [
    "model_type", "vocab_size", "hidden_size", "intermediate_size", "moe_intermediate_size",
    "num_experts", "num_shared_experts", "num_hidden_layers", "num_attention_heads",
    "num_key_value_heads",
  ]
  private static let positive =
    required.filter {
      $0 != "model_type" && $0 != "num_shared_experts"
    } + ["head_dim"]
  private static let numbers = positive + ["num_shared_experts", "num_nextn_predict_layers"]
  private static let flags = [
    "qk_norm", "attention_bias", "moe_router_enable_expert_bias", "mlp_bias",
    "tie_word_embeddings",
  ]

  private static let values: [ConfigFaultKind] = [
    value("missing-field", "A field is missing.", of: required, nil),
    value("null-field", "A field is null.", of: required, "null"),
    value("zero", "A size is zero.", of: positive, "0"),
    value("negative", "A number is negative.", of: numbers, "-1"),
    value("too-large", "A number is far too large.", of: numbers, "9223372036854775807"),
    value("beyond-integers", "A number fits no integer.", of: numbers, "18446744073709551616"),
    value("fraction", "A number has a fraction.", of: numbers, "3.5"),
    value("exponent", "A number has a huge exponent.", of: numbers, "1e300"),
    value("quoted", "A number is a string.", of: numbers, "\"4\""),
    value("boolean", "A number is a truth value.", of: numbers, "true"),
    value("list", "A number is a list.", of: numbers, "[4]"),
    value("object", "A number is an object.", of: numbers, "{}"),
    value("numeric-flag", "A flag is a number.", of: flags, "1"),
    value("quoted-flag", "A flag is a string.", of: flags, "\"true\""),
    value(
      "unknown-dtype", "The element type is unknown.", of: ["dtype", "torch_dtype"], "\"int8\""),
    value("numeric-dtype", "The element type is a number.", of: ["dtype", "torch_dtype"], "16"),
    value("other-model", "The model is another.", of: ["model_type"], "\"llama\""),
    value("numeric-model", "The model type is a number.", of: ["model_type"], "3"),
    value("unknown-layer-kind", "A layer kind is unknown.", of: ["mlp_layer_types"], "[\"moe\"]"),
    value("layer-kinds-text", "Layer kinds are no list.", of: ["mlp_layer_types"], "\"sparse\""),
    value(
      "negative-dense-count", "The number of dense layers is negative.",
      of: ["first_k_dense_replace"], "-1"),
  ]

  private static let contradictions: [ConfigFaultKind] = [
    alias("conflicting-width", "moe_intermediate_size", "expert_hidden_dim") {
      "\($0.moeIntermediateSize + 1)"
    },
    alias("conflicting-experts", "num_experts", "num_local_experts") { "\($0.expertCount + 1)" },
    alias("conflicting-dtype", "dtype", "torch_dtype") {
      $0.dtype == .f32 ? "\"bfloat16\"" : "\"float32\""
    },
    ConfigFaultKind("short-layer-kinds", "There are fewer layer kinds than layers.") { config, _ in
      var text = ConfigText(config)
      text["num_hidden_layers"] = "\(config.hiddenLayerCount + 1)"
      return faulty(text, "mlp_layer_types", "layer kinds are fewer than num_hidden_layers")
    },
    ConfigFaultKind("long-layer-kinds", "There are more layer kinds than layers.") { config, _ in
      guard config.hiddenLayerCount > 1 else { return nil }
      var text = ConfigText(config)
      text["num_hidden_layers"] = "\(config.hiddenLayerCount - 1)"
      return faulty(text, "mlp_layer_types", "layer kinds are more than num_hidden_layers")
    },
    ConfigFaultKind(
      "conflicting-dense-count", "The number of dense layers contradicts the layer kinds."
    ) { config, _ in
      let dense = config.layerKinds.prefix { $0 == .dense }.count
      var text = ConfigText(config)
      text["first_k_dense_replace"] = "\(dense == 0 ? 1 : dense - 1)"
      return faulty(text, "mlp_layer_types", "first_k_dense_replace is off by one")
    },
    ConfigFaultKind("too-many-dense", "There are more dense layers than layers.") { config, _ in
      var text = ConfigText(config)
      text["first_k_dense_replace"] = "\(config.hiddenLayerCount + 1)"
      return faulty(text, "first_k_dense_replace", "dense layers are more than all layers")
    },
    ConfigFaultKind("no-layer-kinds", "Nothing says which layers are dense.") { config, _ in
      var text = ConfigText(config)
      text["mlp_layer_types"] = nil
      return faulty(text, "first_k_dense_replace", "layer kinds are stated nowhere")
    },
    ConfigFaultKind("underivable-head-size", "The head size does not follow.") { config, _ in
      var text = ConfigText(config)
      text["head_dim"] = nil
      text["num_attention_heads"] = "\(config.hiddenSize + 1)"
      return faulty(text, "head_dim", "head_dim is missing and hidden_size has no such divisor")
    },
    ConfigFaultKind("too-many-experts", "The experts of all layers are too many.") { config, _ in
      var text = ConfigText(config)
      text["num_hidden_layers"] = "4096"
      text["mlp_layer_types"] = nil
      text["first_k_dense_replace"] = "0"
      text["num_experts"] = "16384"
      return faulty(text, "num_experts", "experts are within range and their product is not")
    },
  ]

  private static let malformedTexts: [ConfigFaultKind] = [
    ConfigFaultKind("duplicate-field", "A field is there twice.") { config, site in
      guard let field = site.pick(required) else { return nil }
      var text = ConfigText(config)
      text.append(field, text[field] ?? "0")
      return faulty(text, "config.json", "field \(field) is there twice")
    },
    malformed("empty-text", "The text is empty.") { _ in [] },
    malformed("truncated-text", "The text ends too early.") { Array($0.dropLast()) },
    malformed("trailing-text", "There is text behind the object.") { $0 + Array("{}".utf8) },
    malformed("no-object", "The text is a list.") { Array("[".utf8) + $0 + Array("]".utf8) },
    malformed("not-a-number", "A value is NaN, which Python writes and JSON does not know.") {
      Array("{\"rms_norm_eps\": NaN, ".utf8) + $0.dropFirst()
    },
    malformed("invalid-text", "The text is not UTF-8.") {
      Array("{\"name\": \"".utf8) + [0xff] + Array("\", ".utf8) + $0.dropFirst()
    },
    malformed("deep-text", "Values are nested without end.") { _ in
      [UInt8](repeating: UInt8(ascii: "["), count: 100_000)
    },
  ]

  private static func faulty(
    _ text: ConfigText, _ field: String, _ description: String
  ) -> FaultyConfig {
    FaultyConfig(bytes: text.bytes, field: field, description: description)
  }

  private static func value(
    _ name: String, _ statement: String, of fields: [String], _ value: String?
  ) -> ConfigFaultKind {
    ConfigFaultKind(name, statement) { config, site in
      guard let field = site.pick(fields) else { return nil }
      var text = ConfigText(config)
      text[field] = value
      return faulty(text, field, "field \(field) is \(value ?? "missing")")
    }
  }

  private static func alias(
    _ name: String, _ field: String, _ alias: String,
    _ value: @escaping @Sendable (ModelConfig) -> String
  ) -> ConfigFaultKind {
    ConfigFaultKind(name, "\(field) and \(alias) contradict each other.") { config, _ in
      var text = ConfigText(config)
      text[alias] = value(config)
      return faulty(text, alias, "\(field) and \(alias) contradict each other")
    }
  }

  private static func malformed(
    _ name: String, _ statement: String, _ change: @escaping @Sendable ([UInt8]) -> [UInt8]
  ) -> ConfigFaultKind {
    ConfigFaultKind(name, statement) { config, _ in
      FaultyConfig(
        bytes: change(ConfigText(config).bytes), field: "config.json",
        description: "text is malformed: \(statement.dropLast())")
    }
  }
}
