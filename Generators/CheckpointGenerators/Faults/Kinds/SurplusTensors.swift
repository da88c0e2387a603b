// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
import Tensors

/// Keys that the config has no place for; comments say where such faults come from.
extension CheckpointFaultCatalogue {
  static let surplusTensors: [CheckpointFaultKind] = [
    // Upstream drops experts beyond the config's number without a word.
    CheckpointFaultKind("surplus-expert") { checkpoint, site in
      guard let layer = site.pick(checkpoint.sparseLayers) else { return nil }
      let experts = checkpoint.config.expertCount
      if checkpoint.areExpertsNumbered {
        guard checkpoint.addExpert(experts, layer, .surplusExpert) else { return nil }
      } else if !checkpoint.resizeExperts(ofLayer: layer, by: 1) {
        return nil
      }
      return "layer \(layer) has an expert \(experts) of \(experts)"
    },
    // A config with fewer layers than the file; upstream drops the rest.
    CheckpointFaultKind("surplus-layer") { checkpoint, site in
      guard checkpoint.hasBase else { return nil }
      let layer = checkpoint.config.storedLayerCount
      let layout = checkpoint.layout
      let rules = [
        layout.layerNorm,
        layout.tensors.first { $0.part == .up } ?? layout.tensors.first(where: \.isOfExperts),
        layout.routerBias ?? layout.router,
      ].compactMap { $0 }
      guard let rule = site.pick(rules),
        checkpoint.add(checkpoint.tensor(rule, layer), .surplusLayer)
      else { return nil }
      return "layer \(layer) is after the last of \(layer) layers"
    },
    // Adapters that check all layers by the first one, which may be dense.
    CheckpointFaultKind("experts-in-dense-layer") { checkpoint, site in
      guard checkpoint.hasBase, let layer = site.pick(checkpoint.denseDecoderLayers),
        checkpoint.addExpert(0, layer, .expertsInDenseLayer)
      else { return nil }
      return "dense layer \(layer) has an expert 0"
    },
    // Adapters that check all layers by the first one, which may be dense.
    CheckpointFaultKind("router-in-dense-layer") { checkpoint, site in
      guard checkpoint.hasBase, let layer = site.pick(checkpoint.denseDecoderLayers) else {
        return nil
      }
      let layout = checkpoint.layout
      let rules = [layout.router, layout.routerBias, layout.sharedUp].compactMap { $0 }
      guard let rule = site.pick(rules.filter(\.isOfSparseLayers)) else { return nil }
      let info = checkpoint.tensor(rule, layer)
      guard checkpoint.add(info, .expertsInDenseLayer) else { return nil }
      return "dense layer \(layer) has a key \(info.name)"
    },
    // Upstream drops gate projections where the activation has no gate.
    CheckpointFaultKind("gate-of-non-gated-expert") { checkpoint, site in
      let activation = checkpoint.setup.options.activation
      guard !activation.isGated, let place = checkpoint.pickExpert(&site),
        let gate = checkpoint.layout.tensors.first(where: { $0.part == .gate }),
        checkpoint.add(
          checkpoint.tensor(gate, place.layer, expert: place.expert ?? 0), .gateOfNonGatedExpert)
      else { return nil }
      return "\(place) has a gate projection though \(activation) has none"
    },
    // Scale companions that a pattern for weights matches as well.
    CheckpointFaultKind("scale-of-surplus-expert") { checkpoint, site in
      guard let layer = site.pick(checkpoint.sparseLayers),
        let suffix = checkpoint.layout.companions.first,
        let rule = checkpoint.expertRules(layer).first(where: {
          $0.name.hasExpert && $0.part == .up
        }),
        let name = rule.name.replacingWeight(by: suffix)?.name(
          expert: checkpoint.config.expertCount),
        checkpoint.add(TensorInfo(checkpoint.key(layer, name), .bf16, []), .surplusExpert)
      else { return nil }
      return "layer \(layer) has a scale of an expert that does not exist"
    },
  ]
}
