// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
import Tensors

/// Keys that are not there, beside those of routed experts.
extension CheckpointFaultCatalogue {
  static let missingTensors: [CheckpointFaultKind] = [
    CheckpointFaultKind(
      "empty", "There is no tensor at all.",
      source: "a loader that skips every file and reports success"
    ) { checkpoint, _ in
      guard checkpoint.isWhole else { return nil }
      let required = checkpoint.infos.map(\.name).filter(checkpoint.isRequired)
      checkpoint.remove(checkpoint.infos.map(\.name))
      checkpoint.lose(required)
      checkpoint.touchAll()
      return "keys are all missing"
    },
    missing(
      "missing-router", "A sparse layer has no router.",
      source: "a rename of the router that was forgotten on one path",
      \.sparseLayers
    ) { $0.role == .router },
    missing(
      "missing-expert-bias", "A sparse layer has no correction bias of the router.",
      source: "savers and loaders that see parameters only and skip buffers",
      \.sparseLayers
    ) { $0.role == .routerBias },
    missing(
      "missing-shared-expert", "A projection of the shared expert is missing.",
      source: "exporters that call the shared expert by another name, which loaders skip",
      \.sparseLayers
    ) { $0.role == .sharedExpert && $0.isWeight },
    missing(
      "missing-dense-projection", "A projection of a dense layer is missing.",
      source: "adapters that map sparse layers only",
      \.denseLayers
    ) { $0.role == .dense && $0.isWeight },
    missing(
      "missing-attention", "A projection of an attention is missing.",
      source: "an index that lists tensors which no file holds",
      \.layers
    ) { $0.role == .attention && $0.isWeight },
    missing(
      "missing-norm", "A norm of a layer is missing.",
      source: "norms under a family's own names that a loader does not map",
      \.layers
    ) { $0.role == .norm },
    missing(
      "missing-attention-bias", "A bias of an attention projection is missing.",
      source: "adapters that map weights only",
      \.layers
    ) { $0.role == .attention && $0.isBias },
    missing(
      "missing-mtp-tensor", "A kept multi-token prediction layer lacks a tensor of its own.",
      source: "multi-token prediction norms that one loader renamed and the next did not find",
      \.predictionLayers, where: \.isOfPrediction),
    missingOutside(
      "missing-embedding", "The token embedding is missing.",
      source: "a base prefix that differs, so that no key of the body is found",
      .embedding),
    missingOutside(
      "missing-head", "The output head is missing though it is not tied to the embedding.",
      source: "savers that leave the head out because a config on another level says it is tied",
      .head),
    missingOutside(
      "missing-final-norm", "The norm behind the last layer is missing.",
      source: "a shard with the last tensors that was not written",
      .norm),
    CheckpointFaultKind(
      "missing-layer", "All tensors of one decoder layer are missing.",
      source: "a pipeline stage or a shard whose file was not copied"
    ) { checkpoint, site in
      let decoders = Array(0..<checkpoint.config.hiddenLayerCount)
      guard checkpoint.isWhole, let layer = site.pick(decoders.reversed()) else { return nil }
      let base = checkpoint.key(layer, "").text
      let names = checkpoint.infos.map(\.name).filter {
        $0.text.hasPrefix(base) && !checkpoint.isFactor($0)
      }
      let required = names.filter(checkpoint.isRequired)
      checkpoint.remove(names)
      for name in required { checkpoint.offend(name, .missingTensor) }
      return "layer \(layer) is missing"
    },
  ]

  private static func missing(
    _ name: String, _ statement: String, source: String,
    _ layers: @escaping @Sendable (FaultyCheckpoint) -> [Int],
    where isMeant: @escaping @Sendable (TensorRule) -> Bool
  ) -> CheckpointFaultKind {
    CheckpointFaultKind(name, statement, source: source) { checkpoint, site in
      guard let place = checkpoint.pickRequired(layers(checkpoint), &site, where: isMeant) else {
        return nil
      }
      checkpoint.lose([place.name])
      return "layer \(place.layer) has no \(place.rule.name.start)"
    }
  }

  private static func missingOutside(
    _ name: String, _ statement: String, source: String, _ role: TensorRole
  ) -> CheckpointFaultKind {
    CheckpointFaultKind(name, statement, source: source) { checkpoint, _ in
      let rule = checkpoint.layout.tensors.first { $0.role == role && $0.kinds == nil }
      guard checkpoint.isWhole, let name = rule.map(checkpoint.keyOutside), checkpoint.has(name)
      else { return nil }
      checkpoint.lose([name])
      return "\(name) is missing"
    }
  }
}
