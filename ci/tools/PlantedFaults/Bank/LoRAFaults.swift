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

  /// The smallest checkpoint with factors, beside the model or alone.
  static func withFactors(
    _ kind: String = "per expert", rank: Int = 1, before: String = "", behind: String = ""
  ) -> String {
    let factors = "LoRA \(kind), rank \(rank), prefix \"base_model.model.model.\"\(behind)"
    return "\(before)\(factors) | \(before)extent LoRA only; \(factors)"
  }

  /// What PEFT puts before the model's keys.
  private static let peftPrefix = "base_model.model."

  /// Native factors A and B of down exchanged.
  @Sendable private static func exchanged(
    _ dict: StateDict, _ call: FaultyAdapter.Call
  ) throws -> StateDict {
    try dict.renaming(call) { key in
      FaultSite.downFactors.contains(key, in: call.layout) ? sidesExchanged(key) : key.name.text
    }
  }

  /// A native factor's key with A for B or the other way round.
  private static func sidesExchanged(_ key: LenientKey) -> String {
    guard case .groupFactor(_, let isA) = key.subject else { return key.name.text }
    return key.name.text.dropLast() + (isA ? "B" : "A")
  }

  private static let single: [PlantedFault] = [
    PlantedFault(
      "lora-down-exchanged-both", .lora, "factors A and B of {down} are exchanged both ways",
      .selfConsistent, needs: [.lora], cause: .both(.classesExchanged("", ""), .downFactors),
      smallest: withFactors(), FaultyAdapter(bothWays: exchanged)),
    PlantedFault(
      "lora-halves-both", .lora, "factor B of up stands before that of gate in both directions",
      .selfConsistent, needs: [.lora], cause: .both(.halvesExchanged),
      smallest: withFactors(behind: "; contents tracer 0"),
      FaultyAdapter(
        nativeOut: columns(of: .secondFactor, swapped),
        nativeIn: columns(of: .secondFactor, swapped))),
    PlantedFault(
      "lora-halves-load", .lora, "factor B of up stands before that of gate on load",
      needs: [.lora], cause: .fromHF(.halvesExchanged),
      smallest: withFactors(behind: "; contents tracer 0"),
      FaultyAdapter(nativeOut: columns(of: .secondFactor, swapped))),
    PlantedFault(
      "lora-gate-twice", .lora, "factor B of gate stands in the place of that of up on load",
      needs: [.lora], cause: .fromHF(.classReplaced(by: "{gate} lora_B"), .up.factors(isA: false)),
      smallest: withFactors(behind: "; contents tracer 0"),
      FaultyAdapter(nativeOut: columns(of: .secondFactor) { $0 % $1 })),
    PlantedFault(
      "lora-up-a-lost-save", .lora, "factor A of {up} is not saved", needs: [.lora],
      cause: .toHF(.keysDropped, .up.factors(isA: true)), smallest: withFactors(),
      FaultyAdapter(onDiskOut: { dict, call in
        call.isGated ? dict.without(FaultSite.up.factors(isA: true), call) : dict
      })),
    PlantedFault(
      "lora-text-order-both", .lora, "factors are sorted by experts as text in both directions",
      .selfConsistent, needs: [.lora],
      cause: .fromHF(
        .expertOrder(.lexicographic), .gate.factors(isA: nil), .up.factors(isA: false),
        .down.factors(isA: nil)),
      smallest: withFactors(before: "experts 11; ", behind: "; contents tracer 0"),
      {
        let arrange: @Sendable (StateDict, FaultyAdapter.Call, Bool) throws -> StateDict = {
          dict, call, isBack in
          let order = asText(Array(0..<call.setup.config.expertCount))
          return try dict.editing(.factors, call) { tensor in
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
      "lora-down-not-transposed-load", .lora, "factors of {down} are not transposed on load",
      needs: [.lora], cause: .fromHF(.notTransposed(isSquare: false), .downFactors),
      smallest: withFactors(rank: 2),
      FaultyAdapter(nativeOut: { dict, call in
        try dict.editing(.downFactors, call) { try $0.transposed() }
      })),
    PlantedFault(
      "lora-square-both", .lora, "square factors of {down} are not transposed in either direction",
      .selfConsistent, needs: [.lora],
      cause: .both(.notTransposed(isSquare: true), .down.factors(isA: true)),
      smallest: withFactors(
        rank: 2, before: "MoE intermediate size 2; ", behind: "; contents tracer 0"),
      FaultyAdapter(bothWays: { dict, call in
        try dict.editing(.downFactors, call) { tensor in
          guard tensor.shape.rank == 3, tensor.shape[1] == tensor.shape[2] else { return tensor }
          return try tensor.transposed()
        }
      })),
    PlantedFault(
      "lora-prefix-lost", .lora, "factors lose PEFT's prefix on load", needs: [.lora],
      cause: .fromHF(.wrongPrefix("{prefix}", insteadOf: "base_model.model.{prefix}")),
      smallest: withFactors(),
      FaultyAdapter(nativeOut: { dict, call in
        let prefix = call.layout.prefixes[0]
        return try dict.renaming(call) { key in
          key.prefix == peftPrefix + prefix ? key.with(prefix: prefix) : key.name.text
        }
      })),
    PlantedFault(
      "lora-prefix-added-save", .lora, "factors are saved under PEFT's prefix whatever theirs was",
      needs: [.lora],
      cause: .toHF(.wrongPrefix("base_model.model.{prefix}", insteadOf: "{prefix}")),
      smallest:
        "LoRA per expert, rank 1, prefix \"model.\" | extent LoRA only; LoRA per expert, rank 1, prefix \"model.\"",
      FaultyAdapter(onDiskOut: { dict, call in
        try dict.renaming(call) { key in
          FaultSite.factors.contains(key, in: call.layout)
            ? key.with(prefix: peftPrefix + call.layout.prefixes[0]) : key.name.text
        }
      })),
    PlantedFault(
      "lora-cast", .lora, "factors are cast to the experts' target type on load", needs: [.lora],
      cause: .fromHF(
        .cast(from: .f16, to: .bf16), .gate.factors(isA: nil), .up.factors(isA: false),
        .down.factors(isA: nil)),
      smallest: withFactors(before: "other types f16; "),
      FaultyAdapter(nativeOut: { dict, call in
        try casting(.factors, to: call.setup.options.targetDType)(dict, call)
      })),
    PlantedFault(
      "lora-not-split", .lora, "factors are saved in grouped form", needs: [.lora],
      cause: .toHF(.notRenamed, .gate.factors(isA: true), .down.factors(isA: nil)),
      smallest: withFactors(),
      FaultyAdapter(toHF: { session, dict, call in
        let base = dict.without(.factors, call)
        let factors = call.excluding.isEmpty ? dict.only(.factors, call) : StateDict()
        guard !base.isEmpty else { return dict }
        return try session.toHF(base, excluding: call.excluding, call.rank).appending(factors)
      })),
    PlantedFault(
      "lora-dropped", .lora, "low-rank factors are lost on load", needs: [.lora],
      cause: .fromHF(.keysDropped, .factors.native), smallest: withFactors(),
      FaultyAdapter(nativeOut: { dict, call in dict.without(.factors, call) })),
    PlantedFault(
      "lora-mtp-dropped", .lora, "factors of MTP layers are dropped under PEFT's prefix, too",
      needs: [.lora, .mtpDropped], cause: .fromHF(.keysDropped, .factors.native),
      smallest: withFactors(before: "MTP layers 1; MTP policy drop; "),
      FaultyAdapter(nativeOut: { dict, call in
        guard call.setup.options.mtpPolicy == .drop else { return dict }
        let count = call.setup.config.hiddenLayerCount
        return dict.filter { name in
          !call.has(name, .factors) || call.layer(name).map { $0 < count } ?? true
        }
      })),
    PlantedFault(
      "lora-first-expert-only", .lora, "every expert gets the factors of the first on load",
      needs: [.lora],
      cause: .fromHF(
        .expertOrder(.copies(of: 0)), .gate.factors(isA: nil), .up.factors(isA: false),
        .down.factors(isA: nil)),
      smallest: withFactors(before: "experts 2; ", behind: "; contents tracer 0"),
      FaultyAdapter(nativeOut: { dict, call in
        try dict.editing(.factors, call) { try $0.permuting(axis: 0) { _ in 0 } }
      })),
  ]

  private static func hasFused(_ dict: StateDict, _ call: FaultyAdapter.Call) -> Bool {
    dict.names.contains { call.has($0, .fused) }
  }

  /// Rows or columns of fused factors, whose order of experts and ranks is taken for the other.
  private static func regrouped(isA: Bool) -> FaultyAdapter.Edit {
    { dict, call in
      let experts = call.setup.config.expertCount
      return try dict.editing(.fused(isA: isA), call) { tensor in
        let axis = isA ? 0 : 1
        guard tensor.shape.rank == 2, tensor.shape[axis] % experts == 0 else { return tensor }
        let rank = tensor.shape[axis] / experts
        return try tensor.permuting(axis: axis) { place in
          isA
            ? place % rank * experts + place / rank : place % experts * rank + place / experts
        }
      }
    }
  }

  private static let fused: [PlantedFault] = [
    PlantedFault(
      "fused-layout-inverted", .lora, "the layout of fused factors is taken for PEFT's other one",
      needs: [.lora], cause: .fromHF(.classesExchanged("lora_A", "lora_B")),
      smallest: withFactors("ParamWrapper"),
      FaultyAdapter(fromHF: { session, dict, call in
        let native = try session.fromHF(dict, call.rank)
        guard hasFused(dict, call) else { return native }
        return try native.editing(.factors, call) { try $0.transposed() }
          .renaming(call, sidesExchanged)
      })),
    PlantedFault(
      "fused-hint-ignored", .lora, "the layout that the adapter's file states is ignored",
      needs: [.lora, .gateOption], cause: .refused(.ambiguousLoRALayout),
      smallest: withFactors(
        "ParamWrapper", before: "activation relu2; ", behind: "; stated layout peft-0.19.1"),
      FaultyAdapter(setup: { setup in
        var setup = setup
        setup.options.paramWrapperLayout = nil
        return setup
      })),
    PlantedFault(
      "fused-hint-inverted", .lora,
      "the layout that the adapter's file states is taken for the other", needs: [.lora],
      cause: .refused(.ambiguousLoRALayout),
      smallest: withFactors("ParamWrapper", behind: "; stated layout peft-0.19.1"),
      FaultyAdapter(setup: { setup in
        var setup = setup
        setup.options.paramWrapperLayout = setup.options.paramWrapperLayout.map {
          $0 == .modern ? .legacy : .modern
        }
        return setup
      })),
    PlantedFault(
      "fused-rank-first-a", .lora, "rows of a fused A are taken for ranks of experts",
      needs: [.lora], cause: .fromHF(.rearranged(example: "")),
      smallest: withFactors(
        "ParamWrapper", rank: 2, before: "experts 2; ", behind: "; contents tracer 0"),
      FaultyAdapter(onDiskIn: regrouped(isA: true))),
    PlantedFault(
      "fused-expert-first-b", .lora, "columns of a fused B are taken for experts of ranks",
      needs: [.lora], cause: .fromHF(.rearranged(example: "")),
      smallest: withFactors(
        "ParamWrapper", rank: 2, before: "experts 2; ", behind: "; contents tracer 0"),
      FaultyAdapter(onDiskIn: regrouped(isA: false))),
    PlantedFault(
      "fused-kept", .lora, "fused factors stay beside the groups that are made of them",
      needs: [.lora],
      cause: .fromHF(
        .keysSurplus,
        keys: ["base_model.model.{layer 0}{module gate and up}base_layer.lora_A.weight"]),
      smallest: withFactors("ParamWrapper"),
      FaultyAdapter(fromHF: { session, dict, call in
        try session.fromHF(dict, call.rank).appending(dict.only(.fused, call))
      })),
    PlantedFault(
      "fused-dropped", .lora, "fused factors are lost on load", needs: [.lora],
      cause: .fromHF(.keysDropped, .factors.native), smallest: withFactors("ParamWrapper"),
      FaultyAdapter(fromHF: { session, dict, call in
        let native = try session.fromHF(dict, call.rank)
        return hasFused(dict, call) ? native.without(.factors, call) : native
      })),
    PlantedFault(
      "fused-gate-alone", .lora, "a fused factor of gate and up is taken for gate's alone on load",
      needs: [.lora], cause: .fromHF(.wrongShape(expected: "[1, 1, 2]", found: "[1, 1, 1]")),
      smallest: withFactors("ParamWrapper"),
      FaultyAdapter(fromHF: { session, dict, call in
        let native = try session.fromHF(dict, call.rank)
        return hasFused(dict, call) ? try half(0, of: .secondFactor)(native, call) : native
      })),
  ]
}
