// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
import Tensors

/// Keys that are not there, beside those of routed experts; comments say where such faults come from.
extension CheckpointFaultCatalogue {
  static let missingTensors: [CheckpointFaultKind] = [
    // A loader that skips every file and reports success.
    CheckpointFaultKind("empty") { checkpoint, _ in
      checkpoint.loseAll { checkpoint, name in checkpoint.isRequired(name) }
    },
    // A rename of the router that was forgotten on one path.
    missing("missing-router", \.sparseLayers) { $0.role == .router },
    // Savers and loaders that see parameters only and skip buffers.
    missing("missing-expert-bias", \.sparseLayers) { $0.role == .routerBias },
    // Exporters that call the shared expert by another name, which loaders skip.
    missing("missing-shared-expert", \.sparseLayers) { $0.role == .sharedExpert && $0.isWeight },
    // Adapters that map sparse layers only.
    missing("missing-dense-projection", \.denseLayers) { $0.role == .dense && $0.isWeight },
    // An index that lists tensors which no file holds.
    missing("missing-attention", \.layers) { $0.role == .attention && $0.isWeight },
    // Norms under a family's own names that a loader does not map.
    missing("missing-norm", \.layers) { $0.role == .norm },
    // Adapters that map weights only.
    missing("missing-attention-bias", \.layers) { $0.role == .attention && $0.isBias },
    // Multi-token prediction norms that one loader renamed and the next did not find.
    missing("missing-mtp-tensor", \.predictionLayers, where: \.isOfPrediction),
    // A base prefix that differs, so that no key of the body is found.
    missingOutside("missing-embedding", .embedding),
    // Savers that leave the head out because a config on another level says it is tied.
    missingOutside("missing-head", .head),
    // A shard with the last tensors that was not written.
    missingOutside("missing-final-norm", .norm),
    // A pipeline stage or a shard whose file was not copied.
    CheckpointFaultKind("missing-layer") { checkpoint, site in
      let decoders = (0..<checkpoint.config.hiddenLayerCount).reversed()
      guard checkpoint.isWhole, let layer = site.pick(decoders) else { return nil }
      let names = checkpoint.names(in: layer).filter { !checkpoint.isFactor($0) }
      let required = names.filter(checkpoint.isRequired)
      checkpoint.remove(names)
      for name in required { checkpoint.offend(name, .missingTensor) }
      return "layer \(layer) is missing"
    },
  ]

  private static func missing(
    _ name: String, _ layers: @escaping @Sendable (FaultyCheckpoint) -> [Int],
    where isMeant: @escaping @Sendable (TensorRule) -> Bool
  ) -> CheckpointFaultKind {
    .lost(name) {
      $0.pickRequired(layers($0), &$1, where: isMeant)
    } words: {
      "layer \($0.layer) has no \($0.rule.name.start)"
    }
  }

  private static func missingOutside(_ name: String, _ role: TensorRole) -> CheckpointFaultKind {
    CheckpointFaultKind(name) { checkpoint, _ in
      let rule = checkpoint.layout.tensors.first { $0.role == role && $0.kinds == nil }
      guard checkpoint.isWhole, let name = rule.map(checkpoint.keyOutside), checkpoint.has(name)
      else { return nil }
      checkpoint.lose([name])
      return "\(name) is missing"
    }
  }
}
