// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
import Tensors

/// Configs that belong to other tensors.
extension CheckpointFaultCatalogue {
  static let wrongSizesOfConfig: [CheckpointFaultKind] = [
    config("wrong-hidden-size", "hidden_size is too large.", .hidden, 1),
    config("wrong-moe-intermediate", "moe_intermediate_size is too large.", .intermediate, 1),
    config("small-moe-intermediate", "moe_intermediate_size is too small.", .intermediate, -1),
    config("wrong-dense-intermediate", "intermediate_size is too large.", .denseIntermediate, 1),
    config("wrong-vocabulary", "vocab_size is too large.", .vocabulary, 1),
    config("wrong-heads", "num_attention_heads is too large.", .heads, 1),
    config("wrong-key-value-heads", "num_key_value_heads is too large.", .keyValueHeads, 1),
    config("wrong-head-size", "head_dim is too large.", .headSize, 1),
    config("more-experts", "num_experts is one too large.", .experts, 1),
    config("fewer-experts", "num_experts is one too small.", .experts, -1),
    config("more-shared-experts", "num_shared_experts is one too large.", .sharedExperts, 1),
    config("fewer-shared-experts", "num_shared_experts is one too small.", .sharedExperts, -1),
    flag("untied-config", "The config says the head is not tied.", false) { _ in
      KnownFlag.tiedEmbeddings
    },
    flag("unexpected-query-key-norm", "The config has qk_norm.", true) { _ in
      KnownFlag.queryKeyNorm
    },
    flag("unexpected-expert-bias", "The config has a router bias.", true, of: \.routerBiasFlag),
    flag("unexpected-attention-bias", "The config has attention_bias.", true) { _ in
      KnownFlag.attentionBias
    },
    flag("unexpected-mlp-bias", "The config has mlp_bias.", true) { _ in KnownFlag.mlpBias },
  ]

  static let wrongCountsOfConfig: [CheckpointFaultKind] = [
    CheckpointFaultKind(
      "config-layer-short", "The config has one decoder layer fewer than the file.",
      source: "configs edited for a smaller model"
    ) { checkpoint, _ in
      let isChanged = checkpoint.reconfigure { if $0.layers.count > 1 { $0.layers.removeLast() } }
      return isChanged ? "config has one decoder layer too few" : nil
    },
    CheckpointFaultKind(
      "config-layer-long", "The config has one decoder layer more than the file.",
      source: "a published config with one layer more than the file: a random layer, no error"
    ) { checkpoint, _ in
      let isChanged = checkpoint.reconfigure { $0.layers.append(.sparse) }
      return isChanged ? "config has one decoder layer too many" : nil
    },
    CheckpointFaultKind(
      "config-more-dense", "The config has one dense layer more than the file.",
      source: "first_k_dense_replace off by one"
    ) { checkpoint, site in
      guard let layer = site.pick(checkpoint.statable(.dense, checkpoint.isSparse)) else {
        return nil
      }
      let isChanged = checkpoint.reconfigure { $0.layers[layer] = .dense }
      return isChanged ? "config says that sparse layer \(layer) is dense" : nil
    },
    CheckpointFaultKind(
      "config-fewer-dense", "The config has one dense layer fewer than the file.",
      source: "first_k_dense_replace off by one"
    ) { checkpoint, site in
      let isDense = { (layer: Int) in !checkpoint.config.isSparse(layer: layer) }
      guard let layer = site.pick(checkpoint.statable(.sparse, isDense)) else { return nil }
      let isChanged = checkpoint.reconfigure { $0.layers[layer] = .sparse }
      return isChanged ? "config says that dense layer \(layer) is sparse" : nil
    },
    CheckpointFaultKind(
      "config-more-mtp", "The config has a prediction layer that the file lacks.",
      source: "configs that announce prediction layers of which the file has none"
    ) { checkpoint, _ in
      guard checkpoint.layout.layers.prediction != nil else { return nil }
      let isChanged = checkpoint.reconfigure { $0.mtpLayers += 1 }
      return isChanged ? "config has one prediction layer too many" : nil
    },
    CheckpointFaultKind(
      "config-fewer-mtp", "The config lacks a prediction layer that the file has.",
      source: "prediction layers dropped by a number written into the code"
    ) { checkpoint, _ in
      let isChanged = checkpoint.reconfigure { $0.mtpLayers -= 1 }
      return isChanged ? "config has one prediction layer too few" : nil
    },
    CheckpointFaultKind(
      "decoder-taken-for-mtp", "The config counts the last decoder layer as a prediction layer.",
      source: "layer counts that include or exclude prediction layers by family"
    ) { checkpoint, _ in
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
    CheckpointFaultKind(
      "mtp-taken-for-decoder", "The config counts a prediction layer as a decoder layer.",
      source: "layer counts that include or exclude prediction layers by family"
    ) { checkpoint, _ in
      let layer = checkpoint.config.hiddenLayerCount
      guard checkpoint.spec.storesMTP,
        let kind = checkpoint.layout.layers.prediction?.kind
      else { return nil }
      let isChanged = checkpoint.reconfigure {
        $0.layers.append(kind)
        $0.mtpLayers -= 1
      }
      return isChanged ? "config says that prediction layer \(layer) is a decoder layer" : nil
    },
    CheckpointFaultKind(
      "wrong-activation",
      "The config's activation has a gate and the file has none, or vice versa.",
      source: "an activation that one framework names and another assumes"
    ) { checkpoint, _ in
      guard checkpoint.layout.hasGateOption else { return nil }
      var setup = checkpoint.setup
      setup.options.activation = setup.options.activation.isGated ? .relu2 : .swiglu
      return checkpoint.resetUp(setup)
        ? "experts are not those of the activation \(setup.options.activation)" : nil
    },
  ]

  /// Kinds of sizes and flags that only some layouts have.
  static let ownFactsOfConfig: [CheckpointFaultKind] = [
    CheckpointFaultKind(
      "wrong-own-size", "A size that only this layout has is too large.", source: another
    ) { checkpoint, site in
      guard let position = site.pick(checkpoint.layout.ownSizes) else { return nil }
      let rule = checkpoint.layout.sizes[position]
      return checkpoint.reconfigure { $0.add(1, to: rule.symbol) }
        ? "config is another's: \(rule.field) is too large" : nil
    },
    CheckpointFaultKind(
      "unexpected-own-flag", "A flag that only this layout has is set.", source: another
    ) { checkpoint, site in
      guard let position = site.pick(checkpoint.layout.ownFlags) else { return nil }
      let rule = checkpoint.layout.flags[position]
      return checkpoint.reconfigure { $0.set(rule.name, true) }
        ? "config is another's: it has \(rule.field)" : nil
    },
  ]

  private static let another = "the config of another release or of a pruned model"

  private static func config(
    _ name: String, _ statement: String, _ symbol: SizeSymbol, _ step: Int
  ) -> CheckpointFaultKind {
    CheckpointFaultKind(name, statement, source: another) { checkpoint, _ in
      guard let position = checkpoint.layout.position(of: symbol) else { return nil }
      let field = checkpoint.layout.sizes[position].field
      let words = statement.dropLast().drop { $0 != " " }
      return checkpoint.reconfigure { $0.add(step, to: symbol.rawValue) }
        ? "config is another's: \(field)\(words)" : nil
    }
  }

  private static func flag(
    _ name: String, _ statement: String, _ value: Bool,
    of flag: @escaping @Sendable (Layout) -> String?
  ) -> CheckpointFaultKind {
    CheckpointFaultKind(
      name, statement, source: "flags on one level of the config that another level overrides"
    ) { checkpoint, _ in
      guard let flag = flag(checkpoint.layout) else { return nil }
      return checkpoint.reconfigure { $0.set(flag, value) }
        ? "config is another's: \(statement.dropLast())" : nil
    }
  }
}

extension FaultyCheckpoint {
  fileprivate func isSparse(_ layer: Int) -> Bool { config.isSparse(layer: layer) }

  /// The decoder layers of a kind that a config can state to be of another.
  fileprivate func statable(_ kind: LayerKind, _ isMeant: (Int) -> Bool) -> [Int] {
    config.layerKinds.indices.filter { layer in
      var kinds = config.layerKinds
      kinds[layer] = kind
      return isMeant(layer) && layout.canState(kinds)
    }
  }

  /// The last decoder layer, if it is of the kind of prediction layers and none of those follows on disk.
  fileprivate var lastDecoderAlone: Int? {
    let last = config.hiddenLayerCount - 1
    guard last > 0, config.layerKinds[last] == layout.layers.prediction?.kind,
      !spec.storesMTP || config.mtpLayerCount == 0
    else { return nil }
    return last
  }
}
