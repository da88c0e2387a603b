// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
import Tensors

/// Keys of other layouts on disk.
extension CheckpointFaultCatalogue {
  static let foreignLayouts: [CheckpointFaultKind] = [
    beside(
      "native-router-beside", "The router is there under its native name, too.",
      source: "two keys that land on one name; upstream lets the last one win",
      "mlp.router.gate.weight", "mlp.gate.weight"),
    beside(
      "native-bias-beside", "The router's bias is there under its native name, too.",
      source: "two keys that land on one name; upstream lets the last one win",
      "mlp.expert_bias", "mlp.gate.e_score_correction_bias"),
    beside(
      "native-shared-expert-beside", "The shared expert is there under its native name, too.",
      source: "quantized exports that write shared_experts where the family writes shared_mlp",
      "mlp.shared_mlp.up_proj.weight", "mlp.shared_experts.up_proj.weight"),
    instead(
      "native-shared-expert-instead", "The shared expert has its native name only.",
      source: "quantized exports that write shared_experts where the family writes shared_mlp",
      "mlp.shared_mlp.up_proj.weight", "mlp.shared_experts.up_proj.weight"),
    instead(
      "native-router-instead", "The router has its native name only.",
      source: "savers that do not undo the renames of loading",
      "mlp.router.gate.weight", "mlp.gate.weight"),
    CheckpointFaultKind(
      "grouped-beside-experts", "A grouped native tensor is there beside the experts.",
      source: "exports with the fused and the split form of the same experts"
    ) { checkpoint, site in
      guard let layer = site.pick(checkpoint.sparseLayers),
        let info = checkpoint.grouped(layer, &site)
      else { return nil }
      guard checkpoint.add(info) else { return nil }
      checkpoint.offend(info.name, .foreignLayout, .nameCollision)
      return "layer \(layer) has \(info.name) beside its experts"
    },
    CheckpointFaultKind(
      "grouped-instead-of-experts", "A layer has grouped native tensors in place of experts.",
      source: "savers that write the names of the training framework"
    ) { checkpoint, site in
      guard let layer = site.pick(checkpoint.sparseLayers) else { return nil }
      checkpoint.dropExperts(layer)
      for name in ["gate_and_up_projs", "down_projs"] {
        guard checkpoint.add(checkpoint.grouped(layer, name)) else { return nil }
        checkpoint.offend(checkpoint.key(layer, "mlp.experts.\(name)"), .foreignLayout)
      }
      return "layer \(layer) has native tensors in place of its experts"
    },
    CheckpointFaultKind(
      "transformers-fused-experts", "A layer has the fused experts of transformers' memory.",
      source: "internal names that transformers once saved; vendors' own outer format"
    ) { checkpoint, site in
      guard let layer = site.pick(checkpoint.sparseLayers) else { return nil }
      checkpoint.dropExperts(layer)
      let config = checkpoint.config
      let (hidden, inter) = (config.hiddenSize, config.moeIntermediateSize)
      let fused: [(String, Shape)] = [
        ("gate_up_proj", [config.expertCount, 2 * inter, hidden]),
        ("down_proj", [config.expertCount, hidden, inter]),
      ]
      for (name, shape) in fused {
        let name = checkpoint.key(layer, "mlp.experts.\(name)")
        guard checkpoint.add(TensorInfo(name, .bf16, shape)) else { return nil }
        checkpoint.offend(name, .foreignLayout)
      }
      return "layer \(layer) has fused experts"
    },
    CheckpointFaultKind(
      "native-throughout", "The native form is given as a checkpoint on disk.",
      source: "files saved with internal names, of which loaders then drop nearly all"
    ) { checkpoint, _ in
      guard checkpoint.hasBase, checkpoint.spec.lora == nil else { return nil }
      let native = NativeTensors(checkpoint.spec).infos
      let onDisk = Set(checkpoint.infos.map(\.name))
      let foreign = native.map(\.name).filter { !onDisk.contains($0) }
      guard !foreign.isEmpty else { return nil }
      checkpoint.infos = native
      for name in foreign { checkpoint.offend(name, .foreignLayout) }
      checkpoint.touchAll()
      return "keys are those of the native form"
    },
  ]

  private static func beside(
    _ name: String, _ statement: String, source: String, _ onDisk: String, _ native: String
  ) -> CheckpointFaultKind {
    CheckpointFaultKind(name, statement, source: source) { checkpoint, site in
      guard let layer = site.pick(checkpoint.sparseLayers),
        let info = checkpoint.info(checkpoint.key(layer, onDisk))
      else { return nil }
      let added = checkpoint.key(layer, native)
      guard checkpoint.add(TensorInfo(added, info.dtype, info.shape)) else { return nil }
      checkpoint.offend(added, .foreignLayout, .nameCollision)
      return "layer \(layer) has \(native) beside \(onDisk)"
    }
  }

  private static func instead(
    _ name: String, _ statement: String, source: String, _ onDisk: String, _ native: String
  ) -> CheckpointFaultKind {
    CheckpointFaultKind(name, statement, source: source) { checkpoint, site in
      guard let layer = site.pick(checkpoint.sparseLayers) else { return nil }
      let (old, new) = (checkpoint.key(layer, onDisk), checkpoint.key(layer, native))
      guard checkpoint.rename(old, to: new) else { return nil }
      checkpoint.offend(new, .foreignLayout)
      if checkpoint.isWhole { checkpoint.offend(old, .missingTensor) }
      return "layer \(layer) has \(native) in place of \(onDisk)"
    }
  }
}

extension FaultyCheckpoint {
  /// A grouped native tensor of a layer.
  fileprivate func grouped(_ layer: Int, _ native: String) -> TensorInfo {
    let (hidden, inter) = (config.hiddenSize, config.moeIntermediateSize)
    let width = setup.options.activation.isGated ? 2 * inter : inter
    return TensorInfo(
      key(layer, "mlp.experts.\(native)"), setup.options.targetDType,
      native == "down_projs"
        ? [config.expertCount, inter, hidden] : [config.expertCount, hidden, width])
  }

  fileprivate func grouped(_ layer: Int, _ site: inout FaultSite) -> TensorInfo? {
    site.pick(["gate_and_up_projs", "down_projs"]).map { grouped(layer, $0) }
  }

  /// Removes the experts of a layer, which then are missing where all must be there.
  fileprivate mutating func dropExperts(_ layer: Int) {
    for expert in 0..<config.expertCount {
      remove(expertKeys(layer, expert))
      guard isWhole, ownExperts.contains(expert) else { continue }
      for name in expertKeys(layer, expert) { offend(name, .missingTensor) }
    }
  }
}
