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

/// Grouped low-rank factors that cannot go back to disk; comments say where such faults come from.
extension CheckpointFaultCatalogue {
  static let nativeFactors: [CheckpointFaultKind] = [
    // An adapter that trained and saved one half only.
    factor("native-factor-missing", "is missing") { checkpoint, name in
      checkpoint.lose([name], .missingTensor)
      return true
    },
    // Low-rank factors distributed over ranks, which adapters do not expect.
    factor("native-factor-experts", "lacks an expert") { checkpoint, name in
      checkpoint.reshape(name) { [$0[0] - 1, $0[1], $0[2]] }
    },
    // A factor truncated to another rank on its own.
    factor("native-factor-rank", "has a larger rank") { checkpoint, name in
      name.text.hasSuffix("_A") && checkpoint.reshape(name) { [$0[0], $0[1], $0[2] + 1] }
    },
    // Fused factors that were swapped; they loaded without a warning and did nothing.
    factor("native-factor-transposed", "is transposed") { checkpoint, name in
      checkpoint.reshape(name) { [$0[0], $0[2], $0[1]] }
    },
    // Adapters given back to the wrong side.
    CheckpointFaultKind("fused-factor-in-native-form", side: .native) { checkpoint, site in
      guard let layer = site.pick(checkpoint.loraLayers) else { return nil }
      let name = checkpoint.loraKey(layer, checkpoint.layout.fusedName(ofLoRA: 0, "A"))
      return checkpoint.add(TensorInfo(name, .bf16, [1, 1]), .foreignLayout)
        ? "layer \(layer) has a key \(name)" : nil
    },
  ]

  private static func factor(
    _ name: String, _ words: String,
    body: @escaping @Sendable (inout FaultyCheckpoint, TensorName) -> Bool
  ) -> CheckpointFaultKind {
    CheckpointFaultKind(name, side: .native) { checkpoint, site in
      let layout = checkpoint.layout
      let natives = layout.lora.reversed().flatMap { entry in
        ["A", "B"].map { (layout.groups[entry.group].module, "\(entry.native)_\($0)") }
      }
      guard let layer = site.pick(checkpoint.loraLayers),
        let (module, native) = site.pick(natives),
        body(&checkpoint, checkpoint.loraKey(layer, module + native))
      else { return nil }
      return "layer \(layer) has a tensor \(native) that \(words)"
    }
  }
}
