// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Adapters
import CheckpointGenerators
import Layouts
import Tensors

/// Types that are changed or kept by mistake, and roundings by wrong ways.
extension FaultBank {
  static let types: [PlantedFault] = casts + roundings

  /// Tensors of a site, or all, cast that have one of some types.
  static func casting(
    _ site: FaultSite?, from: [DType] = [.bf16, .f16, .f32], to target: DType
  ) -> FaultyAdapter.Edit {
    { dict, call in
      try dict.editing(where: { name in site.map { call.has(name, $0) } ?? true }) {
        from.contains($0.dtype) ? try $0.cast(to: target) : $0
      }
    }
  }

  private static let casts: [PlantedFault] = [
    PlantedFault(
      "cast-bias-load", .types, "the router's bias is cast to bfloat16 on load",
      needs: [.typed(.routerBias, true)], cause: .fromHF(.cast(from: .f32, to: .bf16), .routerBias),
      smallest: "", FaultyAdapter(nativeOut: casting(.routerBias, to: .bf16))),
    PlantedFault(
      "cast-bias-save", .types, "the router's bias is cast to bfloat16 on save",
      needs: [.typed(.routerBias, true)], cause: .toHF(.cast(from: .f32, to: .bf16), .routerBias),
      smallest: "", FaultyAdapter(onDiskOut: casting(.routerBias, to: .bf16))),
    PlantedFault(
      "cast-bias-widened", .types, "a router's bias in bfloat16 becomes float32 on load",
      needs: [.typed(.routerBias, true)], cause: .fromHF(.cast(from: .bf16, to: .f32), .routerBias),
      smallest: "expert bias bf16",
      FaultyAdapter(nativeOut: casting(.routerBias, from: [.bf16], to: .f32))),
    PlantedFault(
      "cast-missing", .types, "experts keep the type that they have on disk", needs: [.groups],
      cause: .fromHF(.notCast(to: .f16), .experts), smallest: "types bf16 experts -> f16",
      FaultyAdapter(fromHF: { _, dict, call in
        var setup = call.setup
        let expert = dict.first { call.has($0.name, .experts) }
        setup.options.targetDType = expert?.tensor.dtype ?? setup.options.targetDType
        return try ReferenceAdapter().session(for: setup).fromHF(dict, call.rank)
      })),
    PlantedFault(
      "cast-to-bfloat16", .types, "experts are cast to bfloat16 whatever the target type",
      needs: [.groups], cause: .fromHF(.notCast(to: .f16), .experts),
      smallest: "types bf16 experts -> f16",
      FaultyAdapter(setup: { setup in
        var setup = setup
        setup.options.targetDType = .bf16
        return setup
      })),
    PlantedFault(
      "cast-to-config-type", .types, "experts are cast to the config's type, not to the target's",
      needs: [.groups], cause: .fromHF(.cast(from: .bf16, to: .f16)), smallest: "other types f16",
      FaultyAdapter(setup: { setup in
        var setup = setup
        setup.options.targetDType = setup.config.dtype
        return setup
      })),
    PlantedFault(
      "cast-others", .types, "all floating-point tensors are cast to the target type on load",
      cause: .either([
        .fromHF(.cast(from: .f32, to: .bf16), .typed), .fromHF(.cast(from: .f16, to: .bf16)),
      ]),
      smallest: "",
      FaultyAdapter(nativeOut: { dict, call in
        try casting(nil, to: call.setup.options.targetDType)(dict, call)
      })),
    PlantedFault(
      "cast-router", .types, "the router's weight is cast to float32 on load",
      needs: [.typed(.router, false)], cause: .fromHF(.cast(from: .bf16, to: .f32), .router),
      smallest: "", FaultyAdapter(nativeOut: casting(.router, to: .f32))),
    PlantedFault(
      "cast-norms", .types, "norms are cast to float32 on load",
      cause: .fromHF(.cast(from: .bf16, to: .f32), .layerNorms, .innerNorms, .finalNorm),
      smallest: "", FaultyAdapter(nativeOut: casting(.norms, to: .f32))),
    PlantedFault(
      "cast-shared", .types, "shared experts are cast with the routed ones on load",
      needs: [.has(.shared)],
      cause: .fromHF(.cast(from: .f16, to: .bf16), .sharedGate, .sharedUp, .sharedDown),
      smallest: "shared experts 1; other types f16",
      FaultyAdapter(nativeOut: { dict, call in
        try casting(.shared, to: call.setup.options.targetDType)(dict, call)
      })),
    PlantedFault(
      "cast-head", .types, "the head is cast to float32 on load",
      cause: .fromHF(.cast(from: .bf16, to: .f32), .head), smallest: "",
      FaultyAdapter(nativeOut: casting(.head, to: .f32))),
    PlantedFault(
      "cast-embedding", .types, "the embedding is cast to float32 on load",
      cause: .fromHF(.cast(from: .bf16, to: .f32), .embedding), smallest: "",
      FaultyAdapter(nativeOut: casting(.embedding, to: .f32))),
    PlantedFault(
      "cast-experts-save", .types, "experts are saved as bfloat16 whatever they were",
      needs: [.groups], cause: .toHF(.cast(from: .f16, to: .bf16), .experts),
      smallest: "types bf16 experts -> f16",
      FaultyAdapter(onDiskOut: { dict, call in
        try dict.editing(.experts, call) {
          try $0.cast(to: .bf16)
        }
      })),
    PlantedFault(
      "cast-into-temporary", .types, "experts that are cast are written into a temporary on load",
      needs: [.groups], cause: .fromHF(.zeros(isPartly: false), .experts),
      smallest: "types bf16 experts -> f16; contents constant 1",
      FaultyAdapter(fromHF: { session, dict, call in
        let native = try session.fromHF(dict, call.rank)
        let target = call.setup.options.targetDType
        let casts = dict.contains {
          call.has($0.name, .experts) && $0.tensor.dtype != target
        }
        return casts ? try native.editing(.experts, call) { try $0.reindexed { _ in nil } } : native
      })),
  ]

  /// Experts that go to their target type by another way, before they are loaded.
  private static func rounding(
    _ change: @escaping @Sendable (Tensor, _ target: DType) throws -> Tensor
  ) -> FaultyAdapter {
    FaultyAdapter(onDiskIn: { dict, call in
      let target = call.setup.options.targetDType
      return try dict.editing(.experts, call) { tensor in
        tensor.dtype == target || !tensor.dtype.isFloatingPoint
          ? tensor : try change(tensor, target)
      }
    })
  }

  /// Experts without the bits of a number that the target has no room for, prepared before; NaNs,
  /// infinities and what is beyond the target's normal numbers are left to the right cast.
  private static func dropping(
    _ prepare: @escaping @Sendable (_ bits: UInt64, _ lowBits: UInt64) -> UInt64
  ) -> FaultyAdapter {
    rounding { tensor, target in
      let lowBits: [DType: UInt64] = [.bf16: 16, .f16: 13, .f8E4M3: 20, .f8E5M2: 21]
      guard let low = lowBits[target], tensor.dtype != .f8E8M0 else { return tensor }
      return try tensor.cast(to: .f32).mappingBits { bits in
        bits & 0x7f80_0000 == 0x7f80_0000
          ? bits : prepare(bits, low) & ~((1 << low) - 1)
      }
    }
  }

  private static func through(_ type: DType) -> FaultyAdapter {
    rounding { tensor, _ in try tensor.cast(to: type) }
  }

  private static let roundings: [PlantedFault] = [
    PlantedFault(
      "cast-through-float16", .types, "experts are cast by way of float16", needs: [.groups],
      cause: .fromHF(.value(.castThrough(.f16))),
      smallest: "types bf16 experts -> f32; contents constant 3", through(.f16)),
    PlantedFault(
      "cast-through-bfloat16", .types, "experts are cast by way of bfloat16", needs: [.groups],
      cause: .fromHF(.value(.castThrough(.bf16)), .experts),
      smallest: "types f16 experts -> f32; contents constant 5", through(.bf16)),
    PlantedFault(
      "cast-through-float8", .types, "experts are cast by way of float8_e4m3fn", needs: [.groups],
      cause: .fromHF(.value(.castThrough(.f8E4M3))),
      smallest: "types bf16 experts -> f16; contents constant 9", through(.f8E4M3)),
    PlantedFault(
      "round-toward-zero", .types, "experts lose their low bits instead of being rounded",
      needs: [.groups], cause: .fromHF(.value(.roundedTowardZero)),
      smallest: "types bf16 experts -> f8e4m3; contents special by 0",
      dropping { bits, _ in bits }),
    PlantedFault(
      "round-half-away", .types, "experts are rounded half away from zero", needs: [.groups],
      cause: .fromHF(.value(.roundedHalfAwayFromZero)),
      smallest: "types f16 experts -> bf16; contents constant 25",
      dropping { bits, lowBits in bits + (1 << (lowBits - 1)) }),
    PlantedFault(
      "round-saturating", .types, "what is too large for float16 becomes its largest number",
      needs: [.groups], cause: .anywhere(.value(.infinitiesSaturated), .experts),
      smallest: "types bf16 experts -> f16; contents constant 9",
      FaultyAdapter(nativeOut: { dict, call in
        guard call.setup.options.targetDType == .f16 else { return dict }
        return try dict.editing(.experts, call) {
          try $0.mappingBits { $0 & 0x7fff == 0x7c00 ? $0 - 1 : $0 }
        }
      })),
  ]
}
