// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
import Tensors

/// Native tensors beside grouped experts, and keys that are not native; comments say where such faults come
/// from.
extension CheckpointFaultCatalogue {
  static let nativeOthers: [CheckpointFaultKind] = [
    // Experts padded to a multiple of the ranks.
    shape("native-bias-long", \.routerBias) { [$0.elementCount + 1] },
    // Upstream's comments say that ranks hold a part of the bias.
    shape("native-bias-local", \.routerBias) { [$0.elementCount / 2] },
    // Frameworks that keep linear layers as [input, output].
    shape("native-router-transposed", \.router) { $0.extents.reversed() },
    // Shards of one rank saved as the whole.
    shape("native-norm-wrong", \.layerNorm) { [$0.elementCount + 1] },
    // Converters that transpose by the shape they see.
    shape("native-shared-expert-transposed", \.sharedUp) { $0.extents.reversed() },
    // Consolidated files made from one rank's names.
    CheckpointFaultKind("native-tensor-missing", side: .native) { checkpoint, site in
      let names = checkpoint.infos.map(\.name).filter {
        checkpoint.isNative($0) && !checkpoint.isOfNativeExperts($0)
      }
      guard checkpoint.isWhole, let name = site.pick(names) else { return nil }
      checkpoint.lose([name])
      return "\(name) is missing"
    },
    // A rank without the module.
    CheckpointFaultKind("native-empty", side: .native) { checkpoint, _ in
      checkpoint.loseAll { checkpoint, name in checkpoint.isNative(name) }
    },
    // A state dict that was converted in part.
    added("expert-in-native-form", .foreignLayout) { layout, experts in
      let rule = layout.tensors.first { $0.isOfExperts && $0.isMoved && $0.part != .gate }
      return rule?.name.name(expert: experts - 1)
    },
    // Two keys that land on one name; upstream lets the last one win.
    added("disk-router-in-native-form", .foreignLayout, .nameCollision) { layout, _ in
      layout.movedName(layout.router)
    },
    added("disk-bias-in-native-form", .foreignLayout, .nameCollision) { layout, _ in
      layout.movedName(layout.routerBias)
    },
    // Names of another framework's memory.
    added("transformers-experts-in-native-form", .foreignLayout) { layout, _ in
      layout.foreignGroups.first
    },
    // Upstream passes biases of experts through unconverted.
    added("grouped-bias", .unknownExpertKey) { layout, _ in
      let natives = layout.tensors.lazy.filter(\.isOfExperts).compactMap(layout.nativeName)
      return natives.first.flatMap { layout.isOfExperts($0) ? "\($0)_bias" : nil }
    },
    // Scale companions that a pattern for weights matches as well.
    added("native-scale-of-surplus-expert", .surplusExpert) { layout, experts in
      guard let suffix = layout.companions.first else { return nil }
      let rule = layout.tensors.first { $0.part == .up && $0.name.hasExpert }
      return rule?.name.replacingWeight(by: suffix)?.name(expert: experts)
    },
    // A config with fewer layers than the model.
    CheckpointFaultKind("native-surplus-layer", side: .native) { checkpoint, _ in
      let layer = checkpoint.config.storedLayerCount
      guard checkpoint.hasBase, let norm = checkpoint.layout.layerNorm else { return nil }
      let shape: Shape = [checkpoint.config.hiddenSize]
      return checkpoint.add(TensorInfo(checkpoint.key(layer, norm), .bf16, shape), .surplusLayer)
        ? "layer \(layer) is after the last of \(layer) layers" : nil
    },
    // Adapters that check all layers by the first one.
    CheckpointFaultKind("grouped-in-dense-layer", side: .native) { checkpoint, site in
      guard checkpoint.hasBase, let layer = site.pick(checkpoint.denseDecoderLayers),
        let native = checkpoint.natives(layer).last,
        checkpoint.add(
          TensorInfo(checkpoint.key(layer, native.rest), .bf16, [1, 1, 1]), .expertsInDenseLayer)
      else { return nil }
      return "dense layer \(layer) has grouped experts"
    },
    // Wrappers that leave their module name in some keys.
    lastRenamed("native-foreign-prefix") { checkpoint, layer, old, native in
      checkpoint.prefixed(
        old, "_orig_mod.", "layer \(layer) has its \(native.word) under '_orig_mod.'")
    },
    // Upstream takes 02 for 2, so two keys can be one layer.
    lastRenamed("native-zero-padded-layer") { checkpoint, layer, old, _ in
      (
        checkpoint.key(old, ofLayer: "0\(layer)"), [.nonCanonicalIndex],
        "layer \(layer) is called 0\(layer) in one key"
      )
    },
  ]

  private static func shape(
    _ name: String, _ rule: @escaping @Sendable (Layout) -> TensorRule?,
    _ extents: @escaping @Sendable (Shape) -> [Int]
  ) -> CheckpointFaultKind {
    CheckpointFaultKind(name, side: .native) { checkpoint, site in
      guard let rule = rule(checkpoint.layout) else { return nil }
      let rest = checkpoint.layout.nativeName(of: rule) ?? rule.name.start
      let layers = checkpoint.layers.filter { checkpoint.has(checkpoint.key($0, rest)) }
      guard let layer = site.pick(layers), checkpoint.reshape(checkpoint.key(layer, rest), extents)
      else { return nil }
      return "layer \(layer) has a \(rest) of another shape"
    }
  }

  /// - Parameter rest: The key after the layer's number, given the number of experts; nil if a layout
  ///   has none.
  private static func added(
    _ name: String, _ codes: Problem.Code..., rest: @escaping @Sendable (Layout, Int) -> String?
  ) -> CheckpointFaultKind {
    CheckpointFaultKind(name, side: .native) { checkpoint, site in
      guard let layer = site.pick(checkpoint.sparseLayers),
        let rest = rest(checkpoint.layout, checkpoint.config.expertCount)
      else { return nil }
      let name = checkpoint.key(layer, rest)
      guard checkpoint.add(TensorInfo(name, .bf16, [1])) else { return nil }
      checkpoint.offend(name, codes)
      return "layer \(layer) has a key \(name)"
    }
  }

  /// The last of the native tensors of a layer's experts under another key.
  private static func lastRenamed(
    _ name: String,
    to other:
      @escaping @Sendable (FaultyCheckpoint, Int, TensorName, NativeExperts) ->
      CheckpointFaultKind.Renaming
  ) -> CheckpointFaultKind {
    CheckpointFaultKind(name, side: .native) { checkpoint, site in
      guard let layer = site.pick(checkpoint.nativeLayers),
        let native = checkpoint.natives(layer).last
      else { return nil }
      let old = checkpoint.key(layer, native.rest)
      let (new, codes, words) = other(checkpoint, layer, old, native)
      guard checkpoint.rename(old, to: new) else { return nil }
      if !codes.isEmpty { checkpoint.offend(new, codes) }
      if native.isGroup || checkpoint.isWhole { checkpoint.offend(old, .missingTensor) }
      return words
    }
  }
}

extension Layout {
  /// The name on disk of a tensor that has another natively.
  fileprivate func movedName(_ rule: TensorRule?) -> String? {
    rule.flatMap { $0.isMoved ? $0.name.start : nil }
  }
}

extension FaultyCheckpoint {
  /// Whether a native key is of a tensor of the layout, not of a factor or companion.
  fileprivate func isNative(_ name: TensorName) -> Bool {
    switch LenientKey(name, layout).subject {
    case .tensor, .renamed, .group: true
    case .companion, .factor, .groupFactor, .fusedFactor, .unknown: false
    }
  }

  /// Whether a native key is of experts.
  fileprivate func isOfNativeExperts(_ name: TensorName) -> Bool {
    let key = LenientKey(name, layout)
    if case .group = key.subject { return true }
    return key.tensor.map { layout.tensors[$0].isOfExperts } ?? false
  }
}
