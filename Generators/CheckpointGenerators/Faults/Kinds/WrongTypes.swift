// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
import Tensors

/// Experts of element types that cannot be cast, and scales without what they scale.
extension CheckpointFaultCatalogue {
  static let wrongTypes: [CheckpointFaultKind] = [
    expertType(
      "integer-expert", "A projection of an expert has integers.",
      source: "four-bit weights packed into integers", [.i8, .i16, .i32, .i64]),
    expertType(
      "unsigned-expert", "A projection of an expert has unsigned integers.",
      source: "four-bit weights packed into bytes", [.u8, .u16, .u32, .u64]),
    expertType(
      "boolean-expert", "A projection of an expert has truth values.",
      source: "pruning masks saved in place of weights", [.bool]),
    CheckpointFaultKind(
      "scale-without-weight", "A scale of an expert has no weight.",
      source: "loaders that skip weights of a type they do not know and keep their scales"
    ) { checkpoint, site in
      guard let place = checkpoint.pickExpert(&site),
        let suffix = site.pick(checkpoint.layout.companions),
        let scale = checkpoint.companion(of: place.name, suffix)
      else { return nil }
      checkpoint.remove([place.name])
      checkpoint.offendMissing(place)
      guard checkpoint.add(TensorInfo(scale, .bf16, [])) else { return nil }
      checkpoint.offend(scale, .scaleWithoutWeight)
      return "\(place) has a \(suffix) of its \(place.projection) and no weight"
    },
    CheckpointFaultKind(
      "attention-scale-without-weight", "A scale of an attention projection has no weight.",
      source: "weight and scale in different shards, of which one was not read"
    ) { checkpoint, site in
      let isQuery = { (rule: TensorRule) in rule.role == .attention && rule.isWeight }
      guard
        let (layer, rule, name) = checkpoint.pickTensor(checkpoint.layers, &site, where: isQuery),
        let suffix = checkpoint.layout.companions.first,
        let scale = checkpoint.companion(of: name, suffix),
        checkpoint.add(TensorInfo(scale, .bf16, []))
      else { return nil }
      checkpoint.infos.removeAll { $0.name == name }
      if checkpoint.isWhole { checkpoint.offend(name, .missingTensor) }
      checkpoint.offend(scale, .scaleWithoutWeight)
      return "layer \(layer) has a scale of its \(rule.module) and no weight"
    },
  ]

  private static func expertType(
    _ name: String, _ statement: String, source: String, _ types: [DType]
  ) -> CheckpointFaultKind {
    CheckpointFaultKind(name, statement, source: source) { checkpoint, site in
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
    if case .part(let group, _) = rule.native { layout.groups[group].isCast } else { false }
  }

  /// The key of a weight's companion.
  fileprivate func companion(of weight: TensorName, _ suffix: String) -> TensorName? {
    let name = NamePattern(whole: weight.text).replacingWeight(by: suffix)
    return name.map { TensorName($0.start) }
  }
}
