// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
import Tensors

/// Keys that are not there, beside those of routed experts.
extension CheckpointFaultCatalogue {
  static let missingTensors: [CheckpointFaultKind] = [
    CheckpointFaultKind(
      "empty", "There is no tensor at all.",
      source: "a loader that skips every file and reports success"
    ) { checkpoint, _ in
      guard checkpoint.isWhole else { return nil }
      let keeps = checkpoint.keepsMTP
      let hidden = checkpoint.config.hiddenLayerCount
      let own = Set(checkpoint.ownExperts)
      let required = checkpoint.infos.map(\.name).filter { name in
        guard !name.text.contains(".lora_"), !name.text.hasSuffix("_scale") else { return false }
        guard let key = KeyParts(name), let layer = Int(key.layer) else { return true }
        return (layer < hidden || keeps) && (key.expert.map(own.contains) ?? true)
      }
      checkpoint.remove(checkpoint.infos.map(\.name))
      checkpoint.lose(required)
      checkpoint.touchAll()
      return "keys are all missing"
    },
    missing(
      "missing-router", "A sparse layer has no router.",
      source: "a rename of the router that was forgotten on one path",
      ["mlp.router.gate.weight"], \.sparseLayers),
    missing(
      "missing-expert-bias", "A sparse layer has no correction bias of the router.",
      source: "savers and loaders that see parameters only and skip buffers",
      ["mlp.expert_bias"], \.sparseLayers),
    missing(
      "missing-shared-expert", "A projection of the shared expert is missing.",
      source: "exporters that call the shared expert by another name, which loaders skip",
      [
        "mlp.shared_mlp.gate_proj.weight", "mlp.shared_mlp.up_proj.weight",
        "mlp.shared_mlp.down_proj.weight",
      ], \.sparseLayers),
    missing(
      "missing-dense-projection", "A projection of a dense layer is missing.",
      source: "adapters that map sparse layers only",
      ["mlp.gate_proj.weight", "mlp.up_proj.weight", "mlp.down_proj.weight"], \.denseLayers),
    missing(
      "missing-attention", "A projection of an attention is missing.",
      source: "an index that lists tensors which no file holds",
      ["q_proj", "k_proj", "v_proj", "o_proj"].map { "self_attn.\($0).weight" }, \.layers),
    missing(
      "missing-norm", "A norm of a layer is missing.",
      source: "norms under a family's own names that a loader does not map",
      [
        "input_layernorm.weight", "post_attention_layernorm.weight", "self_attn.q_norm.weight",
        "self_attn.k_norm.weight",
      ], \.layers),
    missing(
      "missing-attention-bias", "A bias of an attention projection is missing.",
      source: "adapters that map weights only",
      ["q_proj", "k_proj", "v_proj", "o_proj"].map { "self_attn.\($0).bias" }, \.layers),
    missing(
      "missing-mtp-tensor", "A kept multi-token prediction layer lacks a tensor of its own.",
      source: "multi-token prediction norms that one loader renamed and the next did not find",
      ["eh_proj", "enorm", "hnorm", "final_layernorm"].map { "\($0).weight" }
    ) { checkpoint in
      checkpoint.layers.filter { $0 >= checkpoint.config.hiddenLayerCount }
    },
    missingOutside(
      "missing-embedding", "The token embedding is missing.",
      source: "a base prefix that differs, so that no key of the body is found"
    ) { "\($0.prefix)embed_tokens.weight" },
    missingOutside(
      "missing-head", "The output head is missing though it is not tied to the embedding.",
      source: "savers that leave the head out because a config on another level says it is tied"
    ) { _ in "lm_head.weight" },
    missingOutside(
      "missing-final-norm", "The norm behind the last layer is missing.",
      source: "a shard with the last tensors that was not written"
    ) { "\($0.prefix)norm.weight" },
    CheckpointFaultKind(
      "missing-layer", "All tensors of one decoder layer are missing.",
      source: "a pipeline stage or a shard whose file was not copied"
    ) { checkpoint, site in
      let decoders = Array(0..<checkpoint.config.hiddenLayerCount)
      guard checkpoint.isWhole, let layer = site.pick(decoders.reversed()) else { return nil }
      let base = "\(checkpoint.prefix)layers.\(layer)."
      let names = checkpoint.infos.map(\.name).filter {
        $0.text.hasPrefix(base) && !$0.text.contains(".lora_")
      }
      let own = Set(checkpoint.ownExperts)
      checkpoint.remove(names)
      for name in names where !name.text.hasSuffix("_scale") {
        if KeyParts(name)?.expert.map(own.contains) ?? true {
          checkpoint.offend(name, .missingTensor)
        }
      }
      return "layer \(layer) is missing"
    },
  ]

  private static func missing(
    _ name: String, _ statement: String, source: String, _ rests: [String],
    _ layers: @escaping @Sendable (FaultyCheckpoint) -> [Int]
  ) -> CheckpointFaultKind {
    CheckpointFaultKind(name, statement, source: source) { checkpoint, site in
      guard let place = checkpoint.pickRequired(layers(checkpoint), rests, &site) else {
        return nil
      }
      checkpoint.lose([place.name])
      return "layer \(place.layer) has no \(place.rest)"
    }
  }

  private static func missingOutside(
    _ name: String, _ statement: String, source: String,
    _ key: @escaping @Sendable (FaultyCheckpoint) -> String
  ) -> CheckpointFaultKind {
    CheckpointFaultKind(name, statement, source: source) { checkpoint, _ in
      let name = TensorName(key(checkpoint))
      guard checkpoint.isWhole, checkpoint.has(name) else { return nil }
      checkpoint.lose([name])
      return "\(name) is missing"
    }
  }
}
