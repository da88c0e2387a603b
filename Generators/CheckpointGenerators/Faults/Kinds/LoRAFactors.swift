// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
import Tensors

/// Low-rank factors of single experts.
extension CheckpointFaultCatalogue {
  static let loraFactors: [CheckpointFaultKind] = [
    lora(
      "missing-factor", "One low-rank factor of one expert is missing.",
      source: "upstream passes incomplete groups through unconverted"
    ) { checkpoint, place, site in
      guard let factor = site.pick(["A", "B"]) else { return nil }
      checkpoint.lose([place.key(factor, in: checkpoint)], .incompleteLoRA)
      return "\(place) has no lora_\(factor) of its \(place.projection)"
    },
    lora(
      "missing-factor-of-all", "One low-rank factor is missing in all experts of a layer.",
      source: "an adapter that trained and saved one half only"
    ) { checkpoint, place, site in
      guard let factor = site.pick(["B", "A"]) else { return nil }
      let rules = checkpoint.factorRules.filter { $0.isInGroup(of: place.rule) }
      for expert in 0..<checkpoint.config.expertCount {
        checkpoint.lose(
          rules.map { checkpoint.loraKey(place.layer, $0, factor, expert) }, .incompleteLoRA)
      }
      let projections = rules.map(\.module).joined(separator: ", ")
      return "layer \(place.layer) has no lora_\(factor) of its \(projections)"
    },
    lora(
      "missing-expert-of-lora", "An expert has no low-rank factors.",
      source: "adapters saved by one rank of an expert-parallel group"
    ) { checkpoint, place, _ in
      guard checkpoint.config.expertCount > 1 else { return nil }
      checkpoint.lose(place.allKeys(in: checkpoint), .incompleteLoRA)
      return "\(place) has no low-rank factors"
    },
    lora(
      "renumbered-expert-of-lora", "The low-rank factors of an expert have a number of none.",
      source: "upstream counts experts and does not look at their numbers: 0, 1, 2, 7 are four"
    ) { checkpoint, place, _ in
      let other = checkpoint.config.expertCount + place.expert
      guard checkpoint.config.expertCount > 1 else { return nil }
      for old in place.allKeys(in: checkpoint) {
        let rest = LenientKey(old, checkpoint.layout)
        let rule = rest.tensor.map { checkpoint.layout.tensors[$0] }
        guard let rule, case .factor(_, let isA) = rest.subject else { return nil }
        let new = checkpoint.loraKey(place.layer, rule, isA ? "A" : "B", other)
        guard checkpoint.rename(old, to: new) else { return nil }
        checkpoint.offend(old, .incompleteLoRA)
        checkpoint.offend(new, .surplusExpert)
      }
      return "\(place) has its low-rank factors under the number \(other)"
    },
    lora(
      "rank-of-one-factor", "One low-rank factor has another rank than the rest.",
      source: "adapters merged from two trainings"
    ) { checkpoint, place, _ in
      // Of two members the first sets the rank.
      let isVoted = checkpoint.config.expertCount > 2
      let expert = isVoted ? place.expert : checkpoint.config.expertCount - 1
      guard let last = checkpoint.lastFactorRule else { return nil }
      let rule = isVoted ? place.rule : last
      let name = checkpoint.loraKey(place.layer, rule, "A", expert)
      guard checkpoint.reshape(name, { [$0[0] + 1, $0[1]] }) else { return nil }
      return "expert \(expert) of layer \(place.layer) has another rank in \(rule.module).lora_A"
    },
    lora(
      "ranks-of-pair", "The two factors of a layer's projection differ in their rank.",
      source: "a factor truncated to another rank on its own"
    ) { checkpoint, place, _ in
      guard let last = checkpoint.lastFactorRule else { return nil }
      for expert in 0..<checkpoint.config.expertCount {
        let name = checkpoint.loraKey(place.layer, last, "A", expert)
        guard checkpoint.reshape(name, { [$0[0] + 1, $0[1]] }) else { return nil }
      }
      return "layer \(place.layer) has a larger rank in \(last.module).lora_A than in lora_B"
    },
    lora(
      "exchanged-factors", "The two factors of a projection of an expert are exchanged.",
      source: "fused factors that were swapped; they loaded without a warning and did nothing"
    ) { checkpoint, place, _ in
      let rank = checkpoint.spec.lora?.rank
      let sizes = [checkpoint.config.hiddenSize, checkpoint.config.moeIntermediateSize]
      guard !sizes.contains(where: { $0 == rank }) else { return nil }
      let expert =
        checkpoint.config.expertCount > 2 ? place.expert : checkpoint.config.expertCount - 1
      guard let last = checkpoint.lastFactorRule else { return nil }
      let names = ["A", "B"].map { checkpoint.loraKey(place.layer, last, $0, expert) }
      let shapes = names.map { checkpoint.info($0)?.shape.extents }
      for (name, extents) in zip(names, shapes.reversed()) {
        guard checkpoint.reshape(name, { _ in extents }) else { return nil }
      }
      return "expert \(expert) of layer \(place.layer) has lora_A and lora_B exchanged"
    },
    lora(
      "type-of-one-factor", "One low-rank factor has another element type than the rest.",
      source: "adapters saved in part by an optimizer in single precision"
    ) { checkpoint, place, _ in
      guard checkpoint.config.expertCount > 2 else { return nil }
      let other: DType = checkpoint.spec.types.others == .f32 ? .bf16 : .f32
      let name = place.key("B", in: checkpoint)
      guard checkpoint.retype(name, other) else { return nil }
      return "\(place) has a lora_B of \(other)"
    },
    lora(
      "differing-a-factors", "Gate and up projection of an expert differ in their A factor.",
      source: "upstream keeps the gate's and drops the up projection's"
    ) { checkpoint, place, _ in
      let rules = checkpoint.factorRules
      guard
        let (one, other) = rules.lazy.compactMap({ rule in
          rules.first { $0 != rule && $0.isInGroup(of: rule) }.map { (rule, $0) }
        }).first
      else { return nil }
      let name = checkpoint.loraKey(place.layer, other, "A", place.expert)
      checkpoint.flipped.insert(name)
      checkpoint.offend(name, .differentLoRAFactors)
      // Elements are read once names, types and shapes are right.
      checkpoint.touchAll()
      return "\(place) has different lora_A in \(one.module) and \(other.module)"
    },
    lora(
      "factor-in-surplus-layer", "A low-rank factor belongs to a layer behind the last one.",
      source: "adapters trained on a model with more layers"
    ) { checkpoint, place, _ in
      let layer = checkpoint.config.storedLayerCount
      let name = checkpoint.loraKey(layer, place.rule, "A", 0)
      guard checkpoint.add(TensorInfo(name, .bf16, [1, 1])) else { return nil }
      checkpoint.offend(name, .surplusLayer)
      return "layer \(layer), behind the last one, has a low-rank factor"
    },
    lora(
      "factor-in-dense-layer", "A low-rank factor of an expert belongs to a dense layer.",
      source: "adapters that judge all layers by the first one"
    ) { checkpoint, place, site in
      guard let layer = site.pick(checkpoint.denseDecoderLayers) else { return nil }
      let name = checkpoint.loraKey(layer, place.rule, "A", 0)
      guard checkpoint.add(TensorInfo(name, .bf16, [1, 1])) else { return nil }
      checkpoint.offend(name, .expertsInDenseLayer)
      return "dense layer \(layer) has a low-rank factor of an expert"
    },
    lora(
      "gate-factor-of-non-gated-expert", "An expert without gate has a gate's low-rank factor.",
      source: "upstream drops gate projections where the activation has no gate"
    ) { checkpoint, place, _ in
      guard !checkpoint.setup.options.activation.isGated,
        let gate = checkpoint.layout.tensors.first(where: { $0.part == .gate })
      else { return nil }
      let name = checkpoint.loraKey(place.layer, gate, "A", place.expert)
      guard checkpoint.add(TensorInfo(name, .bf16, [1, 1])) else { return nil }
      checkpoint.offend(name, .gateOfNonGatedExpert)
      return "\(place) has a low-rank factor of a gate"
    },
  ]

  private static func lora(
    _ name: String, _ statement: String, source: String,
    body: @escaping @Sendable (inout FaultyCheckpoint, LoRAPlace, inout FaultSite) -> String?
  ) -> CheckpointFaultKind {
    CheckpointFaultKind(name, statement, source: source) { checkpoint, site in
      guard checkpoint.spec.lora?.layout == .perExpert,
        let layer = site.pick(checkpoint.loraLayers),
        let expert = site.pick(Array(0..<checkpoint.config.expertCount)),
        let rule = site.pick(checkpoint.factorRules)
      else { return nil }
      return body(&checkpoint, LoRAPlace(layer: layer, expert: expert, rule: rule), &site)
    }
  }
}

/// The low-rank factors of a projection of an expert.
private struct LoRAPlace: CustomStringConvertible {
  let layer: Int
  let expert: Int
  let rule: TensorRule

  var projection: String { rule.module }
  var description: String { "expert \(expert) of layer \(layer)" }

  func key(_ factor: String, in checkpoint: FaultyCheckpoint) -> TensorName {
    checkpoint.loraKey(layer, rule, factor, expert)
  }

  func allKeys(in checkpoint: FaultyCheckpoint) -> [TensorName] {
    checkpoint.factorRules.flatMap { rule in
      ["A", "B"].map { checkpoint.loraKey(layer, rule, $0, expert) }
    }
  }
}

extension FaultyCheckpoint {
  /// The weight with factors that comes last in the table, alone in its group in known families.
  fileprivate var lastFactorRule: TensorRule? {
    layout.lora.last.flatMap { layout.groups[$0.group].parts.last }.map { layout.tensors[$0] }
  }
}

extension TensorRule {
  /// Whether two tensors are parts of one group.
  fileprivate func isInGroup(of other: TensorRule) -> Bool {
    guard case .part(let own, _) = native, case .part(let others, _) = other.native else {
      return false
    }
    return own == others
  }
}
