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
        let suffix = site.pick(["weight_scale", "weight_scale_inv", "input_scale"])
      else { return nil }
      checkpoint.lose([place.name])
      let scale = checkpoint.expertKey(place.layer, place.expert, "\(place.projection).\(suffix)")
      guard checkpoint.add(TensorInfo(scale, .bf16, [])) else { return nil }
      checkpoint.offend(scale, .scaleWithoutWeight)
      return "\(place) has a \(suffix) of its \(place.projection) and no weight"
    },
    CheckpointFaultKind(
      "attention-scale-without-weight", "A scale of an attention projection has no weight.",
      source: "weight and scale in different shards, of which one was not read"
    ) { checkpoint, site in
      guard let layer = site.pick(checkpoint.layers) else { return nil }
      let name = checkpoint.key(layer, "self_attn.q_proj.weight")
      let scale = checkpoint.key(layer, "self_attn.q_proj.weight_scale")
      guard checkpoint.has(name), checkpoint.add(TensorInfo(scale, .bf16, [])) else { return nil }
      checkpoint.infos.removeAll { $0.name == name }
      if checkpoint.isWhole { checkpoint.offend(name, .missingTensor) }
      checkpoint.offend(scale, .scaleWithoutWeight)
      return "layer \(layer) has a scale of its q_proj and no weight"
    },
  ]

  private static func expertType(
    _ name: String, _ statement: String, source: String, _ types: [DType]
  ) -> CheckpointFaultKind {
    CheckpointFaultKind(name, statement, source: source) { checkpoint, site in
      guard let place = checkpoint.pickExpert(&site), let dtype = site.pick(types),
        dtype != checkpoint.setup.options.targetDType, checkpoint.retype(place.name, dtype)
      else { return nil }
      return "\(place) has a \(place.projection) of \(dtype)"
    }
  }
}
