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
      guard checkpoint.areExpertsNumbered else {
        for place in checkpoint.groupedExperts(layer) where !checkpoint.resizeExperts(place, by: 1)
        {
          return nil
        }
        return "layer \(layer) has an expert \(experts) of \(experts)"
      }
      for rule in checkpoint.expertRules(layer) {
        let name = checkpoint.key(layer, rule, expert: experts)
        guard checkpoint.add(checkpoint.tensor(name, rule, layer)) else { return nil }
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
      let layout = checkpoint.layout
      let rules = [
        layout.layerNorm,
        layout.tensors.first { $0.part == .up } ?? layout.tensors.first(where: \.isOfExperts),
        layout.routerBias ?? layout.router,
      ].compactMap { $0 }
      guard let rule = site.pick(rules) else { return nil }
      let info = checkpoint.tensor(checkpoint.key(layer, rule), rule, layer)
      guard checkpoint.add(info) else { return nil }
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
      for rule in checkpoint.expertRules(layer) {
        let name = checkpoint.key(layer, rule)
        guard checkpoint.add(checkpoint.tensor(name, rule, layer)) else { return nil }
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
      let layout = checkpoint.layout
      let rules = [layout.router, layout.routerBias, layout.sharedUp].compactMap { $0 }
      guard let rule = site.pick(rules.filter(\.isOfSparseLayers)) else { return nil }
      let info = checkpoint.tensor(checkpoint.key(layer, rule), rule, layer)
      guard checkpoint.add(info) else { return nil }
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
      guard let gate = checkpoint.layout.tensors.first(where: { $0.part == .gate }) else {
        return nil
      }
      let name = checkpoint.key(place.layer, gate, expert: place.expert ?? 0)
      guard checkpoint.add(checkpoint.tensor(name, gate, place.layer)) else { return nil }
      checkpoint.offend(name, .gateOfNonGatedExpert)
      return "\(place) has a gate projection though \(checkpoint.setup.options.activation) has none"
    },
    CheckpointFaultKind(
      "scale-of-surplus-expert", "A scale belongs to an expert that the config does not have.",
      source: "scale companions that a pattern for weights matches as well"
    ) { checkpoint, site in
      guard let layer = site.pick(checkpoint.sparseLayers) else { return nil }
      guard let name = checkpoint.surplusScale(layer) else { return nil }
      guard checkpoint.add(TensorInfo(name, .bf16, [])) else { return nil }
      checkpoint.offend(name, .surplusExpert)
      return "layer \(layer) has a scale of an expert that does not exist"
    },
  ]
}

extension FaultyCheckpoint {
  /// The key of a companion of an expert that the config does not have.
  func surplusScale(_ layer: Int) -> TensorName? {
    guard let rule = expertRules(layer).first(where: { $0.name.hasExpert && $0.part == .up }),
      let suffix = layout.companions.first
    else { return nil }
    let name = rule.name.replacingWeight(by: suffix)
    return name.map { key(layer, $0.name(expert: config.expertCount)) }
  }
}
