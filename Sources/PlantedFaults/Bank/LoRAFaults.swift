// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Adapters
import CheckpointGenerators
import Layouts
import Tensors

/// Low-rank factors of experts, one for each or fused by PEFT.
extension FaultBank {
  static let lora: [PlantedFault] = single + fused

  private static func exchangingNames(_ one: String, _ other: String) -> FaultyAdapter.Edit {
    { dict, _ in
      try dict.renaming { name in
        name.hasSuffix(one)
          ? name.replacing(one, with: other) : name.replacing(other, with: one)
      }
    }
  }

  private static let single: [PlantedFault] = [
    PlantedFault(
      "lora-down-exchanged-both", .lora, "factors A and B of down_proj are exchanged both ways",
      .selfConsistent,
      says: "down_proj lora_A and down_proj lora_B are exchanged in both directions",
      smallest:
        "LoRA per expert, rank 1, prefix \"base_model.model.model.\" | extent LoRA only; LoRA per expert, rank 1, prefix \"base_model.model.model.\"",
      FaultyAdapter(
        nativeOut: exchangingNames("lora_down_A", "lora_down_B"),
        nativeIn: exchangingNames("lora_down_A", "lora_down_B"))),
    PlantedFault(
      "lora-halves-both", .lora, "factor B of up stands before that of gate in both directions",
      .selfConsistent, says: "gate and up halves are swapped in both directions",
      smallest:
        "LoRA per expert, rank 1, prefix \"base_model.model.model.\"; contents tracer 0 | extent LoRA only; LoRA per expert, rank 1, prefix \"base_model.model.model.\"; contents tracer 0",
      FaultyAdapter(
        nativeOut: columns(of: ".lora_gate_and_up_B", swapped),
        nativeIn: columns(of: ".lora_gate_and_up_B", swapped))),
    PlantedFault(
      "lora-halves-load", .lora, "factor B of up stands before that of gate on load",
      says: "gate and up halves are swapped from HF only",
      smallest:
        "LoRA per expert, rank 1, prefix \"base_model.model.model.\"; contents tracer 0 | extent LoRA only; LoRA per expert, rank 1, prefix \"base_model.model.model.\"; contents tracer 0",
      FaultyAdapter(nativeOut: columns(of: ".lora_gate_and_up_B", swapped))),
    PlantedFault(
      "lora-gate-twice", .lora, "factor B of gate stands in the place of that of up on load",
      says: "up_proj lora_B holds the elements of gate_proj lora_B from HF only",
      smallest:
        "LoRA per expert, rank 1, prefix \"base_model.model.model.\"; contents tracer 0 | extent LoRA only; LoRA per expert, rank 1, prefix \"base_model.model.model.\"; contents tracer 0",
      FaultyAdapter(nativeOut: columns(of: ".lora_gate_and_up_B") { $0 % $1 })),
    PlantedFault(
      "lora-up-a-lost-save", .lora, "factor A of up_proj is not saved",
      says: "up_proj lora_A is lost to HF only",
      smallest:
        "LoRA per expert, rank 1, prefix \"base_model.model.model.\" | extent LoRA only; LoRA per expert, rank 1, prefix \"base_model.model.model.\"",
      FaultyAdapter(onDiskOut: { dict, call in
        call.setup.options.activation.isGated
          ? dict.filter { !$0.text.hasSuffix(".up_proj.lora_A.weight") } : dict
      })),
    PlantedFault(
      "lora-text-order-both", .lora, "factors are sorted by experts as text in both directions",
      .selfConsistent,
      says:
        "for gate_proj lora_A, gate_proj lora_B, up_proj lora_B, down_proj lora_A and down_proj lora_B,",
      smallest:
        "experts 11; LoRA per expert, rank 1, prefix \"base_model.model.model.\"; contents tracer 0 | experts 11; extent LoRA only; LoRA per expert, rank 1, prefix \"base_model.model.model.\"; contents tracer 0",
      {
        let arrange: @Sendable (StateDict, FaultyAdapter.Call, Bool) throws -> StateDict = {
          dict, call, isBack in
          let order = asText(Array(0..<call.setup.config.expertCount))
          return try dict.editing(".lora_") { tensor in
            try tensor.permuting(axis: 0) { slot in
              guard order.indices.contains(slot) else { return slot }
              return isBack ? order.firstIndex(of: slot) : order[slot]
            }
          }
        }
        return FaultyAdapter(
          nativeOut: { dict, call in try arrange(dict, call, false) },
          nativeIn: { dict, call in try arrange(dict, call, true) })
      }()),
    PlantedFault(
      "lora-down-not-transposed-load", .lora, "factors of down_proj are not transposed on load",
      says: "down_proj lora_A and down_proj lora_B are not transposed from HF only",
      smallest:
        "LoRA per expert, rank 2, prefix \"base_model.model.model.\" | extent LoRA only; LoRA per expert, rank 2, prefix \"base_model.model.model.\"",
      FaultyAdapter(nativeOut: { dict, _ in
        try dict.editing(".lora_down_") { try $0.transposed() }
      })),
    PlantedFault(
      "lora-square-both", .lora,
      "square factors of down_proj are not transposed in either direction",
      .selfConsistent,
      says: "down_proj lora_A is not transposed where it is square in both directions",
      smallest:
        "MoE intermediate size 2; LoRA per expert, rank 2, prefix \"base_model.model.model.\"; contents tracer 0 | MoE intermediate size 2; extent LoRA only; LoRA per expert, rank 2, prefix \"base_model.model.model.\"; contents tracer 0",
      {
        let edit: FaultyAdapter.Edit = { dict, _ in
          try dict.editing(".lora_down_") { tensor in
            guard tensor.shape.rank == 3, tensor.shape[1] == tensor.shape[2] else { return tensor }
            return try tensor.transposed()
          }
        }
        return FaultyAdapter(nativeOut: edit, nativeIn: edit)
      }()),
    PlantedFault(
      "lora-prefix-lost", .lora, "factors lose PEFT's prefix on load",
      says: "prefix 'model.' instead of 'base_model.model.model.'",
      smallest:
        "LoRA per expert, rank 1, prefix \"base_model.model.model.\" | extent LoRA only; LoRA per expert, rank 1, prefix \"base_model.model.model.\"",
      FaultyAdapter(nativeOut: { dict, _ in
        try dict.renaming { $0.replacing("base_model.model.model.layers.", with: "model.layers.") }
      })),
    PlantedFault(
      "lora-prefix-added-save", .lora, "factors are saved under PEFT's prefix whatever theirs was",
      says:
        "keys come out with the prefix 'base_model.model.model.' instead of 'model.' to HF only",
      smallest:
        "LoRA per expert, rank 1, prefix \"model.\" | extent LoRA only; LoRA per expert, rank 1, prefix \"model.\"",
      FaultyAdapter(onDiskOut: { dict, _ in
        try dict.renaming { name in
          guard name.contains(".lora_"), let prefix = KeyParts(name).prefix else { return name }
          return "base_model.model.model.\(name.dropFirst(prefix.count))"
        }
      })),
    PlantedFault(
      "lora-cast", .lora, "factors are cast to the experts' target type on load",
      says:
        "gate_proj lora_A, gate_proj lora_B, up_proj lora_B, down_proj lora_A and down_proj lora_B were cast",
      smallest:
        "other types f16; LoRA per expert, rank 1, prefix \"base_model.model.model.\" | other types f16; extent LoRA only; LoRA per expert, rank 1, prefix \"base_model.model.model.\"",
      FaultyAdapter(nativeOut: { dict, call in
        try casting(".lora_", to: call.setup.options.targetDType)(dict, call)
      })),
    PlantedFault(
      "lora-not-split", .lora, "factors are saved in grouped form",
      says:
        "gate_proj lora_A, down_proj lora_A and down_proj lora_B keep their native name to HF only",
      smallest:
        "LoRA per expert, rank 1, prefix \"base_model.model.model.\" | extent LoRA only; LoRA per expert, rank 1, prefix \"base_model.model.model.\"",
      FaultyAdapter(toHF: { session, dict, call in
        let base = dict.filter { !$0.text.contains(".lora_") }
        let factors = dict.filter { $0.text.contains(".lora_") && call.excluding.isEmpty }
        guard !base.isEmpty else { return dict }
        return try session.toHF(base, excluding: call.excluding, call.rank).appending(factors)
      })),
    PlantedFault(
      "lora-dropped", .lora, "low-rank factors are lost on load",
      says:
        "lora_gate_and_up_A, lora_gate_and_up_B, lora_down_A and lora_down_B are lost from HF only",
      smallest:
        "LoRA per expert, rank 1, prefix \"base_model.model.model.\" | extent LoRA only; LoRA per expert, rank 1, prefix \"base_model.model.model.\"",
      FaultyAdapter(nativeOut: { dict, _ in dict.filter { !$0.text.contains(".lora_") } })),
    PlantedFault(
      "lora-mtp-dropped", .lora, "factors of MTP layers are dropped under PEFT's prefix, too",
      says:
        "lora_gate_and_up_A, lora_gate_and_up_B, lora_down_A and lora_down_B are lost from HF only",
      smallest:
        "MTP layers 1; MTP policy drop; LoRA per expert, rank 1, prefix \"base_model.model.model.\" | MTP layers 1; MTP policy drop; extent LoRA only; LoRA per expert, rank 1, prefix \"base_model.model.model.\"",
      FaultyAdapter(nativeOut: { dict, call in
        guard call.setup.options.mtpPolicy == .drop else { return dict }
        let count = call.setup.config.hiddenLayerCount
        return dict.filter { name in
          !name.text.contains(".lora_") || KeyParts(name.text).layer.map { $0 < count } ?? true
        }
      })),
    PlantedFault(
      "lora-first-expert-only", .lora, "every expert gets the factors of the first on load",
      says:
        "for gate_proj lora_A, gate_proj lora_B, up_proj lora_B, down_proj lora_A and down_proj lora_B,",
      smallest:
        "experts 2; LoRA per expert, rank 1, prefix \"base_model.model.model.\"; contents tracer 0 | experts 2; extent LoRA only; LoRA per expert, rank 1, prefix \"base_model.model.model.\"; contents tracer 0",
      FaultyAdapter(nativeOut: { dict, _ in
        try dict.editing(".lora_") { try $0.permuting(axis: 0) { _ in 0 } }
      })),
  ]

  private static func isFused(_ name: TensorName) -> Bool {
    name.text.contains(".mlp.experts.lora_") && name.text.hasSuffix(".weight")
      || name.text.contains(".mlp.experts.base_layer.lora_")
  }

  /// Rows or columns of fused factors, whose order of experts and ranks is taken for the other.
  private static func regrouped(_ letter: String) -> FaultyAdapter.Edit {
    { dict, call in
      let experts = call.setup.config.expertCount
      return try dict.editing(where: {
        isFused($0) && $0.text.hasSuffix("lora_\(letter).weight")
      }) { tensor in
        let axis = letter == "A" ? 0 : 1
        guard tensor.shape.rank == 2, tensor.shape[axis] % experts == 0 else { return tensor }
        let rank = tensor.shape[axis] / experts
        return try tensor.permuting(axis: axis) { place in
          letter == "A"
            ? place % rank * experts + place / rank : place % experts * rank + place / experts
        }
      }
    }
  }

  private static let fused: [PlantedFault] = [
    PlantedFault(
      "fused-layout-inverted", .lora, "the layout of fused factors is taken for PEFT's other one",
      says: "lora_A and lora_B are exchanged",
      smallest:
        "LoRA ParamWrapper, rank 1, prefix \"base_model.model.model.\" | extent LoRA only; LoRA ParamWrapper, rank 1, prefix \"base_model.model.model.\"",
      FaultyAdapter(fromHF: { session, dict, call in
        let native = try session.fromHF(dict, call.rank)
        guard dict.names.contains(where: isFused) else { return native }
        return try native.editing(".lora_") { try $0.transposed() }.renaming { name in
          name.hasSuffix("_A") && name.contains(".lora_")
            ? "\(name.dropLast())B"
            : name.hasSuffix("_B") && name.contains(".lora_") ? "\(name.dropLast())A" : name
        }
      })),
    PlantedFault(
      "fused-hint-ignored", .lora, "the layout that the adapter's file states is ignored",
      says: "expected a stated layout, found a shape that fits peft-0.19.1 and peft-0.18",
      smallest:
        "activation relu2; LoRA ParamWrapper, rank 1, prefix \"base_model.model.model.\"; stated layout peft-0.19.1 | activation relu2; extent LoRA only; LoRA ParamWrapper, rank 1, prefix \"base_model.model.model.\"; stated layout peft-0.19.1",
      FaultyAdapter(setup: { setup in
        var setup = setup
        setup.options.paramWrapperLayout = nil
        return setup
      })),
    PlantedFault(
      "fused-hint-inverted", .lora,
      "the layout that the adapter's file states is taken for the other",
      says: "expected the stated layout peft-0.18, found a shape that fits peft-0.19.1",
      smallest:
        "LoRA ParamWrapper, rank 1, prefix \"base_model.model.model.\"; stated layout peft-0.19.1 | extent LoRA only; LoRA ParamWrapper, rank 1, prefix \"base_model.model.model.\"; stated layout peft-0.19.1",
      FaultyAdapter(setup: { setup in
        var setup = setup
        setup.options.paramWrapperLayout = setup.options.paramWrapperLayout.map {
          $0 == .modern ? .legacy : .modern
        }
        return setup
      })),
    PlantedFault(
      "fused-rank-first-a", .lora, "rows of a fused A are taken for ranks of experts",
      says: "order of experts and ranks",
      smallest:
        "experts 2; LoRA ParamWrapper, rank 2, prefix \"base_model.model.model.\"; contents tracer 0 | experts 2; extent LoRA only; LoRA ParamWrapper, rank 2, prefix \"base_model.model.model.\"; contents tracer 0",
      FaultyAdapter(onDiskIn: regrouped("A"))),
    PlantedFault(
      "fused-expert-first-b", .lora, "columns of a fused B are taken for experts of ranks",
      says: "order of experts and ranks",
      smallest:
        "experts 2; LoRA ParamWrapper, rank 2, prefix \"base_model.model.model.\"; contents tracer 0 | experts 2; extent LoRA only; LoRA ParamWrapper, rank 2, prefix \"base_model.model.model.\"; contents tracer 0",
      FaultyAdapter(onDiskIn: regrouped("B"))),
    PlantedFault(
      "fused-kept", .lora, "fused factors stay beside the groups that are made of them",
      says: "surplus keys 'base_model.model.model.layers.0.mlp.experts.base_layer.lora_A.weight',",
      smallest:
        "LoRA ParamWrapper, rank 1, prefix \"base_model.model.model.\" | extent LoRA only; LoRA ParamWrapper, rank 1, prefix \"base_model.model.model.\"",
      FaultyAdapter(fromHF: { session, dict, call in
        try session.fromHF(dict, call.rank).appending(dict.filter(isFused))
      })),
    PlantedFault(
      "fused-dropped", .lora, "fused factors are lost on load",
      says:
        "lora_gate_and_up_A, lora_gate_and_up_B, lora_down_A and lora_down_B are lost from HF only",
      smallest:
        "LoRA ParamWrapper, rank 1, prefix \"base_model.model.model.\" | extent LoRA only; LoRA ParamWrapper, rank 1, prefix \"base_model.model.model.\"",
      FaultyAdapter(fromHF: { session, dict, call in
        let native = try session.fromHF(dict, call.rank)
        return dict.names.contains(where: isFused)
          ? native.filter { !$0.text.contains(".lora_") } : native
      })),
    PlantedFault(
      "fused-gate-alone", .lora, "a fused factor of gate and up is taken for gate's alone on load",
      says: "base_layer lora_B comes out in shape [1, 1, 1] instead of [1, 1, 2] from HF only",
      smallest:
        "LoRA ParamWrapper, rank 1, prefix \"base_model.model.model.\" | extent LoRA only; LoRA ParamWrapper, rank 1, prefix \"base_model.model.model.\"",
      FaultyAdapter(fromHF: { session, dict, call in
        let native = try session.fromHF(dict, call.rank)
        let width = call.setup.config.moeIntermediateSize
        guard dict.names.contains(where: isFused), call.setup.options.activation.isGated else {
          return native
        }
        return try native.editing(".lora_gate_and_up_B") {
          try $0.selecting(axis: 2, (0..<width).map { $0 })
        }
      })),
  ]
}
