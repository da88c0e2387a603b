// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts

/// Configs that belong to other tensors; comments say where such faults come from.
extension CheckpointFaultCatalogue {
  // The config of another release or of a pruned model; flags on one level that another overrides.
  static let wrongSizesOfConfig: [CheckpointFaultKind] = [
    size("wrong-hidden-size", .hidden, 1, "too large"),
    size("wrong-moe-intermediate", .intermediate, 1, "too large"),
    size("small-moe-intermediate", .intermediate, -1, "too small"),
    size("wrong-dense-intermediate", .denseIntermediate, 1, "too large"),
    size("wrong-vocabulary", .vocabulary, 1, "too large"),
    size("wrong-heads", .heads, 1, "too large"),
    size("wrong-key-value-heads", .keyValueHeads, 1, "too large"),
    size("wrong-head-size", .headSize, 1, "too large"),
    size("more-experts", .experts, 1, "one too large"),
    size("fewer-experts", .experts, -1, "one too small"),
    size("more-shared-experts", .sharedExperts, 1, "one too large"),
    size("fewer-shared-experts", .sharedExperts, -1, "one too small"),
    flag("untied-config", "says the head is not tied", false) { _ in KnownFlag.tiedEmbeddings },
    flag("unexpected-query-key-norm", "has qk_norm") { _ in KnownFlag.queryKeyNorm },
    flag("unexpected-expert-bias", "has a router bias", of: \.routerBiasFlag),
    flag("unexpected-attention-bias", "has attention_bias") { _ in KnownFlag.attentionBias },
    flag("unexpected-mlp-bias", "has mlp_bias") { _ in KnownFlag.mlpBias },
  ]

  static let wrongCountsOfConfig: [CheckpointFaultKind] = [
    // Configs edited for a smaller model.
    count("config-layer-short", "one decoder layer too few") {
      if $0.layers.count > 1 { $0.layers.removeLast() }
    },
    // A published config with one layer more than the file: a random layer, no error.
    count("config-layer-long", "one decoder layer too many") { $0.layers.append(.sparse) },
    // first_k_dense_replace off by one.
    kind("config-more-dense", of: .sparse, is: .dense),
    kind("config-fewer-dense", of: .dense, is: .sparse),
    // Configs that announce prediction layers of which the file has none.
    count("config-more-mtp", "one prediction layer too many") { $0.mtpLayers += 1 },
    // Prediction layers dropped by a number written into the code.
    count("config-fewer-mtp", "one prediction layer too few") { $0.mtpLayers -= 1 },
    // Layer counts that include or exclude prediction layers by family.
    CheckpointFaultKind("decoder-taken-for-mtp") { checkpoint, _ in
      guard checkpoint.isWhole, checkpoint.spec.lora == nil, let last = checkpoint.lastDecoderAlone
      else { return nil }
      let setup = checkpoint.setup
      // A layer that is dropped then contradicts nothing.
      _ = checkpoint.reconfigure {
        $0.layers.removeLast()
        $0.mtpLayers += 1
      }
      guard checkpoint.setup != setup else { return nil }
      // It lacks what every prediction layer has.
      checkpoint.offences.removeAll()
      guard let own = checkpoint.layout.tensors.first(where: \.isOfPrediction) else { return nil }
      checkpoint.offend(checkpoint.key(last, own), .missingTensor)
      checkpoint.touchAll()
      return "config says that decoder layer \(last) is a prediction layer"
    },
    CheckpointFaultKind("mtp-taken-for-decoder") { checkpoint, _ in
      let layer = checkpoint.config.hiddenLayerCount
      guard checkpoint.spec.storesMTP, let kind = checkpoint.layout.layers.prediction?.kind
      else { return nil }
      let isChanged = checkpoint.reconfigure {
        $0.layers.append(kind)
        $0.mtpLayers -= 1
      }
      return isChanged ? "config says that prediction layer \(layer) is a decoder layer" : nil
    },
    // An activation that one framework names and another assumes.
    CheckpointFaultKind("wrong-activation") { checkpoint, _ in
      guard checkpoint.layout.hasGateOption else { return nil }
      var setup = checkpoint.setup
      setup.options.activation = setup.options.activation.isGated ? .relu2 : .swiglu
      return checkpoint.resetUp(setup)
        ? "experts are not those of the activation \(setup.options.activation)" : nil
    },
  ]

  /// Kinds of sizes and flags that only some layouts have.
  static let ownFactsOfConfig: [CheckpointFaultKind] = [
    CheckpointFaultKind("wrong-own-size") { checkpoint, site in
      guard let position = site.pick(checkpoint.layout.ownSizes) else { return nil }
      let rule = checkpoint.layout.sizes[position]
      return checkpoint.reconfigure { $0.add(1, to: rule.symbol) }
        ? "config is another's: \(rule.field) is too large" : nil
    },
    CheckpointFaultKind("unexpected-own-flag") { checkpoint, site in
      guard let position = site.pick(checkpoint.layout.ownFlags) else { return nil }
      let rule = checkpoint.layout.flags[position]
      return checkpoint.reconfigure { $0.set(rule.name, true) }
        ? "config is another's: it has \(rule.field)" : nil
    },
  ]

  private static func size(
    _ name: String, _ symbol: SizeSymbol, _ step: Int, _ word: String
  ) -> CheckpointFaultKind {
    CheckpointFaultKind(name) { checkpoint, _ in
      guard let position = checkpoint.layout.position(of: symbol) else { return nil }
      let field = checkpoint.layout.sizes[position].field
      return checkpoint.reconfigure { $0.add(step, to: symbol.rawValue) }
        ? "config is another's: \(field) is \(word)" : nil
    }
  }

  private static func flag(
    _ name: String, _ words: String, _ value: Bool = true,
    of flag: @escaping @Sendable (Layout) -> String?
  ) -> CheckpointFaultKind {
    CheckpointFaultKind(name) { checkpoint, _ in
      guard let flag = flag(checkpoint.layout) else { return nil }
      return checkpoint.reconfigure { $0.set(flag, value) }
        ? "config is another's: The config \(words)" : nil
    }
  }

  private static func count(
    _ name: String, _ words: String, _ edit: @escaping @Sendable (inout ConfigDraft) -> Void
  ) -> CheckpointFaultKind {
    CheckpointFaultKind(name) { checkpoint, _ in
      checkpoint.reconfigure(edit) ? "config has \(words)" : nil
    }
  }

  /// A decoder layer of another kind than the config says.
  private static func kind(
    _ name: String, of old: LayerKind, is new: LayerKind
  ) -> CheckpointFaultKind {
    CheckpointFaultKind(name) { checkpoint, site in
      let layers = checkpoint.config.layerKinds.indices.filter { layer in
        var kinds = checkpoint.config.layerKinds
        kinds[layer] = new
        return checkpoint.config.layerKinds[layer] == old && checkpoint.layout.canState(kinds)
      }
      guard let layer = site.pick(layers), checkpoint.reconfigure({ $0.layers[layer] = new })
      else { return nil }
      return "config says that \(old) layer \(layer) is \(new)"
    }
  }
}

extension FaultyCheckpoint {
  /// The last decoder layer, if it is of the kind of prediction layers and none of those follows on disk.
  fileprivate var lastDecoderAlone: Int? {
    let last = config.hiddenLayerCount - 1
    guard last > 0, config.layerKinds[last] == layout.layers.prediction?.kind,
      !spec.storesMTP || config.mtpLayerCount == 0
    else { return nil }
    return last
  }
}
