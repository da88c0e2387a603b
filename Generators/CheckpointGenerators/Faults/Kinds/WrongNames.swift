// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
import Tensors

/// Keys that are misspelled or stand under a prefix that the adapter was not told.
extension CheckpointFaultCatalogue {
  static let wrongNames: [CheckpointFaultKind] = [
    expertName(
      "misspelled-weight", "The last component of an expert's key is misspelled.",
      source: "hand-written converters", .unknownExpertKey
    ) { "mlp.experts.\($0.expert).\($0.projection).wieght" },
    expertName(
      "text-behind-weight", "There is text behind the last component of an expert's key.",
      source: "upstream's pattern has no end, so such keys count as the weight", .unknownExpertKey
    ) { "mlp.experts.\($0.expert).\($0.projection).weight_v2" },
    expertName(
      "foreign-projection", "The projections of an expert have the names of another family.",
      source: "Mixtral's w1, w2 and w3", .unknownExpertKey
    ) { place in
      let names = ["gate_proj": "w1", "up_proj": "w3", "down_proj": "w2"]
      return "mlp.experts.\(place.expert).\(names[place.projection] ?? "w1").weight"
    },
    expertName(
      "misspelled-experts", "The component 'experts' of an expert's key is misspelled.",
      source: "hand-written converters"
    ) { "mlp.expert.\($0.expert).\($0.projection).weight" },
    CheckpointFaultKind(
      "expert-projection-bias", "A projection of an expert has a bias.",
      source: "upstream passes biases of experts through unconverted"
    ) { checkpoint, site in
      guard let place = checkpoint.pickExpert(&site) else { return nil }
      let name = checkpoint.expertKey(place.layer, place.expert, "\(place.projection).bias")
      guard checkpoint.add(TensorInfo(name, .bf16, [1])) else { return nil }
      checkpoint.offend(name, .unknownExpertKey)
      return "\(place) has a bias in its \(place.projection)"
    },
    alias(
      "old-router-name", "The router has its name in older files of the vendor.",
      source: "the vendor's own earlier releases", "mlp.router.gate.weight", "mlp.gate.wg.weight"),
    alias(
      "router-owned-bias", "The router's bias stands inside the router.",
      source: "MLX exports", "mlp.expert_bias", "mlp.router.expert_bias"),
    alias(
      "suffixed-bias", "The router's bias has a suffix as if it belonged to a module.",
      source: "converters with one suffix convention for all tensors",
      "mlp.expert_bias", "mlp.expert_bias.bias"),
    CheckpointFaultKind(
      "foreign-prefix-on-expert", "One weight of an expert stands under a foreign prefix.",
      source: "wrappers that leave their module name in some keys"
    ) { checkpoint, site in
      guard let place = checkpoint.pickExpert(&site) else { return nil }
      let new = TensorName("backbone.\(place.name)")
      guard checkpoint.rename(place.name, to: new) else { return nil }
      checkpoint.offend(new, .unknownPrefix)
      checkpoint.offend(place.name, .missingTensor)
      return "\(place) has its \(place.projection) under 'backbone.'"
    },
    CheckpointFaultKind(
      "foreign-prefix-on-router", "A router, its bias or a shared expert has a foreign prefix.",
      source: "wrappers that leave their module name in some keys"
    ) { checkpoint, site in
      let rests = ["mlp.router.gate.weight", "mlp.expert_bias", "mlp.shared_mlp.up_proj.weight"]
      guard let place = checkpoint.pickRequired(checkpoint.sparseLayers, rests, &site) else {
        return nil
      }
      let new = TensorName("backbone.\(place.name)")
      guard checkpoint.rename(place.name, to: new) else { return nil }
      checkpoint.offend(new, .unknownPrefix)
      checkpoint.offend(place.name, .missingTensor)
      return "layer \(place.layer) has its \(place.rest) under 'backbone.'"
    },
    CheckpointFaultKind(
      "foreign-prefix-throughout", "All keys stand under a foreign prefix.",
      source: "savers that keep the wrapper's 'backbone.', of which loaders find nothing"
    ) { checkpoint, _ in
      prefixed(&checkpoint, "backbone.") { _ in true } ? "keys all start with 'backbone.'" : nil
    },
    CheckpointFaultKind(
      "mixed-prefixes", "A key stands under another of the known prefixes.",
      source: "checkpoints merged from a language model and a multimodal one"
    ) { checkpoint, site in
      guard let layer = site.pick(checkpoint.layers) else { return nil }
      let base = "\(checkpoint.prefix)layers.\(layer)."
      let names = checkpoint.infos.map(\.name).filter {
        $0.text.hasPrefix(base) && !$0.text.contains(".lora_") && !$0.text.hasSuffix("_scale")
      }
      guard let old = site.pick(names) else { return nil }
      let other = checkpoint.setup.options.prefix == .model ? "language_model." : "model."
      let new = TensorName("\(other)layers.\(layer).\(old.text.dropFirst(base.count))")
      guard checkpoint.rename(old, to: new) else { return nil }
      checkpoint.offend(new, .unknownPrefix)
      let isOwn = KeyParts(old)?.expert.map(checkpoint.ownExperts.contains) ?? true
      if checkpoint.isWhole, isOwn { checkpoint.offend(old, .missingTensor) }
      return "layer \(layer) has a key \(new) under another prefix"
    },
  ]

  /// Puts a prefix before keys that meet a condition; gives false if nothing is refused.
  private static func prefixed(
    _ checkpoint: inout FaultyCheckpoint, _ prefix: String,
    where isIncluded: (TensorName) -> Bool
  ) -> Bool {
    guard checkpoint.hasBase, checkpoint.spec.lora == nil else { return false }
    let own = Set(checkpoint.ownExperts)
    for old in checkpoint.infos.map(\.name) where isIncluded(old) {
      let new = TensorName("\(prefix)\(old)")
      guard checkpoint.rename(old, to: new) else { return false }
      let key = KeyParts(old)
      if key?.isSparse ?? false { checkpoint.offend(new, .unknownPrefix) }
      let isMTP = key.flatMap { Int($0.layer) }.map { $0 >= checkpoint.config.hiddenLayerCount }
      guard checkpoint.isWhole, !old.text.hasSuffix("_scale"),
        !(isMTP ?? false) || checkpoint.keepsMTP,
        key?.expert.map(own.contains) ?? true
      else { continue }
      checkpoint.offend(old, .missingTensor)
    }
    checkpoint.touchAll()
    return !checkpoint.offences.isEmpty
  }

  private static func expertName(
    _ name: String, _ statement: String, source: String, _ code: Finding.Code? = nil,
    rest: @escaping @Sendable (ExpertPlace) -> String
  ) -> CheckpointFaultKind {
    CheckpointFaultKind(name, statement, source: source) { checkpoint, site in
      guard let place = checkpoint.pickExpert(&site) else { return nil }
      let new = checkpoint.key(place.layer, rest(place))
      guard checkpoint.rename(place.name, to: new) else { return nil }
      if let code { checkpoint.offend(new, code) }
      checkpoint.offend(place.name, .missingTensor)
      return "\(place) has its \(place.projection) under the key \(new)"
    }
  }

  /// A name that no rule knows: the key is kept as it is, and the one it stands for is missing.
  private static func alias(
    _ name: String, _ statement: String, source: String, _ known: String, _ unknown: String
  ) -> CheckpointFaultKind {
    CheckpointFaultKind(name, statement, source: source) { checkpoint, site in
      guard let place = checkpoint.pickRequired(checkpoint.sparseLayers, [known], &site) else {
        return nil
      }
      guard checkpoint.rename(place.name, to: checkpoint.key(place.layer, unknown)) else {
        return nil
      }
      checkpoint.offend(place.name, .missingTensor)
      return "layer \(place.layer) has \(unknown) in place of \(known)"
    }
  }
}
