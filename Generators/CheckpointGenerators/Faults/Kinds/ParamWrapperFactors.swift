// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
import Tensors

/// Low-rank factors of all experts of a layer in one tensor, as PEFT's ParamWrapper writes them.
extension CheckpointFaultCatalogue {
  static let paramWrapperFactors: [CheckpointFaultKind] = [
    fused(
      "missing-fused-factor", "One of two fused low-rank factors is missing.",
      source: "an adapter that trained and saved one half only"
    ) { checkpoint, layer, site in
      guard let place = site.pick(checkpoint.fusedPlaces) else { return nil }
      let name = checkpoint.loraKey(layer, place.key)
      checkpoint.remove([name])
      checkpoint.offend(checkpoint.loraKey(layer, place.partner), .incompleteLoRA)
      return "layer \(layer) has no \(place.key)"
    },
    fused(
      "indivisible-fused-rank", "The rank of a fused factor is no multiple of the experts.",
      source: "upstream fails on the reshape without naming a key"
    ) { checkpoint, layer, site in
      guard checkpoint.config.expertCount > 1, let place = site.pick(checkpoint.fusedPlaces) else {
        return nil
      }
      let axis = place.isA ? 0 : 1
      guard
        checkpoint.reshape(
          checkpoint.loraKey(layer, place.key),
          { shape in shape.extents.indices.map { shape[$0] + ($0 == axis ? 1 : 0) } })
      else { return nil }
      return "layer \(layer) has a \(place.key) whose rank is no multiple of the experts"
    },
    fused(
      "wide-fused-factor", "A fused factor has more features than the config.",
      source: "adapters of a model of another width"
    ) { checkpoint, layer, site in
      guard let place = site.pick(checkpoint.fusedPlaces) else { return nil }
      let axis = place.isA ? 1 : 0
      let sizes = checkpoint.features.flatMap { [$0.columns, $0.rows] }
      guard
        checkpoint.reshape(
          checkpoint.loraKey(layer, place.key),
          { shape in
            shape.extents.indices.map { $0 == axis ? (sizes.max() ?? 0) + 1 : shape[$0] }
          })
      else { return nil }
      return "layer \(layer) has a \(place.key) with too many features"
    },
    fused(
      "ranks-of-fused-pair", "Two fused factors differ in their rank.",
      source: "a factor truncated to another rank on its own"
    ) { checkpoint, layer, site in
      guard let place = site.pick(checkpoint.fusedPlaces.filter(\.isA)) else { return nil }
      let experts = checkpoint.config.expertCount
      guard
        checkpoint.reshape(
          checkpoint.loraKey(layer, place.key), { [$0[0] + experts, $0[1]] })
      else { return nil }
      return "layer \(layer) has a \(place.key) of a larger rank than its partner"
    },
    fused(
      "types-of-fused-pair", "Two fused factors differ in their element type.",
      source: "adapters saved in part by an optimizer in single precision"
    ) { checkpoint, layer, site in
      guard let place = site.pick(checkpoint.fusedPlaces.filter(\.isA)) else { return nil }
      let other: DType = checkpoint.spec.types.others == .f32 ? .bf16 : .f32
      guard checkpoint.retype(checkpoint.loraKey(layer, place.key), other) else { return nil }
      return "layer \(layer) has a \(place.key) of \(other) and a partner of another type"
    },
    fused(
      "fused-beside-experts", "A layer has fused low-rank factors and those of single experts.",
      source: "exports with the fused and the split form of the same experts"
    ) { checkpoint, layer, _ in
      let layout = checkpoint.layout
      guard let rank = checkpoint.spec.lora?.rank, let rule = checkpoint.factorRules.last,
        let extents = rule.extents(checkpoint.setup.values),
        case .part(let group, _) = rule.native,
        let lora = layout.lora.firstIndex(where: { $0.group == group })
      else { return nil }
      let rules = checkpoint.factorRules.filter { $0.native.group == group }
      let type = checkpoint.spec.types.others
      for expert in 0..<checkpoint.config.expertCount {
        for rule in rules {
          for (letter, shape) in [("A", [rank, extents[1]] as Shape), ("B", [extents[0], rank])] {
            let name = checkpoint.loraKey(layer, rule, letter, expert)
            guard checkpoint.add(TensorInfo(name, type, shape)) else { return nil }
          }
        }
      }
      for letter in ["A", "B"] {
        let name = checkpoint.loraKey(layer, layout.fusedName(ofLoRA: lora, letter))
        checkpoint.offend(name, .nameCollision)
      }
      return "layer \(layer) has fused low-rank factors and those of single experts"
    },
    fused(
      "fused-in-dense-layer", "A fused low-rank factor belongs to a dense layer.",
      source: "adapters that judge all layers by the first one"
    ) { checkpoint, _, site in
      guard let layer = site.pick(checkpoint.denseDecoderLayers),
        let place = site.pick(checkpoint.fusedPlaces)
      else { return nil }
      let name = checkpoint.loraKey(layer, place.key)
      guard checkpoint.add(TensorInfo(name, .bf16, [1, 1])) else { return nil }
      checkpoint.offend(name, .expertsInDenseLayer)
      return "dense layer \(layer) has a fused low-rank factor"
    },
    fused(
      "mixed-fused-layouts", "One layer has its fused factors in the other layout.",
      source: "adapters merged from files of two versions of PEFT"
    ) { checkpoint, layer, _ in
      guard checkpoint.tellsLayoutsApart, checkpoint.loraLayers.count > 1 else { return nil }
      let names = checkpoint.fusedPlaces.filter { $0.lora == 0 }.map {
        checkpoint.loraKey(layer, $0.key)
      }
      let shapes = names.map { checkpoint.info($0)?.shape.extents.reversed() }
      for (name, extents) in zip(names, shapes.reversed()) {
        guard checkpoint.reshape(name, { _ in extents.map(Array.init) }) else { return nil }
      }
      checkpoint.offences.removeAll()
      for name in names { checkpoint.offend(name, .ambiguousLoRALayout, .wrongShape) }
      checkpoint.touchAll()
      return "layer \(layer) has fused low-rank factors in another layout than the other layers"
    },
    fused(
      "contradicted-layout", "The stated layout of fused factors is not the one of their shapes.",
      source: "PEFT exchanged the two factors in 0.19.1; files do not always say who wrote them"
    ) { checkpoint, _, _ in
      let isLegacy = checkpoint.spec.lora?.layout == .legacyParamWrapper
      guard checkpoint.tellsLayoutsApart else { return nil }
      checkpoint.setup.options.paramWrapperLayout = isLegacy ? .modern : .legacy
      for info in checkpoint.infos {
        let key = LenientKey(info.name, checkpoint.layout)
        guard case .fusedFactor = key.subject, let layer = key.layer,
          checkpoint.loraLayers.contains(layer)
        else { continue }
        checkpoint.offend(info.name, .ambiguousLoRALayout, .wrongShape)
      }
      checkpoint.touchAll()
      return "fused low-rank factors have the layout that is not the stated one"
    },
  ]

  private static func fused(
    _ name: String, _ statement: String, source: String,
    body: @escaping @Sendable (inout FaultyCheckpoint, Int, inout FaultSite) -> String?
  ) -> CheckpointFaultKind {
    CheckpointFaultKind(name, statement, source: source) { checkpoint, site in
      guard let lora = checkpoint.spec.lora, lora.layout != .perExpert,
        let layer = site.pick(checkpoint.loraLayers)
      else { return nil }
      return body(&checkpoint, layer, &site)
    }
  }
}

extension FaultyCheckpoint {
  /// Whether the shapes of all fused factors fit one layout only.
  fileprivate var tellsLayoutsApart: Bool {
    features.allSatisfy { $0.columns != $0.rows }
  }

  /// The two last axes of each group that has factors.
  fileprivate var features: [(columns: Int, rows: Int)] {
    layout.lora.indices.compactMap { layout.features(ofLoRA: $0, setup.values) }
  }

  /// The fused factors of a layer.
  fileprivate var fusedPlaces: [FusedPlace] {
    layout.lora.indices.flatMap { lora in
      [true, false].map { isA in
        FusedPlace(
          lora: lora, isA: isA, key: layout.fusedName(ofLoRA: lora, isA ? "A" : "B"),
          partner: layout.fusedName(ofLoRA: lora, isA ? "B" : "A"))
      }
    }
  }
}

extension TensorRule.Native {
  /// The group that a tensor is a part of.
  fileprivate var group: Int? {
    if case .part(let group, _) = self { group } else { nil }
  }
}

/// A fused factor of a layer.
private struct FusedPlace: Sendable {
  let lora: Int
  let isA: Bool
  let key: String
  let partner: String
}
