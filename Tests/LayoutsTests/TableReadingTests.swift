// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Layouts
import Tensors
import Testing

@Suite("What a table says")
struct TableReadingTests {
  @Test("Alternatives in braces give a tensor each, in order, and native names in parallel")
  func braces() throws {
    let layout = try TinyTable.layout(
      (
        "\"{gate,up}.weight\": [I, H]",
        "\"{a,b}.{c,d}\": {shape: [I], automodel: \"x.{1,2,3,4}\"}, \"e{,.f}\": [H]"
      ))
    let rules = layout.tensors.filter { $0.kinds == .dense }
    #expect(
      rules.map(\.name.start) == [
        "mlp.a.c", "mlp.a.d", "mlp.b.c", "mlp.b.d", "mlp.e", "mlp.e.f", "mlp.bias",
      ])
    let natives = rules.prefix(4).map { rule in
      if case .renamed(let name) = rule.native { name.start } else { "" }
    }
    #expect(natives == ["x.1", "x.2", "x.3", "x.4"])
  }

  @Test("Roles and conditions are inherited, and a tensor's own condition is added")
  func inheritance() throws {
    let layout = try TinyTable.layout(
      ("weight: [S * I, H]}", "weight: {shape: [S * I, H], unless: extra_bias, role: other}}"))
    let rule = try #require(layout.rule("mlp.shared.weight"))
    #expect(rule.role == .other)
    let held = [(1, false), (1, true), (0, false)].map { shared, bias in
      rule.isPresent(LayoutValues(sizes: [4, 2, 3, shared], flags: [bias]))
    }
    #expect(held == [true, false, false])
    #expect(layout.rule("mlp.gate.weight")?.role == .dense)
  }

  @Test("Kinds of layers; prediction layers have what they are like and what is theirs")
  func kinds() throws {
    let layout = try TinyTable.layout()
    #expect(layout.rule("norm.weight")?.kinds == .all)
    #expect(layout.rule("mlp.bias")?.kinds == .dense)
    #expect(layout.rule("mlp.router.weight")?.kinds == [.sparse, .mtp])
    #expect(layout.rule("extra.weight")?.kinds == .mtp)
    let dense = try TinyTable.layout(("on load: keep", "on load: drop, like: dense"))
    #expect(dense.rule("mlp.bias")?.kinds == [.dense, .mtp])
    #expect(dense.rule("mlp.router.weight")?.kinds == .sparse)
    #expect(dense.layers.prediction?.isDroppedOnLoad == true)
    #expect(layout.rule("head.weight")?.isAfterLayers == true)
    #expect(layout.rule("model.embed.weight")?.isAfterLayers == false)
  }

  @Test("Interleaved parts, and summands in any order")
  func interleaving() throws {
    let layout = try TinyTable.layout(
      ("fused[e, h, i]", "fused[e, h, 2 * i]"), ("fused[e, h, I + i]", "fused[e, h, 1 + 2*i]"),
      ("down[e, i, h]", "down[e, i, I - I + h + 3]"))
    let up = try #require(layout.rule("mlp.experts.{e}.up.weight"))
    guard case .part(let group, let terms) = up.native else {
      Issue.record("not a part")
      return
    }
    #expect(layout.groups[group].name == "mlp.experts.fused")
    #expect(layout.groups[group].parts.count == 2)
    #expect(layout.groups[group].expertAxis == 0)
    #expect(terms.map(\.axis) == [nil, 1, 0])
    #expect(terms.map(\.coefficient) == [1, 1, 2])
    let values = LayoutValues(sizes: [4, 5, 3, 1], flags: [false])
    #expect(terms.map { $0.offset.value(values) } == [0, 0, 1])
    #expect(layout.extents(of: layout.groups[group], values, experts: 3) == [3, 4, 10])
    // 3 + H rows, and I - I is nothing.
    #expect(layout.extents(of: layout.groups[1], values, experts: 3) == [3, 5, 7])
  }

  @Test("An offset that is no part of the row has no extent")
  func offsetBeyondCoefficient() throws {
    let layout = try TinyTable.layout(
      ("fused[e, h, i]", "fused[e, h, 2 * i]"), ("fused[e, h, I + i]", "fused[e, h, 2 * i + 2]"))
    let values = LayoutValues(sizes: [4, 5, 3, 1], flags: [false])
    #expect(layout.extents(of: layout.groups[0], values, experts: 3) == nil)
  }

  @Test("A renamed module renames what is in it; a tensor's own native name stands for the whole")
  func modules() throws {
    let layout = try TinyTable.layout(
      (
        "mlp.shared: {",
        "mlp.shared: {automodel: mlp.shared_experts, more: {automodel: x.y, shape: [H]}, "
      ))
    guard case .renamed(let name) = try #require(layout.rule("mlp.shared.weight")).native,
      case .renamed(let own) = try #require(layout.rule("mlp.shared.more")).native
    else {
      Issue.record("not renamed")
      return
    }
    #expect(name.start == "mlp.shared_experts.weight")
    #expect(own.start == "x.y")
    let module = try #require(layout.modules.first)
    #expect(layout.modules.count == 1)
    #expect(module.onDisk == "mlp.shared.")
    #expect(module.native == "mlp.shared_experts.")
    #expect(module.kinds == [.sparse, .mtp])
  }

  @Test("Hy has two native forms: the same tensors on disk, other names, groups and formulas")
  func natives() throws {
    let automodel = try Layout.named("hy_v3")
    let transformers = try Layout.named("hy_v3", native: "transformers")
    #expect(automodel.native == "automodel")
    #expect(automodel.tensors.map(\.name) == transformers.tensors.map(\.name))
    #expect(automodel.tensors.map(\.axes) == transformers.tensors.map(\.axes))
    #expect(
      automodel.groups.map(\.name) == ["mlp.experts.gate_and_up_projs", "mlp.experts.down_projs"])
    #expect(
      transformers.groups.map(\.name) == ["mlp.experts.gate_up_proj", "mlp.experts.down_proj"])
    #expect(automodel.lora.map(\.native) == ["lora_gate_and_up", "lora_down"])
    #expect(transformers.lora.isEmpty)
    #expect(automodel != transformers)
    // E = 5, H = 3, I = 2: [E, H, 2I] and [E, 2I, H]; the way down lies the other way round, too.
    var sizes = [Int](repeating: 1, count: automodel.sizes.count)
    for (symbol, value) in [(SizeSymbol.experts, 5), (.hidden, 3), (.intermediate, 2)] {
      sizes[try #require(automodel.position(of: symbol))] = value
    }
    let values = LayoutValues(sizes: sizes, flags: automodel.flags.map(\.fallback))
    #expect(
      automodel.groups.map { automodel.extents(of: $0, values, experts: 5) } == [
        [5, 3, 4], [5, 2, 3],
      ])
    #expect(
      transformers.groups.map { transformers.extents(of: $0, values, experts: 5) } == [
        [5, 4, 3], [5, 3, 2],
      ])
  }

  @Test("A table that extends another replaces whole fields, but sizes and flags by member")
  func extends() throws {
    let text = """
      extends: hy_v3
      models: [own]
      sizes: {X: extra_size, S: {field: shared_count, least: 0}}
      flags: {qk_norm: false, more: true}
      layers: {count: num_hidden_layers}
      """
    let (own, base) = (try Layout(text: text, name: "own"), try Layout.named("hy_v3"))
    #expect(own.modelTypes == ["own"])
    #expect(own.layers.patterns == [.all])
    #expect(own.layers.prediction == nil)
    #expect(own.tensors == base.tensors)
    #expect(own.sizes.map(\.symbol) == base.sizes.map(\.symbol) + ["X"])
    #expect(own.sizes[try #require(own.position(of: .sharedExperts))].field == "shared_count")
    #expect(own.flags.map(\.name) == base.flags.map(\.name) + ["more"])
    #expect(own.flags.first { $0.name == "qk_norm" }?.fallback == false)
    #expect(try Layout.named("hy_mt2").tensors == base.tensors)
    #expect(
      try Layout.named("hy_mt2").upstream == "hy_mt2.state_dict_adapter.HyMT2StateDictAdapter")
  }

  @Test("Where each tensor, size, prefix and companion of Hy comes from")
  func parts() throws {
    let layout = try Layout.named("hy_v3")
    #expect(layout.prefixes == ["model.", "", "language_model.", "model.language_model."])
    #expect(layout.companions == ["weight_scale", "weight_scale_inv", "input_scale"])
    #expect(layout.layerStart == "model.layers.")
    #expect(layout.start(ofLayer: 7, under: "language_model.") == "language_model.layers.7.")
    #expect(layout.name("lm_head.weight", under: "") == "lm_head.weight")
    #expect(layout.constants.map(\.field) == ["hidden_act"])
    #expect(layout.hasGateOption)
    #expect(try !Layout.named("qwen3_moe").hasGateOption)
    #expect(layout.rule("mlp.expert_bias")?.dtype == .f32)
    #expect(layout.rule("mlp.expert_bias")?.role == .routerBias)
    #expect(layout.rule("mlp.experts.{e}.down_proj.weight")?.part == .down)
    #expect(layout.rule("mlp.router.gate.weight")?.word == "router")
    #expect(layout.rule("mlp.shared_mlp.up_proj.weight")?.word == "shared up_proj")
    #expect(layout.rule("model.norm.weight")?.word == "final norm")
  }

  @Test("Names begin with another text on disk and natively where the prefix is a mapping")
  func starts() throws {
    let layout = try TinyTable.layout(
      (
        "prefix: [model., \"\"]",
        "prefix: {model.: [text.model., model.text.], head.: [text.head., head.]}"
      )
    )
    #expect(layout.prefixes == ["text.model."])
    #expect(layout.layerStart == "text.model.layers.")
    #expect(layout.start(ofLayer: 7, under: "text.model.") == "text.model.layers.7.")
    #expect(layout.rule("text.model.embed.weight") != nil)
    #expect(layout.rule("text.head.weight")?.role == .head)
    for (onDisk, native) in [
      ("text.model.layers.1.norm.weight", "model.text.layers.1.norm.weight"),
      ("text.head.weight", "head.weight"), ("text.other", "text.other"),
      ("text.model.\u{301}x", "model.text.\u{301}x"),
    ] {
      #expect(layout.toNative(onDisk) == native)
      #expect(layout.toDisk(native) == onDisk)
    }
    let listing = try #require(
      try ModelConfig(
        layout, sizes: ["H": 2, "I": 2, "E": 1, "S": 1], layerKinds: [.sparse]
      ).listing().map { "\($0.info.name) \($0.nativeName)" }.first { $0.contains("router") })
    #expect(
      listing == "text.model.layers.0.mlp.router.weight model.text.layers.0.mlp.choice.weight")
  }

  @Test("A table that extends another gives its names other starts")
  func startsOfAnother() throws {
    let (own, base) = (try Layout.named("kimi_vl"), try Layout.named("deepseek_v3"))
    #expect(own.starts.count == 5)
    #expect(own.lora.isEmpty)
    #expect(own.configRoot == ["text_config"])
    #expect(try Layout.named("qwen3_omni").configRoot == ["thinker_config", "text_config"])
    #expect(own.order == [.beginning(with: "language_model.model.")])
    let names = own.tensors.filter { $0.kinds == nil }.map { own.toNative($0.name.start) }
    let bare = base.tensors.filter { $0.kinds == nil }.map { $0.name.start }
    #expect(
      names == bare.map { $0.hasPrefix("model.") ? "model.language_model.\($0)" : $0 })
  }

  @Test("Two layouts put what is moved after everything else")
  func order() throws {
    #expect(
      try Layout.knownNames.filter { try Layout.named($0).order == [.moved] } == [
        "minimax_m2", "gpt_oss",
      ])
  }
}
