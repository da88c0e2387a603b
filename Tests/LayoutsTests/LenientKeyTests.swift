// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Layouts
import Tensors
import Testing

@Suite("Keys are read generously")
struct LenientKeyTests {
  private func read(_ name: String, _ text: String) throws -> LenientKey {
    LenientKey(TensorName(text), try Layout.named(name))
  }

  /// What a key is about, with the name of the rule or group.
  private func subject(_ table: String, _ text: String) throws -> String {
    let layout = try Layout.named(table)
    let key = try read(table, text)
    func name(_ position: Int) -> String {
      let name = layout.tensors[position].name
      return "\(name.start)\(name.end.map { "{e}\($0)" } ?? "")"
    }
    return switch key.subject {
    case .tensor(let position): "tensor \(name(position))"
    case .renamed(let position): "native \(name(position))"
    case .group(let position): "group \(layout.groups[position].name)"
    case .companion(let position, let suffix): "\(suffix) of \(name(position))"
    case .factor(let position, let isA): "\(isA ? "A" : "B") of \(name(position))"
    case .groupFactor(let lora, let isA): "native \(isA ? "A" : "B") of \(layout.lora[lora].native)"
    case .fusedFactor(let lora, let isA): "fused \(isA ? "A" : "B") of \(layout.lora[lora].native)"
    case .unknown: "unknown"
    }
  }

  @Test(
    "Keys of every kind",
    arguments: [
      ("hy_v3", "model.embed_tokens.weight", "tensor model.embed_tokens.weight"),
      ("hy_v3", "embed_tokens.weight", "tensor model.embed_tokens.weight"),
      ("hy_v3", "lm_head.weight", "tensor lm_head.weight"),
      ("hy_v3", "model.lm_head.weight", "unknown"),
      ("hy_v3", "model.layers.3.mlp.router.gate.weight", "tensor mlp.router.gate.weight"),
      ("hy_v3", "model.layers.3.mlp.gate.weight", "native mlp.router.gate.weight"),
      ("hy_v3", "layers.3.mlp.gate.e_score_correction_bias", "native mlp.expert_bias"),
      (
        "hy_v3", "language_model.layers.3.mlp.shared_experts.up_proj.weight",
        "native mlp.shared_mlp.up_proj.weight"
      ),
      (
        "hy_v3", "model.layers.3.mlp.experts.12.up_proj.weight",
        "tensor mlp.experts.{e}.up_proj.weight"
      ),
      (
        "hy_v3", "model.layers.3.mlp.experts.12.up_proj.weight_scale",
        "weight_scale of mlp.experts.{e}.up_proj.weight"
      ),
      (
        "hy_v3", "model.layers.3.self_attn.q_proj.input_scale",
        "input_scale of self_attn.q_proj.weight"
      ),
      (
        "hy_v3", "model.layers.3.mlp.experts.12.down_proj.lora_A.weight",
        "A of mlp.experts.{e}.down_proj.weight"
      ),
      (
        "hy_v3", "model.layers.3.mlp.experts.gate_and_up_projs",
        "group mlp.experts.gate_and_up_projs"
      ),
      ("hy_v3", "model.layers.3.mlp.experts.lora_gate_and_up_B", "native B of lora_gate_and_up"),
      (
        "hy_v3", "model.layers.3.mlp.experts.base_layer.lora_A.weight",
        "fused A of lora_gate_and_up"
      ),
      ("hy_v3", "model.layers.3.mlp.experts.lora_B.weight", "fused B of lora_down"),
      ("hy_v3", "model.layers.3.mlp.nothing.weight", "unknown"),
      ("qwen3_moe", "model.layers.3.mlp.gate.weight", "tensor mlp.gate.weight"),
      ("qwen3_moe", "model.layers.3.mlp.router.gate.weight", "unknown"),
      (
        "qwen3_moe", "model.layers.3.mlp.experts.0.up_proj.weight_scale",
        "tensor mlp.experts.{e}.up_proj.weight"
      ),
      (
        "minimax_m2", "layers.0.block_sparse_moe.experts.5.w2.weight",
        "tensor block_sparse_moe.experts.{e}.w2.weight"
      ),
      ("minimax_m2", "model.layers.0.mlp.gate.weight", "native block_sparse_moe.gate.weight"),
      ("minimax_m2", "model.layers.0.mlp.experts.down_projs", "group mlp.experts.down_projs"),
      ("step3p5", "model.layers.4.moe.gate_proj.weight", "tensor moe.gate_proj.weight"),
      (
        "step3p5", "model.layers.4.moe.experts.gate_and_up_projs",
        "group moe.experts.gate_and_up_projs"
      ),
      ("gpt_oss", "model.layers.0.mlp.experts.down_projs", "native mlp.experts.down_proj"),
      (
        "gpt_oss", "model.layers.0.mlp.experts.gate_up_proj_bias",
        "tensor mlp.experts.gate_up_proj_bias"
      ),
      (
        "qwen3_vl_moe", "model.language_model.layers.1.mlp.experts.down_proj",
        "tensor mlp.experts.down_proj"
      ),
      ("deepseek_v3", "model.layers.61.shared_head.head.weight", "tensor shared_head.head.weight"),
    ])
  func subjects(_ layout: String, _ key: String, _ expected: String) throws {
    #expect(try subject(layout, key) == expected)
  }

  @Test("Prefix, numbers and what follows them")
  func parts() throws {
    let key = try read("hy_v3", "base.model.layers.17.mlp.experts.4.gate_proj.weight")
    #expect(key.prefix == "base.model.")
    #expect(key.layerText == "17")
    #expect(key.layer == 17)
    #expect(key.rest == "mlp.experts.4.gate_proj.weight")
    #expect(key.expert == 4)
    #expect(key.isExact)
    let outside = try read("hy_v3", "model.norm.weight")
    #expect(outside.layer == nil)
    #expect(outside.rest == "model.norm.weight")
    #expect(outside.expert == nil)
    let unknown = try read("hy_v3", "model.layers.0.mlp.experts.7.other")
    #expect(unknown.subject == .unknown)
    #expect(unknown.expert == 7)
    #expect(unknown.tensor == nil)
  }

  @Test(
    "Numbers in other spellings are read and not exact",
    arguments: [
      ("model.layers.007.mlp.experts.4.up_proj.weight", 7, 4),
      ("model.layers.+7.mlp.experts.04.up_proj.weight", 7, 4),
      ("model.layers.٧.mlp.experts.+4.up_proj.weight", 7, 4),
    ])
  func spellings(_ text: String, _ layer: Int, _ expert: Int) throws {
    let key = try read("hy_v3", text)
    #expect(key.layer == layer)
    #expect(key.expert == expert)
    #expect(!key.isExact)
    #expect(key.tensor != nil)
  }

  @Test("A name that goes on after a known one of an expert is that one's, and not exact")
  func longer() throws {
    let key = try read("hy_v3", "model.layers.0.mlp.experts.1.up_proj.weight_scale_inv.more")
    #expect(!key.isExact)
    #expect(key.expert == 1)
    guard case .companion(_, let suffix) = key.subject else {
      Issue.record("\(key.subject)")
      return
    }
    #expect(suffix == "weight_scale_inv")
  }

  @Test(
    "Every name of every table is read as its own rule, under each prefix and in each native form")
  func ownNames() throws {
    for name in Layout.knownNames {
      for native in try Layout.named(name).natives {
        let layout = try Layout.named(name, native: native)
        for prefix in layout.prefixes {
          for (position, rule) in layout.tensors.enumerated() {
            let start = rule.kinds == nil ? "" : layout.start(ofLayer: 3, under: prefix)
            let relative = rule.name.name(expert: 5)
            let text = start + (rule.kinds == nil ? layout.name(relative, under: prefix) : relative)
            let key = LenientKey(TensorName(text), layout)
            let read = try #require(key.tensor, "\(text)")
            #expect(key.isExact)
            // Layers of two kinds may have tensors of one name.
            #expect(layout.tensors[read].name == layout.tensors[position].name, "\(text)")
          }
        }
      }
    }
  }

  @Test("A number too long for 64 bits, an empty one and letters are none")
  func numbers() throws {
    for number in ["9223372036854775808", "x", "1x", "-1"] {
      let key = try read("hy_v3", "model.layers.\(number).input_layernorm.weight")
      #expect(key.layerText == number)
      #expect(key.layer == nil)
      #expect(!key.isExact)
    }
  }
}
