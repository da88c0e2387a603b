// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Adapters
import CheckpointGenerators
import Layouts
import Tensors

/// Names that are missed, confused or matched too widely.
extension FaultBank {
  static let names: [PlantedFault] = renames + contents + prefixes + groupings

  /// Names on disk and in native form that a part of a key gives.
  private static let bias = ("mlp.expert_bias", "mlp.gate.e_score_correction_bias")
  private static let router = ("mlp.router.gate.weight", "mlp.gate.weight")
  private static let shared = ("mlp.shared_mlp.", "mlp.shared_experts.")

  static func rename(_ old: String, _ new: String) -> FaultyAdapter.Edit {
    { dict, _ in try dict.renaming { $0.replacing(old, with: new) } }
  }

  private static func missedOnLoad(_ rule: (String, String)) -> FaultyAdapter {
    FaultyAdapter(nativeOut: rename(rule.1, rule.0))
  }

  private static func missedOnSave(_ rule: (String, String)) -> FaultyAdapter {
    FaultyAdapter(onDiskOut: rename(rule.0, rule.1))
  }

  /// The native form has another name, which saving knows, too.
  static func namedOtherwise(_ native: String, _ other: String) -> FaultyAdapter {
    FaultyAdapter(nativeOut: rename(native, other), nativeIn: rename(other, native))
  }

  private static let renames: [PlantedFault] = [
    PlantedFault(
      "rename-bias-load", .names, "the router's bias keeps its name on disk on load",
      says: "expert_bias keeps its name on disk from HF only", smallest: "",
      missedOnLoad(bias)),
    PlantedFault(
      "rename-bias-save", .names, "the router's bias keeps its native name on save",
      says: "expert_bias keeps its native name to HF only", smallest: "",
      missedOnSave(bias)),
    PlantedFault(
      "rename-bias-both", .names, "the router's bias is not renamed in either direction",
      .selfConsistent, says: "expert_bias keeps its name on disk from HF only", smallest: "",
      namedOtherwise(bias.1, bias.0)),
    PlantedFault(
      "rename-bias-other-both", .names, "the router's bias is 'correction' in native form",
      .selfConsistent, says: "expert_bias comes out as 'mlp.gate.correction' from HF only",
      smallest: "", namedOtherwise("mlp.gate.e_score_correction_bias", "mlp.gate.correction")),
    PlantedFault(
      "rename-router-load", .names, "the router's weight keeps its name on disk on load",
      says: "router keeps its name on disk from HF only", smallest: "",
      missedOnLoad(router)),
    PlantedFault(
      "rename-router-save", .names, "the router's weight keeps its native name on save",
      says: "router keeps its native name to HF only", smallest: "",
      missedOnSave(router)),
    PlantedFault(
      "rename-router-both", .names, "the router's weight is not renamed in either direction",
      .selfConsistent, says: "router keeps its name on disk from HF only", smallest: "",
      namedOtherwise(router.1, router.0)),
    PlantedFault(
      "rename-shared-load", .names, "shared experts keep their name on disk on load",
      says:
        "shared gate_proj, shared up_proj and shared down_proj keep their name on disk from HF only",
      smallest: "shared experts 1",
      missedOnLoad(shared)),
    PlantedFault(
      "rename-shared-save", .names, "shared experts keep their native name on save",
      says:
        "shared gate_proj, shared up_proj and shared down_proj keep their native name to HF only",
      smallest: "shared experts 1",
      missedOnSave(shared)),
    PlantedFault(
      "rename-shared-both", .names, "shared experts are not renamed in either direction",
      .selfConsistent,
      says:
        "shared gate_proj, shared up_proj and shared down_proj keep their name on disk from HF only",
      smallest: "shared experts 1", namedOtherwise(shared.1, shared.0)),
    PlantedFault(
      "rename-shared-gate-only", .names, "of shared experts only gate_proj is renamed on save",
      says: "shared up_proj and shared down_proj keep their native name to HF only",
      smallest: "shared experts 1",
      FaultyAdapter(onDiskOut: { dict, _ in
        try dict.renaming { name in
          name.contains("gate_proj") ? name : name.replacing(shared.0, with: shared.1)
        }
      })),
    PlantedFault(
      "rename-one-digit", .names, "names are not replaced in layers of two digits on load",
      says: "router and expert_bias keep their name on disk from HF only",
      smallest: "layers 11 (0 dense) | layers 10 (0 dense); MTP layers 1; MTP policy preserve",
      FaultyAdapter(nativeOut: { dict, _ in
        try dict.renaming { name in
          guard let digits = KeyParts(name).layerDigits, digits.count > 1 else { return name }
          return [bias, router, shared].reduce(name) { $0.replacing($1.1, with: $1.0) }
        }
      })),
    PlantedFault(
      "grouped-names-both", .names, "grouped experts have transformers' names in native form",
      .selfConsistent,
      says: "gate_and_up_projs comes out as 'mlp.experts.gate_up_proj' from HF only", smallest: "",
      namedOtherwise("mlp.experts.gate_and_up_projs", "mlp.experts.gate_up_proj")),
  ]

  /// The contents of two names exchanged on load, and on save as well.
  private static func exchanging(_ one: String, _ other: String) -> FaultyAdapter {
    let exchange: FaultyAdapter.Edit = { dict, _ in
      try dict.renaming { name in
        name.contains(one)
          ? name.replacing(one, with: other) : name.replacing(other, with: one)
      }
    }
    return FaultyAdapter(nativeOut: exchange, nativeIn: exchange)
  }

  private static let contents: [PlantedFault] = [
    PlantedFault(
      "norms-exchanged-both", .names,
      "input_layernorm and post_attention_layernorm are exchanged in both directions",
      .selfConsistent,
      says: "input_layernorm and post_attention_layernorm are exchanged in both directions",
      smallest: "", exchanging("input_layernorm", "post_attention_layernorm")),
    PlantedFault(
      "qk-norms-exchanged-both", .names, "q_norm and k_norm are exchanged in both directions",
      .selfConsistent, says: "k_norm and q_norm are exchanged in both directions", smallest: "",
      exchanging("q_norm", "k_norm")),
    PlantedFault(
      "shared-gate-up-exchanged-both", .names,
      "gate_proj and up_proj of shared experts are exchanged in both directions",
      .selfConsistent, says: "shared gate_proj and shared up_proj are exchanged in both directions",
      smallest: "shared experts 1",
      exchanging("shared_experts.gate_proj", "shared_experts.up_proj")),
    PlantedFault(
      "key-value-exchanged-both", .names, "k_proj and v_proj are exchanged in both directions",
      .selfConsistent, says: "k_proj and v_proj are exchanged in both directions", smallest: "",
      exchanging("self_attn.k_proj", "self_attn.v_proj")),
    PlantedFault(
      "head-tied-by-assumption", .names, "the head is taken for the embedding on load",
      says: "lm_head holds the elements of embed_tokens from HF only",
      smallest: "contents tracer 0",
      FaultyAdapter(nativeOut: { dict, _ in
        try dict.taking { name in
          guard name == "lm_head.weight" else { return name }
          return dict.names.first { $0.text.hasSuffix("embed_tokens.weight") }?.text ?? name
        }
      })),
    PlantedFault(
      "head-invented-where-tied", .names, "a head is saved where embeddings are tied",
      says: "surplus key 'lm_head.weight' to HF only", smallest: "embeddings tied",
      FaultyAdapter(onDiskOut: { dict, call in
        guard call.setup.config.tiesWordEmbeddings,
          let embedding = dict.first(where: { $0.name.text.hasSuffix("embed_tokens.weight") })
        else { return dict }
        return try dict.appending(StateDict([(TensorName("lm_head.weight"), embedding.tensor)]))
      })),
    PlantedFault(
      "head-dropped", .names, "the head is lost on load", says: "lm_head is lost from HF only",
      smallest: "",
      FaultyAdapter(nativeOut: { dict, _ in dict.filter { !$0.text.hasPrefix("lm_head.") } })),
    PlantedFault(
      "biases-dropped", .names, "biases of projections are lost on load",
      says: "q_proj bias, k_proj bias, v_proj bias and o_proj bias are lost from HF only",
      smallest: "biases attention",
      FaultyAdapter(nativeOut: { dict, _ in dict.filter { !$0.text.hasSuffix("_proj.bias") } })),
    PlantedFault(
      "buffers-skipped", .names, "the router's bias is lost on load because it is no parameter",
      says: "expert_bias is lost from HF only", smallest: "",
      FaultyAdapter(nativeOut: { dict, _ in
        dict.filter { !$0.text.hasSuffix("e_score_correction_bias") }
      })),
  ]

  private static func stated(_ call: FaultyAdapter.Call) -> String {
    call.setup.prefix
  }

  private static func own(_ name: String, _ call: FaultyAdapter.Call) -> Bool {
    !name.hasPrefix("lm_head.") && name.hasPrefix(stated(call)) && !name.contains(".lora_")
  }

  private static let prefixes: [PlantedFault] = [
    PlantedFault(
      "prefix-model-save", .names, "keys are saved under 'model.' whatever their prefix was",
      says: "embed_tokens comes out as 'model.embed_tokens.weight' to HF only",
      smallest: "key prefix \"\"",
      FaultyAdapter(onDiskOut: { dict, call in
        try dict.renaming { name in
          own(name, call) ? "model.\(name.dropFirst(stated(call).count))" : name
        }
      })),
    PlantedFault(
      "prefix-lost-both", .names, "native keys lack the prefix, which saving puts back",
      .selfConsistent, says: "embed_tokens comes out as 'embed_tokens.weight' from HF only",
      smallest: "",
      FaultyAdapter(
        nativeOut: { dict, call in
          try dict.renaming { own($0, call) ? String($0.dropFirst(stated(call).count)) : $0 }
        },
        nativeIn: { dict, call in
          try dict.renaming { name in
            ["layers.", "embed_tokens.", "norm."].contains { name.hasPrefix($0) }
              && !name.contains(".lora_") ? stated(call) + name : name
          }
        })),
    PlantedFault(
      "prefix-model-renames", .names, "names are replaced under 'model.' only on load",
      says: "keep their name on disk from HF only", smallest: "key prefix \"\"",
      FaultyAdapter(nativeOut: { dict, call in
        guard call.setup.options.prefix != .model else { return dict }
        return try dict.renaming { name in
          [bias, router, shared].reduce(name) { $0.replacing($1.1, with: $1.0) }
        }
      })),
  ]

  /// Experts of some layers stay as they are on disk, behind all else.
  static func ungrouping(
    _ isConcerned: @escaping @Sendable (_ layer: Int, FaultyAdapter.Call) -> Bool
  ) -> FaultyAdapter.Convert {
    { session, dict, call in
      let isExpert = { (name: TensorName) in
        name.text.contains(".mlp.experts.") && !name.text.contains(".lora_")
          && KeyParts(name.text).layer.map { isConcerned($0, call) } ?? false
      }
      let native = try session.fromHF(dict, call.rank)
      let kept = native.filter { !isExpert($0) }
      let layers = Set(native.names.filter(isExpert).compactMap { KeyParts($0.text).layer })
      return try kept.appending(
        dict.filter { name in
          isExpert(name) && KeyParts(name.text).layer.map(layers.contains) ?? false
        })
    }
  }

  private static let groupings: [PlantedFault] = [
    PlantedFault(
      "grouping-model-prefix", .names, "experts are grouped under 'model.' only on load",
      says: "down_projs keeps its name on disk from HF only", smallest: "key prefix \"\"",
      FaultyAdapter(fromHF: ungrouping { _, call in call.setup.options.prefix != .model })),
    PlantedFault(
      "grouping-judged-by-layer-0", .names,
      "no experts are grouped on load where layer 0 has none",
      says: "down_projs keeps its name on disk from HF only",
      smallest: "layers 1 (1 dense); MTP layers 1; MTP policy preserve",
      FaultyAdapter(
        fromHF: ungrouping { _, call in call.setup.config.layerKinds.first == .dense })),
    PlantedFault(
      "grouping-last-layer-skipped", .names, "experts of the last layer are not grouped on load",
      says: "down_projs keeps its name on disk from HF only", smallest: "",
      FaultyAdapter(
        fromHF: ungrouping { layer, call in layer == call.setup.config.hiddenLayerCount - 1 })),
    PlantedFault(
      "grouping-gated-swiglu-only", .names,
      "up_proj alone is grouped on load with activations other than swiglu",
      says: "gate_proj is missing from the grouped tensor from HF only",
      smallest: "activation swigluoai",
      FaultyAdapter(nativeOut: { dict, call in
        let activation = call.setup.options.activation
        guard activation != .swiglu, activation.isGated else { return dict }
        let inter = call.setup.config.moeIntermediateSize
        return try dict.editing(".gate_and_up_projs") {
          try $0.selecting(axis: 2, (inter..<2 * inter).map { $0 })
        }
      })),
  ]
}
