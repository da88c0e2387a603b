// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
import Tensors

/// Experts of element types that cannot be cast, and scales without what they scale; comments say where
/// such faults come from.
extension CheckpointFaultCatalogue {
  static let wrongTypes: [CheckpointFaultKind] = [
    // Four-bit weights packed into integers.
    expertType("integer-expert", [.i8, .i16, .i32, .i64]),
    expertType("unsigned-expert", [.u8, .u16, .u32, .u64]),
    // Pruning masks saved in place of weights.
    expertType("boolean-expert", [.bool]),
    // Loaders that skip weights of a type they do not know and keep their scales.
    CheckpointFaultKind("scale-without-weight") { checkpoint, site in
      guard let place = checkpoint.pickExpert(&site),
        let suffix = site.pick(checkpoint.layout.companions),
        let scale = place.name.replacingWeight(by: suffix)
      else { return nil }
      checkpoint.remove([place.name])
      checkpoint.offendMissing(place)
      guard checkpoint.add(TensorInfo(scale, .bf16, []), .scaleWithoutWeight) else { return nil }
      return "\(place) has a \(suffix) of its \(place.projection) and no weight"
    },
    // Weight and scale in different shards, of which one was not read.
    CheckpointFaultKind("attention-scale-without-weight") { checkpoint, site in
      let isQuery = { (rule: TensorRule) in rule.role == .attention && rule.isWeight }
      guard let place = checkpoint.pickTensor(checkpoint.layers, &site, where: isQuery),
        let suffix = checkpoint.layout.companions.first,
        let scale = place.name.replacingWeight(by: suffix),
        checkpoint.add(TensorInfo(scale, .bf16, []))
      else { return nil }
      checkpoint.infos.removeAll { $0.name == place.name }
      checkpoint.offendMissing(place)
      checkpoint.offend(scale, .scaleWithoutWeight)
      return "layer \(place.layer) has a scale of its \(place.projection) and no weight"
    },
  ]

  private static func expertType(_ name: String, _ types: [DType]) -> CheckpointFaultKind {
    CheckpointFaultKind(name) { checkpoint, site in
      guard let place = checkpoint.pickExpert(&site, where: checkpoint.isCast),
        let dtype = site.pick(types),
        dtype != checkpoint.setup.options.targetDType, checkpoint.retype(place.name, dtype)
      else { return nil }
      return "\(place) has a \(place.projection) of \(dtype)"
    }
  }
}

extension FaultyCheckpoint {
  /// Whether a tensor takes the target type on load.
  fileprivate func isCast(_ rule: TensorRule) -> Bool {
    rule.group.map { layout.groups[$0].isCast } ?? false
  }
}
