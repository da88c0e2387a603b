// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Adapters
import CheckpointGenerators
import Layouts
import Tensors

/// Elements that change because of their value, and scales of quantized weights.
extension FaultBank {
  static let values: [PlantedFault] = patterns + rewritten
  static let scales: [PlantedFault] = scaleFaults

  /// The sign bit and the pattern of infinity of the wide floating-point types.
  private static func layout(_ dtype: DType) -> (sign: UInt64, infinity: UInt64, mantissa: UInt64)?
  {
    switch dtype {
    case .bf16: (0x8000, 0x7f80, 7)
    case .f16: (0x8000, 0x7c00, 10)
    case .f32: (0x8000_0000, 0x7f80_0000, 23)
    default: nil
    }
  }

  /// Grouped experts with the bits of some numbers changed.
  private static func mapping(
    _ site: FaultSite? = .experts,
    _ map:
      @escaping @Sendable (
        _ bits: UInt64, _ sign: UInt64, _ infinity: UInt64, _ mantissa: UInt64
      ) -> UInt64
  ) -> FaultyAdapter.Edit {
    { dict, call in
      try dict.editing(where: { name in site.map { call.has(name, $0) } ?? true }) { tensor in
        guard let (sign, infinity, mantissa) = layout(tensor.dtype) else { return tensor }
        return try tensor.mappingBits { map($0, sign, infinity, mantissa) }
      }
    }
  }

  private static let patterns: [PlantedFault] = [
    PlantedFault(
      "value-zero-added", .types, "zero is added to experts on load, so -0.0 loses its sign",
      cause: .fromHF(.value(.negativeZeroLost), .experts), smallest: "contents constant 2",
      FaultyAdapter(nativeOut: mapping { bits, sign, _, _ in bits == sign ? 0 : bits })),
    PlantedFault(
      "value-zero-added-norms", .types, "zero is added to norms on save, so -0.0 loses its sign",
      cause: .toHF(.value(.negativeZeroLost), .layerNorms, .innerNorms),
      smallest: "contents constant 2",
      FaultyAdapter(
        nativeIn: mapping(.norms) { bits, sign, _, _ in bits == sign ? 0 : bits })),
    PlantedFault(
      "value-nan-cleaned", .types, "NaNs of experts become zero on load",
      cause: .fromHF(.value(.nanReplaced), .experts), smallest: "contents constant 13",
      FaultyAdapter(
        nativeOut: mapping { bits, sign, infinity, _ in bits & ~sign > infinity ? 0 : bits })),
    PlantedFault(
      "value-nan-canonical", .types, "NaNs of experts lose payload and sign on load",
      cause: .fromHF(.value(.nanSignLost), .experts), smallest: "contents constant 14",
      FaultyAdapter(
        nativeOut: mapping { bits, sign, infinity, mantissa in
          bits & ~sign > infinity ? infinity | 1 << (mantissa - 1) : bits
        })),
    PlantedFault(
      "value-nan-quieted", .types, "signalling NaNs of experts are quieted on save",
      cause: .toHF(.value(.nanQuieted), .experts), smallest: "contents constant 19",
      FaultyAdapter(
        nativeIn: mapping { bits, sign, infinity, mantissa in
          bits & ~sign > infinity ? bits | 1 << (mantissa - 1) : bits
        })),
    PlantedFault(
      "value-subnormals-flushed", .types, "subnormal numbers of experts become zero on load",
      cause: .fromHF(.value(.subnormalsFlushed), .experts), smallest: "contents constant 3",
      FaultyAdapter(
        nativeOut: mapping { bits, sign, _, mantissa in
          bits & ~sign < 1 << mantissa ? bits & sign : bits
        })),
    PlantedFault(
      "value-subnormals-flushed-all", .types,
      "subnormal numbers of all tensors become zero on save",
      cause: .toHF(.value(.subnormalsFlushed), .outside), smallest: "contents constant 3",
      FaultyAdapter(
        nativeIn: mapping(nil) { bits, sign, _, mantissa in
          bits & ~sign < 1 << mantissa ? bits & sign : bits
        })),
    PlantedFault(
      "value-infinities-clamped", .types, "infinities of experts become the largest number on load",
      cause: .fromHF(.value(.infinitiesSaturated), .experts), smallest: "contents constant 11",
      FaultyAdapter(
        nativeOut: mapping { bits, sign, infinity, _ in bits & ~sign == infinity ? bits - 1 : bits }
      )),
  ]

  private static func byteSwapped(_ tensor: Tensor) throws -> Tensor {
    let width = tensor.dtype.byteCount
    return try tensor.mappingBits { $0.byteSwapped >> UInt64(64 - 8 * width) }
  }

  private static let rewritten: [PlantedFault] = [
    PlantedFault(
      "value-bytes-swapped-both", .types,
      "the bytes of experts' elements are swapped in both directions", .selfConsistent,
      cause: .fromHF(.value(.bytesSwapped), .experts), smallest: "contents constant 1",
      FaultyAdapter(bothWays: { dict, call in try dict.editing(.experts, call, byteSwapped) })),
    PlantedFault(
      "value-negated-both", .types, "the router's bias changes its sign in both directions",
      .selfConsistent, needs: [.has(.routerBias)],
      cause: .fromHF(.value(.bitFlipped(31)), .routerBias), smallest: "",
      FaultyAdapter(bothWays: mapping(.routerBias) { bits, sign, _, _ in bits ^ sign })),
    PlantedFault(
      "value-bias-centred", .types, "one is taken from the router's bias on load",
      needs: [.has(.routerBias)], cause: .fromHF(.value(.added(-1)), .routerBias), smallest: "",
      FaultyAdapter(nativeOut: { dict, call in
        try dict.editing(.routerBias, call) { try $0.mappingNumbers { $0 - 1 } }
      })),
    PlantedFault(
      "value-norms-shifted", .types, "one is added to norms on load",
      cause: .fromHF(.value(.added(1)), .layerNorms), smallest: "",
      FaultyAdapter(nativeOut: { dict, call in
        try dict.editing(.layerNorms, call) { try $0.mappingNumbers { $0 + 1 } }
      })),
    PlantedFault(
      "value-output-scaled", .types, "{output} is doubled on load",
      cause: .fromHF(.value(.scaled(by: 2)), .output), smallest: "contents constant 1",
      FaultyAdapter(nativeOut: { dict, call in
        try dict.editing(.output, call) { try $0.mappingNumbers { $0 * 2 } }
      })),
  ]

  private static let scaleFaults: [PlantedFault] = [
    PlantedFault(
      "scale-dropped-load", .scales, "scales of experts are thrown away on load",
      needs: [.companions], cause: .fromHF(.keysDropped, .companions),
      smallest: "types f8e4m3 with scales experts -> f8e4m3",
      FaultyAdapter(nativeOut: { dict, call in dict.without(.companions, call) })),
    PlantedFault(
      "scale-dropped-save", .scales, "scales of experts are thrown away on save",
      needs: [.companions], cause: .toHF(.keysDropped, .companions),
      smallest: "types f8e4m3 with scales experts -> f8e4m3",
      FaultyAdapter(onDiskOut: { dict, call in dict.without(.companions, call) })),
    PlantedFault(
      "scale-named-otherwise-both", .scales, "scales end in _scale_inv in native form",
      .selfConsistent, needs: [.companions],
      cause: .fromHF(.renamedWrongly(to: "{module gate and up}{gate}.weight_scale_inv")),
      smallest: "types f8e4m3 with scales experts -> f8e4m3",
      FaultyAdapter(
        nativeOut: { dict, call in
          try dict.renaming(call) { key in
            FaultSite.companions.contains(key, in: call.layout) ? "\(key.name)_inv" : key.name.text
          }
        },
        nativeIn: { dict, call in
          try dict.renaming(call) { key in
            FaultSite.companions.contains(key, in: call.layout) && key.name.text.hasSuffix("_inv")
              ? String(key.name.text.dropLast(4)) : key.name.text
          }
        })),
    PlantedFault(
      "scale-widened", .scales, "scales are cast to float32 on load", needs: [.companions],
      cause: .fromHF(.cast(from: .bf16, to: .f32), .companions),
      smallest: "types f8e4m3 with scales experts -> f8e4m3",
      FaultyAdapter(nativeOut: casting(.companions, to: .f32))),
    PlantedFault(
      "scale-given-axis", .scales, "scales get an axis of 1 on load", needs: [.companions],
      cause: .fromHF(.wrongShape(expected: "[]", found: "[1]"), .companions),
      smallest: "types f8e4m3 with scales experts -> f8e4m3",
      FaultyAdapter(nativeOut: { dict, call in
        try dict.editing(.companions, call) { try $0.reshaped(Shape([1] + $0.shape.extents)) }
      })),
    PlantedFault(
      "scale-applied-and-kept", .scales, "scales are applied to weights on load and kept as well",
      needs: [.companions], cause: .fromHF(.value(.scaled(by: 0))),
      smallest: "types f8e4m3 with scales experts -> bf16; contents constant 2",
      FaultyAdapter(onDiskIn: { dict, call in
        let target = call.setup.options.targetDType
        return try StateDict(
          dict.map { name, tensor in
            guard call.has(name, .experts), let scale = dict[TensorName("\(name)_scale")],
              tensor.dtype != target, scale.shape.elementCount == 1
            else { return (name, tensor) }
            let factor = Float(
              bitPattern: UInt32(truncatingIfNeeded: try scale.cast(to: .f32).bits(at: 0)))
            return (
              name, try tensor.cast(to: .f32).mappingNumbers { $0 * factor }.cast(to: target)
            )
          })
      })),
    PlantedFault(
      "scale-taken-for-weight", .scales, "the pattern of weights matches their scales as well",
      needs: [.companions], cause: .refused(.wrongShape),
      smallest: "types f8e4m3 with scales experts -> f8e4m3",
      FaultyAdapter(onDiskIn: { dict, _ in
        try StateDict(
          dict.map { name, tensor in (name, dict[TensorName("\(name)_scale")] ?? tensor) })
      })),
    PlantedFault(
      "scale-of-first-expert", .scales, "every expert gets the scale of the first on save",
      needs: [.companions], cause: .toHF(.expertOrder(.copies(of: 0)), .companions),
      smallest: "experts 2; types f8e4m3 with scales experts -> f8e4m3; contents tracer 0",
      FaultyAdapter(onDiskOut: { dict, call in
        try dict.taking { name in
          let key = call.key(TensorName(name))
          return FaultSite.companions.contains(key, in: call.layout)
            ? key.with(expert: { _ in 0 }) : name
        }
      })),
  ]
}
