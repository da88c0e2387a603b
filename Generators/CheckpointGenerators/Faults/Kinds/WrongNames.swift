// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
import Tensors

/// Keys that are misspelled or have a prefix that the adapter was not told; comments say where
/// such faults come from.
extension CheckpointFaultCatalogue {
  static let wrongNames: [CheckpointFaultKind] = [
    // Hand-written converters.
    expertName("misspelled-weight") { place, name, _ in
      place.rule.isWeight ? "\(name.dropLast("weight".count))wieght" : "\(name.dropLast())"
    },
    // Upstream's pattern has no end, so such keys count as the weight.
    expertName("text-behind-weight") { _, name, _ in "\(name)_v2" },
    // Mixtral's w1, w2 and w3.
    expertName("foreign-projection") { place, _, layout in
      place.expert.flatMap { layout.foreignName(of: place.rule, expert: $0) }
    },
    // Hand-written converters.
    expertName("misspelled-experts") { place, name, _ in
      let start = place.rule.name.start
      guard let dot = start.lastIndex(of: ".") else { return nil }
      let module = start[..<dot]
      return "\(module.dropLast())\(name.dropFirst(module.count))"
    },
    // Upstream passes biases of experts through unconverted.
    CheckpointFaultKind("expert-projection-bias") { checkpoint, site in
      guard let place = checkpoint.pickExpert(&site) else { return nil }
      let rest = checkpoint.rest(of: place)
      let name = place.rule.isWeight ? "\(rest.dropLast("weight".count))bias" : "\(rest)_bias"
      guard checkpoint.layout.isOfExperts(name),
        checkpoint.add(
          TensorInfo(checkpoint.key(place.layer, name), .bf16, [1]), .unknownExpertKey)
      else { return nil }
      return "\(place) has a bias in its \(place.projection)"
    },
    // The vendor's own earlier releases.
    alias("old-router-name") { layout in
      guard let rule = layout.router else { return nil }
      let parts = (layout.nativeName(of: rule) ?? rule.name.start).split(separator: ".")
      return (rule, (parts.dropLast() + ["wg"] + parts.suffix(1)).joined(separator: "."))
    },
    // MLX exports.
    alias("router-owned-bias") { layout in
      guard let rule = layout.routerBias, let router = layout.router else { return nil }
      let parts = router.name.start.split(separator: ".").dropLast()
      let own = rule.name.start.split(separator: ".")
      // A router that is the part of a module of its own stands for that module.
      let module = parts.count > 2 ? parts.dropLast() : parts
      guard own.dropLast() != ArraySlice(module) else { return nil }
      return (rule, (module + own.suffix(1)).joined(separator: "."))
    },
    // Converters with one suffix convention for all tensors.
    alias("suffixed-bias") { layout in
      layout.routerBias.map { ($0, "\($0.name.start).bias") }
    },
    // Wrappers that leave their module name in some keys.
    .renamed("foreign-prefix-on-expert", at: { $0.pickExpert(&$1) }) { checkpoint, place in
      let words = "\(place) has its \(place.projection) under 'backbone.'"
      return checkpoint.prefixed(place.name, "backbone.", words)
    },
    .renamed("foreign-prefix-on-router") { checkpoint, site in
      let layout = checkpoint.layout
      let names = [layout.router, layout.routerBias, layout.sharedUp].compactMap { $0?.name }
      return checkpoint.pickRequired(checkpoint.sparseLayers, &site) { names.contains($0.name) }
    } to: { checkpoint, place in
      let words = "layer \(place.layer) has its \(place.rule.name.start) under 'backbone.'"
      return checkpoint.prefixed(place.name, "backbone.", words)
    },
    // Savers that keep the wrapper's 'backbone.', of which loaders find nothing.
    CheckpointFaultKind("foreign-prefix-throughout") { checkpoint, _ in
      guard checkpoint.hasBase, checkpoint.spec.lora == nil else { return nil }
      for old in checkpoint.infos.map(\.name) {
        let isRequired = checkpoint.isWhole && checkpoint.isRequired(old)
        let (new, codes, _) = checkpoint.prefixed(old, "backbone.", "")
        guard checkpoint.rename(old, to: new) else { return nil }
        if !codes.isEmpty { checkpoint.offend(new, codes) }
        if isRequired { checkpoint.offend(old, .missingTensor) }
      }
      checkpoint.touchAll()
      return "keys all start with 'backbone.'"
    },
    // Checkpoints merged from a language model and a multimodal one.
    CheckpointFaultKind("mixed-prefixes") { checkpoint, site in
      guard let layer = site.pick(checkpoint.layers) else { return nil }
      let names = checkpoint.names(in: layer).filter { name in
        if case .tensor = LenientKey(name, checkpoint.layout).subject { true } else { false }
      }
      guard let old = site.pick(names) else { return nil }
      let other = checkpoint.setup.options.prefix == .model ? "language_model." : "model."
      let start = checkpoint.layout.start(ofLayer: layer, under: other)
      let new = TensorName("\(start)\(LenientKey(old, checkpoint.layout).rest)")
      guard checkpoint.rename(old, to: new) else { return nil }
      checkpoint.offend(new, .unknownPrefix)
      if checkpoint.isWhole, checkpoint.isRequired(old) { checkpoint.offend(old, .missingTensor) }
      return "layer \(layer) has a key \(new) under another prefix"
    },
  ]

  /// - Parameter rest: What the key has after the layer instead, given what it should have.
  private static func expertName(
    _ name: String, rest: @escaping @Sendable (FaultPlace, String, Layout) -> String?
  ) -> CheckpointFaultKind {
    .renamed(name, at: { $0.pickExpert(&$1) }) { checkpoint, place in
      guard let rest = rest(place, checkpoint.rest(of: place), checkpoint.layout) else {
        return nil
      }
      let new = checkpoint.key(place.layer, rest)
      return (
        new, checkpoint.layout.isOfExperts(rest) ? [.unknownExpertKey] : [],
        "\(place) has its \(place.projection) under the key \(new)"
      )
    }
  }

  /// A name that no rule knows: the key is kept as it is, and the one it stands for is missing.
  private static func alias(
    _ name: String, _ names: @escaping @Sendable (Layout) -> (TensorRule, String)?
  ) -> CheckpointFaultKind {
    .renamed(name) { checkpoint, site in
      guard let (rule, _) = names(checkpoint.layout) else { return nil }
      return checkpoint.pickRequired(checkpoint.sparseLayers, &site) { $0.name == rule.name }
    } to: { checkpoint, place in
      names(checkpoint.layout).map { rule, unknown in
        (
          checkpoint.key(place.layer, unknown), [],
          "layer \(place.layer) has \(unknown) in place of \(rule.name.start)"
        )
      }
    }
  }
}

extension FaultyCheckpoint {
  /// What a tensor's key has after the layer.
  fileprivate func rest(of place: FaultPlace) -> String {
    String(place.name.text.dropFirst(key(place.layer, "").text.count))
  }

  /// A key under a prefix that it should not have, which a refusal names if it says what it is.
  func prefixed(
    _ name: TensorName, _ prefix: String, _ words: String
  ) -> CheckpointFaultKind.Renaming {
    let new = TensorName("\(prefix)\(name)")
    return (new, layout.mentionsMoved(new.text) ? [.unknownPrefix] : [], words)
  }
}
