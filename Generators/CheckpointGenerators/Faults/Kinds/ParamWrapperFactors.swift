// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
import Tensors

/// Low-rank factors of all experts of a layer in one tensor, as PEFT's ParamWrapper writes them; comments
/// say where such faults come from.
extension CheckpointFaultCatalogue {
  static let paramWrapperFactors: [CheckpointFaultKind] = [
    // An adapter that trained and saved one half only.
    fused("missing-fused-factor") { checkpoint, layer, site in
      guard let place = site.pick(checkpoint.fusedPlaces) else { return nil }
      checkpoint.remove([checkpoint.loraKey(layer, place.key)])
      checkpoint.offend(checkpoint.loraKey(layer, place.partner), .incompleteLoRA)
      return "layer \(layer) has no \(place.key)"
    },
    // Upstream fails on the reshape without naming a key.
    fused("indivisible-fused-rank") { checkpoint, layer, site in
      guard checkpoint.config.expertCount > 1 else { return nil }
      return checkpoint.reshapeFused(layer, &site, "whose rank is no multiple of the experts") {
        $0.adding(1, fromEnd: $1.isA ? 2 : 1)
      }
    },
    // Adapters of a model of another width.
    fused("wide-fused-factor") { checkpoint, layer, site in
      let most = checkpoint.features.flatMap { [$0.columns, $0.rows] }.max() ?? 0
      return checkpoint.reshapeFused(layer, &site, "with too many features") { extents, place in
        place.isA ? [extents[0], most + 1] : [most + 1, extents[1]]
      }
    },
    // A factor truncated to another rank on its own.
    fused("ranks-of-fused-pair") { checkpoint, layer, site in
      let experts = checkpoint.config.expertCount
      return checkpoint.reshapeFused(
        layer, &site, "of a larger rank than its partner", where: \.isA
      ) { extents, _ in [extents[0] + experts, extents[1]] }
    },
    // Adapters saved in part by an optimizer in single precision.
    fused("types-of-fused-pair") { checkpoint, layer, site in
      let other = checkpoint.otherFactorType
      guard let place = site.pick(checkpoint.fusedPlaces.filter(\.isA)),
        checkpoint.retype(checkpoint.loraKey(layer, place.key), other)
      else { return nil }
      return "layer \(layer) has a \(place.key) of \(other) and a partner of another type"
    },
    // Exports with the fused and the split form of the same experts.
    fused("fused-beside-experts") { checkpoint, layer, _ in
      let layout = checkpoint.layout
      guard let group = checkpoint.factorRules.last?.group,
        let lora = layout.lora.firstIndex(where: { $0.group == group })
      else { return nil }
      for expert in 0..<checkpoint.config.expertCount {
        for info in checkpoint.factors(layer, expert, of: group) {
          guard checkpoint.add(info) else { return nil }
        }
      }
      for letter in ["A", "B"] {
        let name = checkpoint.loraKey(layer, layout.fusedName(ofLoRA: lora, letter))
        checkpoint.offend(name, .nameCollision)
      }
      return "layer \(layer) has fused low-rank factors and those of single experts"
    },
    // Adapters that check all layers by the first one.
    fused("fused-in-dense-layer") { checkpoint, _, site in
      guard let layer = site.pick(checkpoint.denseDecoderLayers),
        let place = site.pick(checkpoint.fusedPlaces),
        checkpoint.add(
          TensorInfo(checkpoint.loraKey(layer, place.key), .bf16, [1, 1]), .expertsInDenseLayer)
      else { return nil }
      return "dense layer \(layer) has a fused low-rank factor"
    },
    // Adapters merged from files of two versions of PEFT.
    fused("mixed-fused-layouts") { checkpoint, layer, _ in
      let names = checkpoint.fusedPlaces.prefix(2).map { checkpoint.loraKey(layer, $0.key) }
      guard checkpoint.tellsLayoutsApart, checkpoint.loraLayers.count > 1,
        checkpoint.exchangeShapes(names, { $0.reversed() })
      else { return nil }
      checkpoint.offences.removeAll()
      for name in names { checkpoint.offend(name, .ambiguousLoRALayout, .wrongShape) }
      checkpoint.touchAll()
      return "layer \(layer) has fused low-rank factors in another layout than the other layers"
    },
    // PEFT exchanged the two factors in 0.19.1; files do not always say who wrote them.
    fused("contradicted-layout") { checkpoint, _, _ in
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
    _ name: String,
    body: @escaping @Sendable (inout FaultyCheckpoint, Int, inout FaultSite) -> String?
  ) -> CheckpointFaultKind {
    CheckpointFaultKind(name) { checkpoint, site in
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

  /// The fused factors of a layer, the A of each group first.
  fileprivate var fusedPlaces: [FusedPlace] {
    layout.lora.indices.flatMap { lora in
      let (a, b) = (layout.fusedName(ofLoRA: lora, "A"), layout.fusedName(ofLoRA: lora, "B"))
      return [
        FusedPlace(isA: true, key: a, partner: b), FusedPlace(isA: false, key: b, partner: a),
      ]
    }
  }

  /// Gives a fused factor of a layer another shape; says what is wrong.
  fileprivate mutating func reshapeFused(
    _ layer: Int, _ site: inout FaultSite, _ words: String,
    where isMeant: (FusedPlace) -> Bool = { _ in true },
    _ extents: ([Int], FusedPlace) -> [Int]
  ) -> String? {
    guard let place = site.pick(fusedPlaces.filter(isMeant)),
      reshape(loraKey(layer, place.key), { extents($0.extents, place) })
    else { return nil }
    return "layer \(layer) has a \(place.key) \(words)"
  }

  /// The factors that an expert's weights of one group would have.
  fileprivate func factors(_ layer: Int, _ expert: Int, of group: Int) -> [TensorInfo] {
    factors(layer, expert).filter {
      LenientKey($0.name, layout).tensor.map { layout.tensors[$0].group == group } ?? false
    }
  }
}

/// A fused factor of a layer.
private struct FusedPlace: Sendable {
  let isA: Bool
  let key: String
  let partner: String
}
