// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
import Tensors

/// Low-rank factors of single experts; comments say where such faults come from.
extension CheckpointFaultCatalogue {
  static let loraFactors: [CheckpointFaultKind] = [
    // Upstream passes incomplete groups through unconverted.
    lora("missing-factor") { checkpoint, place, site in
      guard let factor = site.pick(["A", "B"]) else { return nil }
      checkpoint.lose([checkpoint.factor(factor, place)], .incompleteLoRA)
      return "\(place) has no lora_\(factor) of its \(place.projection)"
    },
    // An adapter that trained and saved one half only.
    lora("missing-factor-of-all") { checkpoint, place, site in
      guard let factor = site.pick(["B", "A"]) else { return nil }
      let rules = checkpoint.factorRules.filter { $0.group == place.rule.group }
      for expert in 0..<checkpoint.config.expertCount {
        checkpoint.lose(
          rules.map { checkpoint.loraKey(place.layer, $0, factor, expert) }, .incompleteLoRA)
      }
      let projections = rules.map(\.module).joined(separator: ", ")
      return "layer \(place.layer) has no lora_\(factor) of its \(projections)"
    },
    // Adapters saved by one rank of an expert-parallel group.
    lora("missing-expert-of-lora") { checkpoint, place, _ in
      guard let expert = place.expert, checkpoint.config.expertCount > 1 else { return nil }
      checkpoint.lose(checkpoint.factors(place.layer, expert).map(\.name), .incompleteLoRA)
      return "\(place) has no low-rank factors"
    },
    // Upstream counts experts and does not look at their numbers: 0, 1, 2, 7 are four.
    lora("renumbered-expert-of-lora") { checkpoint, place, _ in
      guard let expert = place.expert, checkpoint.config.expertCount > 1 else { return nil }
      let other = checkpoint.config.expertCount + expert
      let (old, new) = (
        checkpoint.factors(place.layer, expert), checkpoint.factors(place.layer, other)
      )
      for (old, new) in zip(old, new) {
        guard checkpoint.rename(old.name, to: new.name) else { return nil }
        checkpoint.offend(old.name, .incompleteLoRA)
        checkpoint.offend(new.name, .surplusExpert)
      }
      return "\(place) has its low-rank factors under the number \(other)"
    },
    // Adapters merged from two trainings.
    lora("rank-of-one-factor") { checkpoint, place, _ in
      // Of two members the first sets the rank.
      guard let last = checkpoint.lastFactorRule, let expert = checkpoint.outvoted(place) else {
        return nil
      }
      let rule = checkpoint.config.expertCount > 2 ? place.rule : last
      let name = checkpoint.loraKey(place.layer, rule, "A", expert)
      guard checkpoint.reshape(name, { [$0[0] + 1, $0[1]] }) else { return nil }
      return "expert \(expert) of layer \(place.layer) has another rank in \(rule.module).lora_A"
    },
    // A factor truncated to another rank on its own.
    lora("ranks-of-pair") { checkpoint, place, _ in
      guard let last = checkpoint.lastFactorRule else { return nil }
      for expert in 0..<checkpoint.config.expertCount {
        let name = checkpoint.loraKey(place.layer, last, "A", expert)
        guard checkpoint.reshape(name, { [$0[0] + 1, $0[1]] }) else { return nil }
      }
      return "layer \(place.layer) has a larger rank in \(last.module).lora_A than in lora_B"
    },
    // Fused factors that were swapped; they loaded without a warning and did nothing.
    lora("exchanged-factors") { checkpoint, place, _ in
      let rank = checkpoint.spec.lora?.rank
      let sizes = [checkpoint.config.hiddenSize, checkpoint.config.moeIntermediateSize]
      guard !sizes.contains(where: { $0 == rank }), let expert = checkpoint.outvoted(place),
        let last = checkpoint.lastFactorRule
      else { return nil }
      let names = ["A", "B"].map { checkpoint.loraKey(place.layer, last, $0, expert) }
      guard checkpoint.exchangeShapes(names, { $0 }) else { return nil }
      return "expert \(expert) of layer \(place.layer) has lora_A and lora_B exchanged"
    },
    // Adapters saved in part by an optimizer in single precision.
    lora("type-of-one-factor") { checkpoint, place, _ in
      let other = checkpoint.otherFactorType
      guard checkpoint.config.expertCount > 2,
        checkpoint.retype(checkpoint.factor("B", place), other)
      else { return nil }
      return "\(place) has a lora_B of \(other)"
    },
    // Upstream keeps the gate's and drops the up projection's.
    lora("differing-a-factors") { checkpoint, place, _ in
      let rules = checkpoint.factorRules
      guard
        let (one, other) = rules.lazy.compactMap({ rule in
          rules.first { $0 != rule && $0.group == rule.group }.map { (rule, $0) }
        }).first
      else { return nil }
      let name = checkpoint.loraKey(place.layer, other, "A", place.expert ?? 0)
      checkpoint.flipped.insert(name)
      checkpoint.offend(name, .differentLoRAFactors)
      // Elements are read once names, types and shapes are right.
      checkpoint.touchAll()
      return "\(place) has different lora_A in \(one.module) and \(other.module)"
    },
    // Adapters trained on a model with more layers.
    lora("factor-in-surplus-layer") { checkpoint, place, _ in
      let layer = checkpoint.config.storedLayerCount
      let name = checkpoint.loraKey(layer, place.rule, "A", 0)
      return checkpoint.add(TensorInfo(name, .bf16, [1, 1]), .surplusLayer)
        ? "layer \(layer), after the last one, has a low-rank factor" : nil
    },
    // Adapters that check all layers by the first one.
    lora("factor-in-dense-layer") { checkpoint, place, site in
      guard let layer = site.pick(checkpoint.denseDecoderLayers) else { return nil }
      let name = checkpoint.loraKey(layer, place.rule, "A", 0)
      return checkpoint.add(TensorInfo(name, .bf16, [1, 1]), .expertsInDenseLayer)
        ? "dense layer \(layer) has a low-rank factor of an expert" : nil
    },
    // Upstream drops gate projections where the activation has no gate.
    lora("gate-factor-of-non-gated-expert") { checkpoint, place, _ in
      guard !checkpoint.setup.options.activation.isGated,
        let gate = checkpoint.layout.tensors.first(where: { $0.part == .gate })
      else { return nil }
      let name = checkpoint.loraKey(place.layer, gate, "A", place.expert ?? 0)
      return checkpoint.add(TensorInfo(name, .bf16, [1, 1]), .gateOfNonGatedExpert)
        ? "\(place) has a low-rank factor of a gate" : nil
    },
  ]

  private static func lora(
    _ name: String,
    body: @escaping @Sendable (inout FaultyCheckpoint, FaultPlace, inout FaultSite) -> String?
  ) -> CheckpointFaultKind {
    CheckpointFaultKind(name) { checkpoint, site in
      guard checkpoint.spec.lora?.layout == .perExpert,
        let layer = site.pick(checkpoint.loraLayers),
        let expert = site.pick(0..<checkpoint.config.expertCount),
        let rule = site.pick(checkpoint.factorRules)
      else { return nil }
      let name = checkpoint.loraKey(layer, rule, "A", expert)
      let place = FaultPlace(layer: layer, expert: expert, rule: rule, name: name)
      return body(&checkpoint, place, &site)
    }
  }
}

extension FaultyCheckpoint {
  /// The weight with factors that comes last in the table, alone in its group in known families.
  fileprivate var lastFactorRule: TensorRule? {
    layout.lora.last.flatMap { layout.groups[$0.group].parts.last }.map { layout.tensors[$0] }
  }

  /// A type that factors do not have.
  var otherFactorType: DType { spec.types.others == .f32 ? .bf16 : .f32 }

  /// The key of a factor of a place's weight.
  fileprivate func factor(_ factor: String, _ place: FaultPlace) -> TensorName {
    loraKey(place.layer, place.rule, factor, place.expert ?? 0)
  }

  /// An expert whose factors the others outvote: the one of a place, or of two the second.
  fileprivate func outvoted(_ place: FaultPlace) -> Int? {
    config.expertCount > 2 ? place.expert : config.expertCount - 1
  }

  /// All factors of an expert of a layer, there or not.
  func factors(_ layer: Int, _ expert: Int) -> [TensorInfo] {
    let lora = LoRASpec(.perExpert, rank: spec.lora?.rank ?? 1, prefix: spec.lora?.prefix ?? "")
    return CheckpointTensors(spec).factors(lora, layer, expert)
  }

  /// Gives tensors each other's shapes, changed in some way.
  mutating func exchangeShapes(_ names: [TensorName], _ change: ([Int]) -> [Int]) -> Bool {
    let shapes = names.map { info($0).map { change($0.shape.extents) } }
    for (name, extents) in zip(names, shapes.reversed()) {
      guard reshape(name, { _ in extents }) else { return false }
    }
    return true
  }
}
