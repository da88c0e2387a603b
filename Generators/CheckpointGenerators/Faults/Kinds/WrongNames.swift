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
      source: "hand-written converters"
    ) { place, name, _ in
      place.rule.isWeight ? "\(name.dropLast("weight".count))wieght" : "\(name.dropLast())"
    },
    expertName(
      "text-behind-weight", "There is text behind the last component of an expert's key.",
      source: "upstream's pattern has no end, so such keys count as the weight"
    ) { _, name, _ in "\(name)_v2" },
    expertName(
      "foreign-projection", "The projections of an expert have the names of another family.",
      source: "Mixtral's w1, w2 and w3"
    ) { place, _, layout in
      place.expert.flatMap { layout.foreignName(of: place.rule, expert: $0) }
    },
    expertName(
      "misspelled-experts", "The module in an expert's key is misspelled.",
      source: "hand-written converters"
    ) { place, name, _ in
      let start = place.rule.name.start
      guard let dot = start.lastIndex(of: ".") else { return nil }
      let module = start[..<dot]
      return "\(module.dropLast())\(name.dropFirst(module.count))"
    },
    CheckpointFaultKind(
      "expert-projection-bias", "A projection of an expert has a bias.",
      source: "upstream passes biases of experts through unconverted"
    ) { checkpoint, site in
      guard let place = checkpoint.pickExpert(&site) else { return nil }
      let text = place.name.text
      let name = place.rule.isWeight ? "\(text.dropLast("weight".count))bias" : "\(text)_bias"
      let rest = name.dropFirst(checkpoint.key(place.layer, "").text.count)
      guard checkpoint.layout.isOfExperts(String(rest)),
        checkpoint.add(TensorInfo(TensorName(name), .bf16, [1]))
      else { return nil }
      checkpoint.offend(TensorName(name), .unknownExpertKey)
      return "\(place) has a bias in its \(place.projection)"
    },
    alias(
      "old-router-name", "The router has its name in older files of the vendor.",
      source: "the vendor's own earlier releases"
    ) { layout in
      guard let rule = layout.router else { return nil }
      let parts = (layout.nativeName(of: rule) ?? rule.name.start).split(separator: ".")
      return (rule, (parts.dropLast() + ["wg"] + parts.suffix(1)).joined(separator: "."))
    },
    alias(
      "router-owned-bias", "The router's bias stands inside the router.",
      source: "MLX exports"
    ) { layout in
      guard let rule = layout.routerBias, let router = layout.router else { return nil }
      let parts = router.name.start.split(separator: ".").dropLast()
      let own = rule.name.start.split(separator: ".")
      // A router that is the part of a module of its own stands for that module.
      let module = parts.count > 2 ? parts.dropLast() : parts
      guard own.dropLast() != ArraySlice(module) else { return nil }
      return (rule, (module + own.suffix(1)).joined(separator: "."))
    },
    alias(
      "suffixed-bias", "The router's bias has a suffix as if it belonged to a module.",
      source: "converters with one suffix convention for all tensors"
    ) { layout in
      layout.routerBias.map { ($0, "\($0.name.start).bias") }
    },
    CheckpointFaultKind(
      "foreign-prefix-on-expert", "One weight of an expert stands under a foreign prefix.",
      source: "wrappers that leave their module name in some keys"
    ) { checkpoint, site in
      guard let place = checkpoint.pickExpert(&site) else { return nil }
      let new = TensorName("backbone.\(place.name)")
      guard checkpoint.rename(place.name, to: new) else { return nil }
      checkpoint.offendPrefix(new)
      checkpoint.offendMissing(place)
      return "\(place) has its \(place.projection) under 'backbone.'"
    },
    CheckpointFaultKind(
      "foreign-prefix-on-router", "A router, its bias or a shared expert has a foreign prefix.",
      source: "wrappers that leave their module name in some keys"
    ) { checkpoint, site in
      let layout = checkpoint.layout
      let names = [layout.router, layout.routerBias, layout.sharedUp].compactMap { $0?.name }
      guard
        let place = checkpoint.pickRequired(
          checkpoint.sparseLayers, &site, where: { names.contains($0.name) })
      else { return nil }
      let new = TensorName("backbone.\(place.name)")
      guard checkpoint.rename(place.name, to: new) else { return nil }
      checkpoint.offendPrefix(new)
      checkpoint.offend(place.name, .missingTensor)
      return "layer \(place.layer) has its \(place.rule.name.start) under 'backbone.'"
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
      let base = checkpoint.key(layer, "").text
      let names = checkpoint.infos.map(\.name).filter { name in
        guard case .tensor = LenientKey(name, checkpoint.layout).subject else { return false }
        return name.text.hasPrefix(base)
      }
      guard let old = site.pick(names) else { return nil }
      let other = checkpoint.setup.options.prefix == .model ? "language_model." : "model."
      let start = checkpoint.layout.start(ofLayer: layer, under: other)
      let new = TensorName("\(start)\(old.text.dropFirst(base.count))")
      guard checkpoint.rename(old, to: new) else { return nil }
      checkpoint.offend(new, .unknownPrefix)
      if checkpoint.isWhole, checkpoint.isRequired(old) { checkpoint.offend(old, .missingTensor) }
      return "layer \(layer) has a key \(new) under another prefix"
    },
  ]

  /// Puts a prefix before keys that meet a condition; gives false if nothing is refused.
  private static func prefixed(
    _ checkpoint: inout FaultyCheckpoint, _ prefix: String,
    where isIncluded: (TensorName) -> Bool
  ) -> Bool {
    guard checkpoint.hasBase, checkpoint.spec.lora == nil else { return false }
    for old in checkpoint.infos.map(\.name) where isIncluded(old) {
      let isRequired = checkpoint.isWhole && checkpoint.isRequired(old)
      let new = TensorName("\(prefix)\(old)")
      guard checkpoint.rename(old, to: new) else { return false }
      checkpoint.offendPrefix(new)
      if isRequired { checkpoint.offend(old, .missingTensor) }
    }
    checkpoint.touchAll()
    return !checkpoint.offences.isEmpty
  }

  /// - Parameter rest: What the key has behind the layer instead, given what it should have.
  private static func expertName(
    _ name: String, _ statement: String, source: String,
    rest: @escaping @Sendable (ExpertPlace, String, Layout) -> String?
  ) -> CheckpointFaultKind {
    CheckpointFaultKind(name, statement, source: source) { checkpoint, site in
      guard let place = checkpoint.pickExpert(&site) else { return nil }
      let valid = place.name.text.dropFirst(checkpoint.key(place.layer, "").text.count)
      guard let rest = rest(place, String(valid), checkpoint.layout) else { return nil }
      let new = checkpoint.key(place.layer, rest)
      guard checkpoint.rename(place.name, to: new) else { return nil }
      if checkpoint.layout.isOfExperts(rest) { checkpoint.offend(new, .unknownExpertKey) }
      checkpoint.offendMissing(place)
      return "\(place) has its \(place.projection) under the key \(new)"
    }
  }

  /// A name that no rule knows: the key is kept as it is, and the one it stands for is missing.
  private static func alias(
    _ name: String, _ statement: String, source: String,
    _ names: @escaping @Sendable (Layout) -> (TensorRule, String)?
  ) -> CheckpointFaultKind {
    CheckpointFaultKind(name, statement, source: source) { checkpoint, site in
      guard let (rule, unknown) = names(checkpoint.layout),
        let place = checkpoint.pickRequired(
          checkpoint.sparseLayers, &site, where: { $0.name == rule.name }),
        checkpoint.rename(place.name, to: checkpoint.key(place.layer, unknown))
      else { return nil }
      checkpoint.offend(place.name, .missingTensor)
      return "layer \(place.layer) has \(unknown) in place of \(rule.name.start)"
    }
  }
}
