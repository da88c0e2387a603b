// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Layouts
import StrictJSON
import Tensors
import Testing

@Suite("Configs are read and written by tables")
struct ConfigTests {
  private static let published = [
    "hy3.json", "hy-mt2-30b-a3b.json", "qwen3-30b-a3b.json", "glm-4.5-air.json", "deepseek-v3.json",
    "minimax-m2.json", "qwen3-vl-30b-a3b.json", "step-3.5-flash.json", "gpt-oss-20b.json",
  ]

  @Test("A published config, written and read again, is the same", arguments: published)
  func readAgain(_ file: String) throws {
    let config = try ModelConfig(json: Repository.json("Generators/configs/\(file)"))
    let written = config.json
    #expect(try ModelConfig(json: written) == config)
    #expect(try ModelConfig(json: written).json == written)
    #expect(try ModelConfig(json: JSONValue(parsing: written.bytes(.compact))) == config)
  }

  /// Different values for all sizes with fields, such that defaults would be others.
  private static func sizes(_ layout: Layout) -> [String: Int] {
    var sizes: [String: Int] = [:]
    for (position, rule) in layout.sizes.enumerated() {
      if case .fields = rule.source { sizes[rule.symbol] = position + 2 }
    }
    return sizes
  }

  @Test("Any values, written and read again, are the same", arguments: Layout.knownNames)
  func roundTrip(_ name: String) throws {
    for native in try Layout.named(name).natives {
      let layout = try Layout.named(name, native: native)
      let isMixed = layout.layers.patterns != [.all]
      let kinds: [LayerKind] = isMixed ? [.dense, .sparse, .sparse] : [.sparse, .sparse, .sparse]
      for flag in [false, true] {
        var variant = ModelConfig.Variant()
        if layout.variant != nil, flag {
          let positions = layout.sizes.indices.filter { layout.sizes[$0].variant != nil }
          variant = ModelConfig.Variant(
            layers: [0, 2], sizes: Dictionary(uniqueKeysWithValues: positions.map { ($0, 40 + $0) })
          )
        }
        let config = try ModelConfig(
          layout, sizes: Self.sizes(layout),
          flags: Dictionary(uniqueKeysWithValues: layout.flags.map { ($0.name, flag) }),
          layerKinds: kinds, mtpLayerCount: layout.layers.prediction == nil ? 0 : 2,
          variant: variant, dtype: flag ? .f32 : .f16)
        #expect(try ModelConfig(json: config.json, layout: layout) == config)
        let object = try #require(config.json.objectValue)
        #expect(object["model_type"]?.stringValue == layout.modelTypes[0])
        #expect(object["architectures"]?.arrayValue?.first?.stringValue == layout.architecture)
        let fields = layout.configRoot.reduce(object) { $0[$1]?.objectValue ?? $0 }
        for (field, value) in layout.constants { #expect(fields[field] == value) }
      }
    }
  }

  /// A small config of a layout, on top level, with fields changed.
  private func fields(
    _ name: String, _ changes: [String: JSONValue?] = [:]
  ) throws -> JSONValue {
    let layout = try Layout.named(name)
    let config = try ModelConfig(
      layout, sizes: Self.sizes(layout), layerKinds: [.sparse, .sparse, .sparse, .sparse])
    var object = try #require(config.json.objectValue)
    if let root = layout.configRoot.first {
      var inner = try #require(object[root]?.objectValue)
      for (field, value) in changes { inner[field] = value }
      object[root] = .object(inner)
    } else {
      for (field, value) in changes { object[field] = value }
    }
    return .object(object)
  }

  private func kinds(_ name: String, _ changes: [String: JSONValue?]) throws -> String {
    try ModelConfig(json: fields(name, changes)).layerKinds
      .map { $0 == .dense ? "d" : "s" }.joined()
  }

  @Test("Which layers are sparse, in each way that a config may say it")
  func patterns() throws {
    #expect(try kinds("deepseek_v3", ["first_k_dense_replace": 2]) == "ddss")
    #expect(try kinds("hy_v3", ["first_k_dense_replace": 4]) == "dddd")
    #expect(
      try kinds(
        "glm4_moe_lite",
        [
          "first_k_dense_replace": .some(nil),
          "mlp_layer_types": ["dense", "sparse", "sparse", "sparse"],
        ]) == "dsss")
    #expect(
      try kinds(
        "hy_v3",
        [
          "first_k_dense_replace": .some(nil),
          "mlp_layer_types": ["sparse", "dense", "sparse", "dense"],
        ])
        == "sdsd")
    #expect(try kinds("qwen3_moe", ["mlp_only_layers": [1]]) == "sdss")
    #expect(try kinds("qwen3_moe", ["decoder_sparse_step": 2]) == "dsds")
    #expect(
      try kinds("qwen3_vl_moe", ["mlp_only_layers": [3], "decoder_sparse_step": 2]) == "dsdd")
    #expect(
      try kinds("qwen3_moe", ["mlp_only_layers": .some(nil), "decoder_sparse_step": .some(nil)])
        == "ssss")
    #expect(try kinds("step3p5", ["moe_layers_enum": "1, 3"]) == "dsds")
    #expect(try kinds("step3p5", ["moe_layers_enum": [0, 2]]) == "sdsd")
    #expect(try kinds("step3p5", ["moe_layers_enum": ""]) == "dddd")
    #expect(try kinds("gpt_oss", ["first_k_dense_replace": 2]) == "ssss")
    #expect(try kinds("nemotron_v3", ["hybrid_override_pattern": "ME*E"]) == "dsds")
  }

  @Test("Kinds of layers without experts, by the letters of a text or by the texts of a list")
  func namedKinds() throws {
    let text = try ModelConfig(json: fields("nemotron_v3", ["hybrid_override_pattern": "-E*M"]))
    #expect(text.denseKinds == [3, 0, 2, 1])
    let texts: JSONValue = ["mlp", "moe", "attention", "linear_attention"]
    let list = try fields(
      "nemotron_v3", ["hybrid_override_pattern": .null, "layers_block_type": texts])
    #expect(try ModelConfig(json: list) == text)
    #expect(try ModelConfig(json: text.json) == text)
    try expect(
      "nemotron_v3", ["hybrid_override_pattern": "-EMM", "layers_block_type": texts],
      "layers_block_type", "layer 2 mamba as 'hybrid_override_pattern' says", "attention")
    let all = "the texts \"M\", \"*\", \"-\", \"E\", one for each of 4 layers"
    try expect(
      "nemotron_v3", ["hybrid_override_pattern": "MEXE"], "hybrid_override_pattern", all,
      "something else at 2")
  }

  @Test("Both spellings of a fact must agree; one is enough, and null is none")
  func spellings() throws {
    let both = try fields("hy_v3")
    #expect(both.objectValue?["expert_hidden_dim"] == both.objectValue?["moe_intermediate_size"])
    let one = try ModelConfig(json: fields("hy_v3", ["moe_intermediate_size": .null]))
    #expect(one == (try ModelConfig(json: both)))
    try expect(
      "hy_v3", ["expert_hidden_dim": 99], "expert_hidden_dim",
      "the value of 'moe_intermediate_size', 5", "99")
    try expect(
      "hy_v3", ["mlp_layer_types": ["sparse", "dense", "sparse", "sparse"]], "mlp_layer_types",
      "layer 1 sparse as 'first_k_dense_replace' says", "dense")
  }

  @Test("Of two ways to say which layers are dense, one whose fields are absent says nothing")
  func absentWay() throws {
    let text = """
      models: [two_ways]
      sizes: {E: num_experts, H: hidden_size, I: moe_intermediate_size}
      layers: {count: num_hidden_layers, sparse: [{kinds: mlp_layer_types}, {except: mlp_only_layers}]}
      prefix: [model.]
      tensors:
        model.layers.{L}:
          sparse:
            experts.{e}.up.weight: {shape: [I, H], part: up, automodel: "experts.w[e, h, i]"}
      """
    let layout = try Layout(text: text, name: "two_ways")
    let sizes: [(String, JSONValue)] = [
      ("model_type", "two_ways"), ("num_experts", 2), ("hidden_size", 2),
      ("moe_intermediate_size", 2), ("num_hidden_layers", 2),
    ]
    let dense: (String, JSONValue) = ("mlp_layer_types", ["dense", "sparse"])
    let config = try ModelConfig(json: .object(JSONObject(sizes + [dense])), layout: layout)
    #expect(config.layerKinds == [.dense, .sparse])
    let neither = try ModelConfig(json: .object(JSONObject(sizes)), layout: layout)
    #expect(neither.layerKinds == [.sparse, .sparse])
  }

  @Test("An alias is accepted and not written; a default stands for an absent field")
  func aliasesAndDefaults() throws {
    let original = try fields("qwen3_moe")
    let experts = try #require(original.objectValue?["num_experts"])
    #expect(original.objectValue?["num_local_experts"] == nil)
    let aliased = try fields(
      "qwen3_moe", ["num_experts": .some(nil), "num_local_experts": experts])
    #expect(try ModelConfig(json: aliased) == ModelConfig(json: original))
    let derived = try ModelConfig(
      json: fields(
        "qwen3_moe", ["head_dim": .some(nil), "hidden_size": 24, "num_attention_heads": 8]))
    #expect(derived.headSize == 3)
    try expect(
      "qwen3_moe", ["head_dim": .some(nil), "hidden_size": 25, "num_attention_heads": 8],
      "head_dim",
      "a whole number, or a hidden_size that num_attention_heads divides", "no such field")
    let flags = try ModelConfig(
      json: fields("hy_v3", ["qk_norm": .some(nil), "mlp_bias": .some(nil)]))
    #expect(flags.hasQueryKeyNorm)
    #expect(!flags.hasMLPBias)
    let lora = try ModelConfig(json: fields("deepseek_v3", ["q_lora_rank": .null]))
    let position = try #require(lora.layout.sizes.firstIndex { $0.symbol == "Q" })
    #expect(lora.sizes[position] == 0)
  }

  @Test("Fields below text_config; the type may stand there or on top")
  func nested() throws {
    let written = try fields("qwen3_vl_moe")
    #expect(written.objectValue?["hidden_size"] == nil)
    #expect(written.objectValue?["model_type"] == "qwen3_vl_moe")
    var object = try #require(written.objectValue)
    var inner = try #require(object["text_config"]?.objectValue)
    inner["dtype"] = nil
    object["text_config"] = .object(inner)
    object["torch_dtype"] = "float32"
    #expect(try ModelConfig(json: .object(object)).dtype == .f32)
    object["text_config"] = .array([])
    let error = try #require(throws: ConfigError.self) { try ModelConfig(json: .object(object)) }
    #expect(error == ConfigError(field: "text_config", expected: "an object", found: "an array"))
  }

  @Test("Sizes of single layers in Step-3.5")
  func variants() throws {
    let types: JSONValue = [
      "sliding_attention", "full_attention", "sliding_attention", "full_attention",
    ]
    let setting: JSONValue = ["num_attention_heads": 31, "num_attention_groups": 17]
    func config(_ types: JSONValue?, _ setting: JSONValue?) throws -> ModelConfig {
      try ModelConfig(
        json: fields(
          "step3p5", ["layer_types": types ?? .null, "attention_other_setting": setting ?? .null]))
    }
    let both = try config(types, setting)
    #expect(both.variant.layers == [0, 2])
    let values = both.values(isGated: true)
    let heads = try #require(both.layout.position(of: .heads))
    #expect(
      (0..<4).map { both.values(values, ofLayer: $0).sizes[heads] == 31 } == [
        true, false, true, false,
      ])
    #expect(try config(types, nil).variant == ModelConfig.Variant())
    #expect(try config(nil, setting).variant == ModelConfig.Variant())
    #expect(try config(["full_attention", "sliding_attention"], setting).variant.layers == [1])
    try expect(
      "step3p5", ["layer_types": 3], "layer_types", "a list of texts or numbers", "a number")
  }

  @Test("Layers by their numbers in Kimi K3, in an object of the config")
  func numbers() throws {
    let layout = try Layout.named("kimi_k3")
    func config(_ linear: JSONValue) throws -> ModelConfig {
      let text: JSONValue = [
        "vocab_size": 3, "hidden_size": 2, "intermediate_size": 2, "moe_intermediate_size": 2,
        "routed_expert_hidden_size": 2, "num_experts": 2, "num_shared_experts": 1,
        "num_attention_heads": 1, "kv_lora_rank": 1, "qk_nope_head_dim": 1, "qk_rope_head_dim": 1,
        "v_head_dim": 1, "first_k_dense_replace": 0, "num_hidden_layers": 3,
        "linear_attn_config": linear,
      ]
      return try ModelConfig(json: ["model_type": "kimi_k3", "text_config": text])
    }
    func linear(_ layers: JSONValue) -> JSONValue {
      ["head_dim": 2, "num_heads": 5, "short_conv_kernel_size": 4, "full_attn_layers": layers]
    }
    let read = try config(linear([1, 3]))
    #expect(read.variant.layers == [0, 2])
    let heads = try #require(layout.sizes.firstIndex { $0.symbol == "Z" })
    let values = read.values(isGated: true)
    #expect((0..<3).map { read.values(values, ofLayer: $0).sizes[heads] } == [0, 5, 0])
    let written = read.json.objectValue?["text_config"]?.objectValue?["linear_attn_config"]
    #expect(written?.objectValue?["full_attn_layers"] == [1, 3])
    #expect(written?.objectValue?["kda_layers"] == [2])
    #expect(try ModelConfig(json: read.json) == read)
    for (layers, found) in [([0], "others"), ([4], "others"), ("all", "a string")]
      as [(JSONValue, String)]
    {
      let error = try #require(throws: ConfigError.self) { try config(linear(layers)) }
      #expect(
        error
          == ConfigError(
            field: "linear_attn_config.full_attn_layers",
            expected: "numbers of layers from 1 to 3", found: found))
    }
    #expect(throws: ConfigError.self) { try config("none") }
  }

  private func expect(
    _ name: String, _ changes: [String: JSONValue?], _ field: String, _ expected: String,
    _ found: String
  ) throws {
    let error = try #require(throws: ConfigError.self) {
      try ModelConfig(json: fields(name, changes))
    }
    #expect(error == ConfigError(field: field, expected: expected, found: found))
  }

  @Test("What is wrong with a field is said in its words, with every layout")
  func errors() throws {
    try expect(
      "gpt_oss", ["intermediate_size": "big"], "intermediate_size", "a whole number", "\"big\"")
    try expect(
      "glm4_moe", ["n_routed_experts": .some(nil)], "n_routed_experts", "a whole number",
      "no such field")
    try expect(
      "minimax_m2", ["hidden_size": 0], "hidden_size", "a whole number from 1 to 262144", "0")
    try expect("deepseek_v3", ["attention_bias": 1], "attention_bias", "true or false", "1")
    try expect(
      "deepseek_v3", ["first_k_dense_replace": 5], "first_k_dense_replace",
      "0 to 4, the number of layers", "5")
    try expect(
      "qwen3_moe", ["mlp_only_layers": [4]], "mlp_only_layers", "numbers of layers below 4",
      "an array")
    try expect(
      "qwen3_moe", ["decoder_sparse_step": 0], "decoder_sparse_step", "a positive number", "0")
    try expect(
      "step3p5", ["moe_layers_enum": "1,x"], "moe_layers_enum", "numbers of layers below 4",
      "\"1,x\"")
    try expect(
      "qwen3_vl_moe", ["num_experts": .some(nil)], "num_experts", "a whole number",
      "no such field, nor 'num_local_experts'")
    let error = try #require(throws: ConfigError.self) {
      try ModelConfig(json: ["model_type": "gpt_oss2"])
    }
    #expect(error.expected.hasPrefix("'gpt_oss', the nearest of "))
    #expect(error.found == "\"gpt_oss2\"")
  }

  @Test(
    "A config says which layout reads it; a layout given by name reads its own model types only")
  func choice() throws {
    #expect(try ModelConfig(json: fields("minimax_m2")).layout.name == "minimax_m2")
    #expect(try ModelConfig(json: fields("hy_mt2")).layout.name == "hy_v3")
    let json = try fields("hy_mt2")
    #expect(try ModelConfig(json: json, layout: Layout.named("hy_mt2")).layout.name == "hy_mt2")
    #expect(throws: ConfigError.self) {
      try ModelConfig(json: json, layout: Layout.named("qwen3_moe"))
    }
  }
}
