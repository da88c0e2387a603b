// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import StrictJSON
import Tensors

extension ModelConfig {
  /// Reads the `config.json` of a `hy_v3` model.
  ///
  /// Accepts the field names of transformers, Tencent and NeMo Automodel; where two names of one
  /// fact are present, they must agree. A field that is `null` counts as absent. Only fields whose
  /// defaults are the same in all three may be absent.
  ///
  /// - Throws: `ConfigError` naming the field that is missing, contradictory or out of range.
  public init(json: JSONValue) throws(ConfigError) {
    let fields = try ConfigFields(json)
    try fields.requireModelType("hy_v3")
    let layerCount = try fields.integer("num_hidden_layers")
    try ConfigLimits.layers.check(layerCount, field: "num_hidden_layers")
    let hiddenSize = try fields.integer("hidden_size")
    let headCount = try fields.integer("num_attention_heads")
    try self.init(
      vocabularySize: fields.integer("vocab_size"),
      hiddenSize: hiddenSize,
      denseIntermediateSize: fields.integer("intermediate_size"),
      moeIntermediateSize: fields.integer("moe_intermediate_size", "expert_hidden_dim"),
      expertCount: fields.integer("num_experts", "num_local_experts"),
      sharedExpertCount: fields.integer("num_shared_experts"),
      layerKinds: fields.layerKinds(count: layerCount),
      mtpLayerCount: fields.optionalInteger("num_nextn_predict_layers") ?? 0,
      attentionHeadCount: headCount,
      keyValueHeadCount: fields.integer("num_key_value_heads"),
      headSize: fields.headSize(hiddenSize: hiddenSize, headCount: headCount),
      hasQueryKeyNorm: fields.boolean("qk_norm", default: true),
      hasExpertBias: fields.boolean("moe_router_enable_expert_bias", default: true),
      hasAttentionBias: fields.boolean("attention_bias", default: false),
      hasMLPBias: fields.boolean("mlp_bias", default: false),
      tiesWordEmbeddings: fields.boolean("tie_word_embeddings", default: false),
      dtype: fields.dtype())
  }

  /// Reads the text of a `config.json`.
  ///
  /// - Throws: `ConfigError`; for malformed JSON with the line, column and byte of the fault.
  public init(jsonText bytes: RawSpan) throws(ConfigError) {
    let json: JSONValue
    do {
      json = try JSONValue(parsing: bytes)
    } catch {
      throw ConfigError(field: "config.json", expected: "valid JSON", found: "\(error)")
    }
    try self.init(json: json)
  }
}

/// The fields of a config, read with checks.
private struct ConfigFields {
  private let object: JSONObject

  init(_ json: JSONValue) throws(ConfigError) {
    guard case .object(let object) = json else {
      throw ConfigError(field: "config.json", expected: "an object", found: "\(json.kind)")
    }
    self.object = object
  }

  private func value(_ field: String) -> JSONValue? {
    guard let value = object[field], value != .null else { return nil }
    return value
  }

  func requireModelType(_ expected: String) throws(ConfigError) {
    let found = value("model_type")
    guard found?.stringValue == expected else {
      throw ConfigError(
        field: "model_type", expected: "\"\(expected)\"", found: Self.describe(found))
    }
  }

  func optionalInteger(_ field: String) throws(ConfigError) -> Int? {
    guard let value = value(field) else { return nil }
    guard let integer = value.integerValue else {
      throw ConfigError(field: field, expected: "a whole number", found: Self.describe(value))
    }
    return integer
  }

  /// The value of a field that may have either of two names.
  func integer(_ field: String, _ alias: String? = nil) throws(ConfigError) -> Int {
    let first = try optionalInteger(field)
    guard let alias, let second = try optionalInteger(alias) else {
      guard let first else {
        throw ConfigError(
          field: field, expected: "a whole number",
          found: "no such field" + (alias.map { ", nor '\($0)'" } ?? ""))
      }
      return first
    }
    guard first == nil || first == second else {
      throw ConfigError(
        field: alias, expected: "the value of '\(field)', \(first ?? second)", found: "\(second)")
    }
    return second
  }

  func boolean(_ field: String, default: Bool) throws(ConfigError) -> Bool {
    guard let value = value(field) else { return `default` }
    guard let boolean = value.boolValue else {
      throw ConfigError(field: field, expected: "true or false", found: Self.describe(value))
    }
    return boolean
  }

  func headSize(hiddenSize: Int, headCount: Int) throws(ConfigError) -> Int {
    if let size = try optionalInteger("head_dim") { return size }
    guard headCount > 0, hiddenSize.isMultiple(of: headCount) else {
      throw ConfigError(
        field: "head_dim",
        expected: "a whole number, or a hidden_size that num_attention_heads divides",
        found: "no such field")
    }
    return hiddenSize / headCount
  }

  func layerKinds(count: Int) throws(ConfigError) -> [LayerKind] {
    let dense = try optionalInteger("first_k_dense_replace")
    if let dense, !(0...count).contains(dense) {
      throw ConfigError(
        field: "first_k_dense_replace", expected: "0 to num_hidden_layers \(count)",
        found: "\(dense)")
    }
    let prefix = dense.map { dense in
      (0..<count).map { $0 < dense ? LayerKind.dense : .sparse }
    }
    guard let list = value("mlp_layer_types") else {
      guard let prefix else {
        throw ConfigError(
          field: "first_k_dense_replace", expected: "a whole number",
          found: "no such field, nor 'mlp_layer_types'")
      }
      return prefix
    }
    let kinds = list.arrayValue?.map { $0.stringValue.flatMap(LayerKind.init(rawValue:)) } ?? []
    let known = kinds.compactMap { $0 }
    guard kinds.count == count, known.count == count else {
      throw ConfigError(
        field: "mlp_layer_types",
        expected: "\(count) strings \"dense\" or \"sparse\", one for each of num_hidden_layers",
        found: list.arrayValue.map { "\($0.count) elements" } ?? Self.describe(list))
    }
    guard prefix == nil || prefix == known else {
      throw ConfigError(
        field: "mlp_layer_types",
        expected: "\(dense ?? 0) dense layers first, as 'first_k_dense_replace' says",
        found: "another pattern")
    }
    return known
  }

  /// The element type by its name in PyTorch.
  func dtype() throws(ConfigError) -> DType {
    let first = try dtype("dtype")
    let second = try dtype("torch_dtype")
    if let first, let second, first != second {
      throw ConfigError(
        field: "torch_dtype", expected: "the value of 'dtype', \(first)", found: "\(second)")
    }
    return first ?? second ?? .bf16
  }

  private func dtype(_ field: String) throws(ConfigError) -> DType? {
    guard let value = value(field) else { return nil }
    guard let name = value.stringValue, let dtype = Self.dtypes[name] else {
      throw ConfigError(
        field: field, expected: Self.dtypes.keys.sorted().joined(separator: ", "),
        found: Self.describe(value))
    }
    return dtype
  }

  private static let dtypes: [String: DType] = [
    "bfloat16": .bf16, "float16": .f16, "float32": .f32, "float64": .f64,
    "float8_e4m3fn": .f8E4M3, "float8_e5m2": .f8E5M2,
  ]

  private static func describe(_ value: JSONValue?) -> String {
    switch value {
    case nil: "no such field"
    case .number(let number): "\(number)"
    case .string(let text): "\"\(text.prefix(60))\""
    case .bool(let value): "\(value)"
    case .some(let value): "\(value.kind)"
    }
  }
}
