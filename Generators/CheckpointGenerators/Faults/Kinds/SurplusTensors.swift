// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
import Tensors

/// Keys that the config has no place for.
extension CheckpointFaultCatalogue {
  static let surplusTensors: [CheckpointFaultKind] = [
    CheckpointFaultKind(
      "surplus-expert", "A layer has one expert more than the config says.",
      source: "upstream drops experts beyond the config's number without a word"
    ) { checkpoint, site in
      guard let layer = site.pick(checkpoint.sparseLayers) else { return nil }
      let experts = checkpoint.config.expertCount
      for name in checkpoint.expertKeys(layer, experts) {
        guard checkpoint.add(checkpoint.weight(name)) else { return nil }
        checkpoint.offend(name, .surplusExpert)
      }
      return "layer \(layer) has an expert \(experts) of \(experts)"
    },
    CheckpointFaultKind(
      "surplus-layer", "There is a layer behind the last one of the config.",
      source: "a config with fewer layers than the file; upstream drops what lies behind"
    ) { checkpoint, site in
      guard checkpoint.hasBase else { return nil }
      let layer = checkpoint.config.storedLayerCount
      let hidden = checkpoint.config.hiddenSize
      let added: [TensorInfo] = [
        TensorInfo(checkpoint.key(layer, "input_layernorm.weight"), .bf16, [hidden]),
        checkpoint.weight(checkpoint.expertKey(layer, 0, "up_proj.weight")),
        TensorInfo(checkpoint.key(layer, "mlp.expert_bias"), .f32, [checkpoint.config.expertCount]),
      ]
      guard let info = site.pick(added), checkpoint.add(info) else { return nil }
      checkpoint.offend(info.name, .surplusLayer)
      return "layer \(layer) is behind the last of \(layer) layers"
    },
    CheckpointFaultKind(
      "experts-in-dense-layer", "A dense layer has a routed expert.",
      source: "adapters that judge all layers by the first one, which may be dense"
    ) { checkpoint, site in
      guard checkpoint.hasBase, let layer = site.pick(checkpoint.denseDecoderLayers) else {
        return nil
      }
      for name in checkpoint.expertKeys(layer, 0) {
        guard checkpoint.add(checkpoint.weight(name)) else { return nil }
        checkpoint.offend(name, .expertsInDenseLayer)
      }
      return "dense layer \(layer) has an expert 0"
    },
    CheckpointFaultKind(
      "router-in-dense-layer", "A dense layer has a router, its bias or a shared expert.",
      source: "adapters that judge all layers by the first one, which may be dense"
    ) { checkpoint, site in
      guard checkpoint.hasBase, let layer = site.pick(checkpoint.denseDecoderLayers) else {
        return nil
      }
      let experts = checkpoint.config.expertCount
      let added: [TensorInfo] = [
        TensorInfo(
          checkpoint.key(layer, "mlp.router.gate.weight"), .bf16,
          [experts, checkpoint.config.hiddenSize]),
        TensorInfo(checkpoint.key(layer, "mlp.expert_bias"), .f32, [experts]),
        TensorInfo(checkpoint.key(layer, "mlp.shared_mlp.up_proj.weight"), .bf16, [1, 1]),
      ]
      guard let info = site.pick(added), checkpoint.add(info) else { return nil }
      checkpoint.offend(info.name, .expertsInDenseLayer)
      return "dense layer \(layer) has a key \(info.name)"
    },
    CheckpointFaultKind(
      "gate-of-non-gated-expert", "An expert without gate has a gate projection.",
      source: "upstream drops gate projections where the activation has no gate"
    ) { checkpoint, site in
      guard !checkpoint.setup.options.activation.isGated,
        let place = checkpoint.pickExpert(&site)
      else { return nil }
      let name = checkpoint.expertKey(place.layer, place.expert, "gate_proj.weight")
      guard checkpoint.add(checkpoint.weight(name)) else { return nil }
      checkpoint.offend(name, .gateOfNonGatedExpert)
      return "\(place) has a gate projection though \(checkpoint.setup.options.activation) has none"
    },
    CheckpointFaultKind(
      "scale-of-surplus-expert", "A scale belongs to an expert that the config does not have.",
      source: "scale companions that a pattern for weights matches as well"
    ) { checkpoint, site in
      guard let layer = site.pick(checkpoint.sparseLayers) else { return nil }
      let name = checkpoint.expertKey(
        layer, checkpoint.config.expertCount, "up_proj.weight_scale")
      guard checkpoint.add(TensorInfo(name, .bf16, [])) else { return nil }
      checkpoint.offend(name, .surplusExpert)
      return "layer \(layer) has a scale of an expert that does not exist"
    },
  ]
}

extension FaultyCheckpoint {
  /// The weight of a routed expert under any key, of the shape that its projection has.
  func weight(_ name: TensorName) -> TensorInfo {
    let (hidden, inter) = (config.hiddenSize, config.moeIntermediateSize)
    let isDown = name.text.contains("down_proj")
    return TensorInfo(name, spec.types.experts, isDown ? [hidden, inter] : [inter, hidden])
  }
}
