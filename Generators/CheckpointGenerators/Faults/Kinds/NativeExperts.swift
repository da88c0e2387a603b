// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
import Tensors

/// Grouped experts that cannot go back to disk.
extension CheckpointFaultCatalogue {
  static let nativeExperts: [CheckpointFaultKind] = [
    grouped(
      "grouped-expert-short", "A grouped tensor holds one expert fewer than the config.",
      source: "a rank that gave fewer experts than it owns"
    ) { checkpoint, name in
      checkpoint.reshape(name) { $0.extents.adding(-1, fromEnd: $0.rank) } ? "lacks an expert" : nil
    },
    grouped(
      "grouped-expert-surplus", "A grouped tensor holds one expert more than the config.",
      source: "experts padded to a multiple of the ranks"
    ) { checkpoint, name in
      checkpoint.reshape(name) { $0.extents.adding(1, fromEnd: $0.rank) }
        ? "has an expert too many" : nil
    },
    grouped(
      "grouped-transposed", "A grouped tensor has its matrices transposed.",
      source: "upstream passes a grouped tensor of another shape on as they are"
    ) { checkpoint, name in
      checkpoint.reshape(name) { $0.extents.exchangingLast } ? "is transposed" : nil
    },
    grouped(
      "grouped-flat", "A grouped tensor has its experts and rows in one axis.",
      source: "upstream passes a grouped tensor of another rank on as they are"
    ) { checkpoint, name in
      checkpoint.reshape(name) { [$0[0] * $0[1]] + $0.extents.dropFirst(2) } ? "has two axes" : nil
    },
    grouped(
      "grouped-wide", "A grouped tensor is one column too wide.",
      source: "kernels that pad the last axis"
    ) { checkpoint, name in
      checkpoint.reshape(name) { $0.extents.adding(1, fromEnd: 1) } ? "is one column too wide" : nil
    },
    grouped(
      "missing-partner", "One of the two grouped tensors of a layer is missing.",
      source: "a state dict gathered from the parameters of one module only"
    ) { checkpoint, name in
      let isGroup = {
        if case .group = LenientKey(name, checkpoint.layout).subject { true } else { false }
      }()
      guard checkpoint.isWhole || isGroup else { return nil }
      checkpoint.lose([name])
      return "is missing"
    },
    CheckpointFaultKind(
      "missing-grouped-pair", "A layer has no grouped tensor at all.",
      source: "savers whose key is stacked where the schema is per expert", side: .native
    ) { checkpoint, site in
      guard checkpoint.isWhole, let layer = site.pick(checkpoint.nativeLayers) else { return nil }
      checkpoint.lose(checkpoint.natives(layer).map { checkpoint.key(layer, $0.rest) })
      return "layer \(layer) has no grouped experts"
    },
    CheckpointFaultKind(
      "whole-given-to-rank", "A rank gives the experts of all ranks.",
      source: "a gathered tensor handed to a saver that expects a shard", side: .native
    ) { checkpoint, site in
      let experts = checkpoint.config.expertCount
      guard checkpoint.ownExperts.count < experts, let layer = site.pick(checkpoint.nativeLayers)
      else { return nil }
      for native in checkpoint.natives(layer) where native.isGroup {
        let name = checkpoint.key(layer, native.rest)
        guard checkpoint.reshape(name, { [experts] + $0.extents.dropFirst() }) else { return nil }
      }
      return "layer \(layer) holds all \(experts) experts on one rank"
    },
    CheckpointFaultKind(
      "shard-given-as-whole", "A rank's experts are given as all experts.",
      source: "partial shards that reach a saver of whole models", side: .native
    ) { checkpoint, site in
      let experts = checkpoint.config.expertCount
      guard checkpoint.spec.parallelism == nil, experts > 1,
        let layer = site.pick(checkpoint.nativeLayers)
      else { return nil }
      for native in checkpoint.natives(layer) {
        let name = checkpoint.key(layer, native.rest)
        guard checkpoint.reshape(name, { [(experts + 1) / 2] + $0.extents.dropFirst() }) else {
          return nil
        }
      }
      return "layer \(layer) holds the experts of a rank only"
    },
  ]

  private static func grouped(
    _ name: String, _ statement: String, source: String,
    body: @escaping @Sendable (inout FaultyCheckpoint, TensorName) -> String?
  ) -> CheckpointFaultKind {
    CheckpointFaultKind(name, statement, source: source, side: .native) { checkpoint, site in
      guard let layer = site.pick(checkpoint.nativeLayers),
        let native = site.pick(checkpoint.natives(layer))
      else { return nil }
      let words = body(&checkpoint, checkpoint.key(layer, native.rest))
      return words.map { "layer \(layer) has a tensor \(native.word) that \($0)" }
    }
  }
}

extension FaultyCheckpoint {
  /// Layers with grouped experts in native form.
  var nativeLayers: [Int] { ownExperts.isEmpty ? [] : sparseLayers }

  /// The native tensors of a layer's experts, those of the rank.
  func natives(_ layer: Int) -> [NativeExperts] {
    NativeTensors(spec).experts(layer, count: ownExperts.count)
  }
}
