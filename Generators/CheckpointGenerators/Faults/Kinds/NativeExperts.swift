// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
import Tensors

/// Grouped experts that cannot go back to disk; comments say where such faults come from.
extension CheckpointFaultCatalogue {
  static let nativeExperts: [CheckpointFaultKind] = [
    // A rank that gave fewer experts than it owns.
    grouped("grouped-expert-short", "lacks an expert") { $0.extents.adding(-1, fromEnd: $0.rank) },
    // Experts padded to a multiple of the ranks.
    grouped("grouped-expert-surplus", "has an expert too many") {
      $0.extents.adding(1, fromEnd: $0.rank)
    },
    // Upstream passes a grouped tensor of another shape on as they are.
    grouped("grouped-transposed", "is transposed") { $0.extents.exchangingLast },
    // Upstream passes a grouped tensor of another rank on as they are.
    grouped("grouped-flat", "has two axes") { [$0[0] * $0[1]] + $0.extents.dropFirst(2) },
    // Kernels that pad the last axis.
    grouped("grouped-wide", "is one column too wide") { $0.extents.adding(1, fromEnd: 1) },
    // A state dict gathered from the parameters of one module only.
    CheckpointFaultKind("missing-partner", side: .native) { checkpoint, site in
      guard let layer = site.pick(checkpoint.nativeLayers),
        let native = site.pick(checkpoint.natives(layer)), checkpoint.isWhole || native.isGroup
      else { return nil }
      checkpoint.lose([checkpoint.key(layer, native.rest)])
      return "layer \(layer) has a tensor \(native.word) that is missing"
    },
    // Savers whose key is stacked where the schema is per expert.
    CheckpointFaultKind("missing-grouped-pair", side: .native) { checkpoint, site in
      guard checkpoint.isWhole, let layer = site.pick(checkpoint.nativeLayers) else { return nil }
      checkpoint.lose(checkpoint.natives(layer).map { checkpoint.key(layer, $0.rest) })
      return "layer \(layer) has no grouped experts"
    },
    // A gathered tensor handed to a saver that expects a shard.
    CheckpointFaultKind("whole-given-to-rank", side: .native) { checkpoint, site in
      let experts = checkpoint.config.expertCount
      guard checkpoint.ownExperts.count < experts, let layer = site.pick(checkpoint.nativeLayers),
        checkpoint.regroup(layer, experts: experts, where: \.isGroup)
      else { return nil }
      return "layer \(layer) holds all \(experts) experts on one rank"
    },
    // Partial shards that reach a saver of whole models.
    CheckpointFaultKind("shard-given-as-whole", side: .native) { checkpoint, site in
      let experts = checkpoint.config.expertCount
      guard checkpoint.spec.parallelism == nil, experts > 1,
        let layer = site.pick(checkpoint.nativeLayers),
        checkpoint.regroup(layer, experts: (experts + 1) / 2, where: { _ in true })
      else { return nil }
      return "layer \(layer) holds the experts of a rank only"
    },
  ]

  private static func grouped(
    _ name: String, _ words: String, _ extents: @escaping @Sendable (Shape) -> [Int]
  ) -> CheckpointFaultKind {
    CheckpointFaultKind(name, side: .native) { checkpoint, site in
      guard let layer = site.pick(checkpoint.nativeLayers),
        let native = site.pick(checkpoint.natives(layer)),
        checkpoint.reshape(checkpoint.key(layer, native.rest), extents)
      else { return nil }
      return "layer \(layer) has a tensor \(native.word) that \(words)"
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

  /// Gives native tensors of a layer another number of experts.
  fileprivate mutating func regroup(
    _ layer: Int, experts: Int, where isMeant: (NativeExperts) -> Bool
  ) -> Bool {
    for native in natives(layer) where isMeant(native) {
      let name = key(layer, native.rest)
      guard reshape(name, { [experts] + $0.extents.dropFirst() }) else { return false }
    }
    return true
  }
}
