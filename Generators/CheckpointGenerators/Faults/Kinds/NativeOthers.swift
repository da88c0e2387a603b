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
      source: "experts padded to a multiple of the ranks", "mlp.gate.e_score_correction_bias"
    ) { [$0.elementCount + 1] },
    shape(
      "native-bias-local", "The router's bias holds one rank's experts only.",
      source: "upstream's comments say that ranks hold a part of the bias",
      "mlp.gate.e_score_correction_bias"
    ) { [$0.elementCount / 2] },
    shape(
      "native-router-transposed", "The router is transposed.",
      source: "frameworks that keep linear layers as [input, output]", "mlp.gate.weight"
    ) { $0.extents.reversed() },
    shape(
      "native-norm-wrong", "A norm has another width.",
      source: "shards of one rank saved as the whole", "input_layernorm.weight"
    ) { [$0.elementCount + 1] },
    shape(
      "native-shared-expert-transposed", "A projection of the shared expert is transposed.",
      source: "converters that transpose by the shape they see", "mlp.shared_experts.up_proj.weight"
    ) { $0.extents.reversed() },
    CheckpointFaultKind(
      "native-tensor-missing", "A native tensor beside the experts is missing.",
      source: "consolidated files made from one rank's names", side: .native
    ) { checkpoint, site in
      guard checkpoint.isWhole,
        let name = site.pick(
          checkpoint.infos.map(\.name).filter {
            !$0.text.contains(".experts.") && !$0.text.contains(".lora_")
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
      let names = checkpoint.infos.map(\.name).filter {
        !$0.text.contains(".lora_") && !$0.text.hasSuffix("_scale")
      }
      checkpoint.remove(checkpoint.infos.map(\.name))
      checkpoint.lose(names)
      checkpoint.touchAll()
      return "keys are all missing"
    },
    added(
      "expert-in-native-form", "A key of a single expert is there in native form.",
      source: "a state dict that was converted in part", .foreignLayout
    ) { "mlp.experts.\($0 - 1).up_proj.weight" },
    added(
      "disk-router-in-native-form", "The router is there under its name on disk, too.",
      source: "two keys that land on one name; upstream lets the last one win",
      .foreignLayout, .nameCollision
    ) { _ in "mlp.router.gate.weight" },
    added(
      "disk-bias-in-native-form", "The router's bias is there under its name on disk, too.",
      source: "two keys that land on one name; upstream lets the last one win",
      .foreignLayout, .nameCollision
    ) { _ in "mlp.expert_bias" },
    added(
      "transformers-experts-in-native-form", "Fused experts of transformers are there.",
      source: "names of another framework's memory", .foreignLayout
    ) { _ in "mlp.experts.gate_up_proj" },
    added(
      "grouped-bias", "A bias of grouped experts is there.",
      source: "upstream passes biases of experts through unconverted", .unknownExpertKey
    ) { _ in "mlp.experts.gate_up_proj_bias" },
    added(
      "native-scale-of-surplus-expert", "A scale belongs to an expert that does not exist.",
      source: "scale companions that a pattern for weights matches as well", .surplusExpert
    ) { "mlp.experts.\($0).up_proj.weight_scale" },
    CheckpointFaultKind(
      "native-surplus-layer", "There is a layer behind the last one of the config.",
      source: "a config with fewer layers than the model", side: .native
    ) { checkpoint, _ in
      guard checkpoint.hasBase else { return nil }
      let layer = checkpoint.config.storedLayerCount
      let name = checkpoint.key(layer, "input_layernorm.weight")
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
      let name = checkpoint.key(layer, "mlp.experts.down_projs")
      guard checkpoint.add(TensorInfo(name, .bf16, [1, 1, 1])) else { return nil }
      checkpoint.offend(name, .expertsInDenseLayer)
      return "dense layer \(layer) has grouped experts"
    },
    CheckpointFaultKind(
      "native-foreign-prefix", "A grouped tensor stands under a foreign prefix.",
      source: "wrappers that leave their module name in some keys", side: .native
    ) { checkpoint, site in
      guard let layer = site.pick(checkpoint.nativeLayers) else { return nil }
      let old = checkpoint.key(layer, "mlp.experts.down_projs")
      let new = TensorName("_orig_mod.\(old)")
      guard checkpoint.rename(old, to: new) else { return nil }
      checkpoint.offend(new, .unknownPrefix)
      checkpoint.offend(old, .missingTensor)
      return "layer \(layer) has its down_projs under '_orig_mod.'"
    },
    CheckpointFaultKind(
      "native-zero-padded-layer", "The number of a layer has a leading zero.",
      source: "upstream takes 02 for 2, so two keys can be one layer", side: .native
    ) { checkpoint, site in
      guard let layer = site.pick(checkpoint.nativeLayers) else { return nil }
      let old = checkpoint.key(layer, "mlp.experts.down_projs")
      let new = TensorName("\(checkpoint.prefix)layers.0\(layer).mlp.experts.down_projs")
      guard checkpoint.rename(old, to: new) else { return nil }
      checkpoint.offend(new, .nonCanonicalIndex)
      checkpoint.offend(old, .missingTensor)
      return "layer \(layer) is called 0\(layer) in one key"
    },
  ]

  private static func shape(
    _ name: String, _ statement: String, source: String, _ rest: String,
    _ extents: @escaping @Sendable (Shape) -> [Int]
  ) -> CheckpointFaultKind {
    CheckpointFaultKind(name, statement, source: source, side: .native) { checkpoint, site in
      let layers = checkpoint.layers.filter { checkpoint.has(checkpoint.key($0, rest)) }
      guard let layer = site.pick(layers), checkpoint.reshape(checkpoint.key(layer, rest), extents)
      else { return nil }
      return "layer \(layer) has a \(rest) of another shape"
    }
  }

  /// - Parameter rest: The key behind the layer's number, given the number of experts.
  private static func added(
    _ name: String, _ statement: String, source: String, _ codes: Finding.Code...,
    rest: @escaping @Sendable (Int) -> String
  ) -> CheckpointFaultKind {
    CheckpointFaultKind(name, statement, source: source, side: .native) { checkpoint, site in
      guard let layer = site.pick(checkpoint.sparseLayers) else { return nil }
      let name = checkpoint.key(layer, rest(checkpoint.config.expertCount))
      guard checkpoint.add(TensorInfo(name, .bf16, [1])) else { return nil }
      checkpoint.offend(name, codes)
      return "layer \(layer) has a key \(name)"
    }
  }
}
