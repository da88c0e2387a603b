// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
import Tensors

/// Native tensors beside grouped experts, and keys that are not native.
extension CheckpointFaultCatalogue {
  static let nativeOthers: [CheckpointFaultKind] = [
    shape(
      "native-bias-long", "The router's bias has one element more than there are experts.",
      source: "experts padded to a multiple of the ranks", \.routerBias
    ) { [$0.elementCount + 1] },
    shape(
      "native-bias-local", "The router's bias holds one rank's experts only.",
      source: "upstream's comments say that ranks hold a part of the bias", \.routerBias
    ) { [$0.elementCount / 2] },
    shape(
      "native-router-transposed", "The router is transposed.",
      source: "frameworks that keep linear layers as [input, output]", \.router
    ) { $0.extents.reversed() },
    shape(
      "native-norm-wrong", "A norm has another width.",
      source: "shards of one rank saved as the whole", \.layerNorm
    ) { [$0.elementCount + 1] },
    shape(
      "native-shared-expert-transposed", "A projection of the shared expert is transposed.",
      source: "converters that transpose by the shape they see", \.sharedUp
    ) { $0.extents.reversed() },
    CheckpointFaultKind(
      "native-tensor-missing", "A native tensor beside the experts is missing.",
      source: "consolidated files made from one rank's names", side: .native
    ) { checkpoint, site in
      guard checkpoint.isWhole,
        let name = site.pick(
          checkpoint.infos.map(\.name).filter {
            checkpoint.isNative($0) && !checkpoint.isOfNativeExperts($0)
          })
      else { return nil }
      checkpoint.lose([name])
      return "\(name) is missing"
    },
    CheckpointFaultKind(
      "native-empty", "There is no native tensor at all.",
      source: "a rank without the module", side: .native
    ) { checkpoint, _ in
      guard checkpoint.isWhole else { return nil }
      let names = checkpoint.infos.map(\.name).filter(checkpoint.isNative)
      checkpoint.remove(checkpoint.infos.map(\.name))
      checkpoint.lose(names)
      checkpoint.touchAll()
      return "keys are all missing"
    },
    added(
      "expert-in-native-form", "A key of a single expert is there in native form.",
      source: "a state dict that was converted in part", .foreignLayout
    ) { layout, experts in
      let rule = layout.tensors.first { $0.isOfExperts && $0.isMoved && $0.part != .gate }
      return rule?.name.name(expert: experts - 1)
    },
    added(
      "disk-router-in-native-form", "The router is there under its name on disk, too.",
      source: "two keys that land on one name; upstream lets the last one win",
      .foreignLayout, .nameCollision
    ) { layout, _ in layout.movedName(layout.router) },
    added(
      "disk-bias-in-native-form", "The router's bias is there under its name on disk, too.",
      source: "two keys that land on one name; upstream lets the last one win",
      .foreignLayout, .nameCollision
    ) { layout, _ in layout.movedName(layout.routerBias) },
    added(
      "transformers-experts-in-native-form", "Fused experts of transformers are there.",
      source: "names of another framework's memory", .foreignLayout
    ) { layout, _ in layout.foreignGroups.first },
    added(
      "grouped-bias", "A bias of grouped experts is there.",
      source: "upstream passes biases of experts through unconverted", .unknownExpertKey
    ) { layout, _ in
      let natives = layout.tensors.lazy.filter(\.isOfExperts).compactMap(layout.nativeName)
      return natives.first.flatMap { layout.isOfExperts($0) ? "\($0)_bias" : nil }
    },
    added(
      "native-scale-of-surplus-expert", "A scale belongs to an expert that does not exist.",
      source: "scale companions that a pattern for weights matches as well", .surplusExpert
    ) { layout, experts in
      guard let suffix = layout.companions.first else { return nil }
      let rule = layout.tensors.first { $0.part == .up && $0.name.hasExpert }
      return rule?.name.replacingWeight(by: suffix)?.name(expert: experts)
    },
    CheckpointFaultKind(
      "native-surplus-layer", "There is a layer behind the last one of the config.",
      source: "a config with fewer layers than the model", side: .native
    ) { checkpoint, _ in
      guard checkpoint.hasBase else { return nil }
      let layer = checkpoint.config.storedLayerCount
      guard let norm = checkpoint.layout.layerNorm else { return nil }
      let name = checkpoint.key(layer, norm)
      guard checkpoint.add(TensorInfo(name, .bf16, [checkpoint.config.hiddenSize])) else {
        return nil
      }
      checkpoint.offend(name, .surplusLayer)
      return "layer \(layer) is behind the last of \(layer) layers"
    },
    CheckpointFaultKind(
      "grouped-in-dense-layer", "A dense layer has a grouped tensor of experts.",
      source: "adapters that judge all layers by the first one", side: .native
    ) { checkpoint, site in
      guard checkpoint.hasBase, let layer = site.pick(checkpoint.denseDecoderLayers) else {
        return nil
      }
      guard let native = checkpoint.natives(layer).last else { return nil }
      let name = checkpoint.key(layer, native.rest)
      guard checkpoint.add(TensorInfo(name, .bf16, [1, 1, 1])) else { return nil }
      checkpoint.offend(name, .expertsInDenseLayer)
      return "dense layer \(layer) has grouped experts"
    },
    CheckpointFaultKind(
      "native-foreign-prefix", "A grouped tensor stands under a foreign prefix.",
      source: "wrappers that leave their module name in some keys", side: .native
    ) { checkpoint, site in
      guard let layer = site.pick(checkpoint.nativeLayers),
        let native = checkpoint.natives(layer).last
      else { return nil }
      let old = checkpoint.key(layer, native.rest)
      let new = TensorName("_orig_mod.\(old)")
      guard checkpoint.rename(old, to: new) else { return nil }
      checkpoint.offendPrefix(new)
      if native.isGroup || checkpoint.isWhole { checkpoint.offend(old, .missingTensor) }
      return "layer \(layer) has its \(native.word) under '_orig_mod.'"
    },
    CheckpointFaultKind(
      "native-zero-padded-layer", "The number of a layer has a leading zero.",
      source: "upstream takes 02 for 2, so two keys can be one layer", side: .native
    ) { checkpoint, site in
      guard let layer = site.pick(checkpoint.nativeLayers),
        let native = checkpoint.natives(layer).last
      else { return nil }
      let old = checkpoint.key(layer, native.rest)
      let new = checkpoint.key(old, ofLayer: "0\(layer)")
      guard checkpoint.rename(old, to: new) else { return nil }
      checkpoint.offend(new, .nonCanonicalIndex)
      if native.isGroup || checkpoint.isWhole { checkpoint.offend(old, .missingTensor) }
      return "layer \(layer) is called 0\(layer) in one key"
    },
  ]

  private static func shape(
    _ name: String, _ statement: String, source: String,
    _ rule: @escaping @Sendable (Layout) -> TensorRule?,
    _ extents: @escaping @Sendable (Shape) -> [Int]
  ) -> CheckpointFaultKind {
    CheckpointFaultKind(name, statement, source: source, side: .native) { checkpoint, site in
      guard let rule = rule(checkpoint.layout) else { return nil }
      let rest = checkpoint.layout.nativeName(of: rule) ?? rule.name.start
      let layers = checkpoint.layers.filter { checkpoint.has(checkpoint.key($0, rest)) }
      guard let layer = site.pick(layers), checkpoint.reshape(checkpoint.key(layer, rest), extents)
      else { return nil }
      return "layer \(layer) has a \(rest) of another shape"
    }
  }

  /// - Parameter rest: The key behind the layer's number, given the number of experts; nil if a layout
  ///   has none.
  private static func added(
    _ name: String, _ statement: String, source: String, _ codes: Finding.Code...,
    rest: @escaping @Sendable (Layout, Int) -> String?
  ) -> CheckpointFaultKind {
    CheckpointFaultKind(name, statement, source: source, side: .native) { checkpoint, site in
      guard let layer = site.pick(checkpoint.sparseLayers),
        let rest = rest(checkpoint.layout, checkpoint.config.expertCount)
      else { return nil }
      let name = checkpoint.key(layer, rest)
      guard checkpoint.add(TensorInfo(name, .bf16, [1])) else { return nil }
      checkpoint.offend(name, codes)
      return "layer \(layer) has a key \(name)"
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
