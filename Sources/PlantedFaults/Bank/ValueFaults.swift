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
    _ text: String = "_projs",
    _ map:
      @escaping @Sendable (
        _ bits: UInt64, _ sign: UInt64, _ infinity: UInt64, _ mantissa: UInt64
      ) -> UInt64
  ) -> FaultyAdapter.Edit {
    { dict, _ in
      try dict.editing(text) { tensor in
        guard let (sign, infinity, mantissa) = layout(tensor.dtype) else { return tensor }
        return try tensor.mappingBits { map($0, sign, infinity, mantissa) }
      }
    }
  }

  private static let patterns: [PlantedFault] = [
    PlantedFault(
      "value-zero-added", .types, "zero is added to experts on load, so -0.0 loses its sign",
      says: "-0.0 became +0.0 in gate_proj, up_proj and down_proj from HF",
      smallest: "contents constant 2",
      FaultyAdapter(nativeOut: mapping { bits, sign, _, _ in bits == sign ? 0 : bits })),
    PlantedFault(
      "value-zero-added-norms", .types, "zero is added to norms on save, so -0.0 loses its sign",
      says:
        "-0.0 became +0.0 in input_layernorm, post_attention_layernorm, q_norm and k_norm to HF",
      smallest: "contents constant 2",
      FaultyAdapter(
        nativeIn: mapping("norm.weight") { bits, sign, _, _ in bits == sign ? 0 : bits })),
    PlantedFault(
      "value-nan-cleaned", .types, "NaNs of experts become zero on load",
      says: "NaNs became numbers in gate_proj, up_proj and down_proj from HF",
      smallest: "contents constant 13",
      FaultyAdapter(
        nativeOut: mapping { bits, sign, infinity, _ in bits & ~sign > infinity ? 0 : bits })),
    PlantedFault(
      "value-nan-canonical", .types, "NaNs of experts lose payload and sign on load",
      says: "NaNs lost their sign in gate_proj, up_proj and down_proj from HF",
      smallest: "contents constant 14",
      FaultyAdapter(
        nativeOut: mapping { bits, sign, infinity, mantissa in
          bits & ~sign > infinity ? infinity | 1 << (mantissa - 1) : bits
        })),
    PlantedFault(
      "value-nan-quieted", .types, "signalling NaNs of experts are quieted on save",
      says: "signalling NaNs were quieted in gate_proj, up_proj and down_proj to HF",
      smallest: "contents constant 19",
      FaultyAdapter(
        nativeIn: mapping { bits, sign, infinity, mantissa in
          bits & ~sign > infinity ? bits | 1 << (mantissa - 1) : bits
        })),
    PlantedFault(
      "value-subnormals-flushed", .types, "subnormal numbers of experts become zero on load",
      says: "subnormal numbers were flushed to zero in gate_proj, up_proj and down_proj from HF",
      smallest: "contents constant 3",
      FaultyAdapter(
        nativeOut: mapping { bits, sign, _, mantissa in
          bits & ~sign < 1 << mantissa ? bits & sign : bits
        })),
    PlantedFault(
      "value-subnormals-flushed-all", .types,
      "subnormal numbers of all tensors become zero on save",
      says: "subnormal numbers were flushed to zero in embed_tokens, final norm and lm_head to HF",
      smallest: "contents constant 3",
      FaultyAdapter(
        nativeIn: mapping("") { bits, sign, _, mantissa in
          bits & ~sign < 1 << mantissa ? bits & sign : bits
        })),
    PlantedFault(
      "value-infinities-clamped", .types, "infinities of experts become the largest number on load",
      says: "infinities became finite in gate_proj, up_proj and down_proj from HF",
      smallest: "contents constant 11",
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
      says: "the bytes of each element of gate_proj, up_proj and down_proj are swapped from HF",
      smallest: "contents constant 1",
      FaultyAdapter(
        nativeOut: { dict, _ in try dict.editing("_projs", byteSwapped) },
        nativeIn: { dict, _ in try dict.editing("_projs", byteSwapped) })),
    PlantedFault(
      "value-negated-both", .types, "the router's bias changes its sign in both directions",
      .selfConsistent, says: "bit 31 of expert_bias is flipped", smallest: "",
      FaultyAdapter(
        nativeOut: mapping("e_score_correction_bias") { bits, sign, _, _ in bits ^ sign },
        nativeIn: mapping("e_score_correction_bias") { bits, sign, _, _ in bits ^ sign })),
    PlantedFault(
      "value-bias-centred", .types, "one is taken from the router's bias on load",
      says: "-1 was added to expert_bias from HF", smallest: "",
      FaultyAdapter(nativeOut: { dict, _ in
        try dict.editing("e_score_correction_bias") { try $0.mappingNumbers { $0 - 1 } }
      })),
    PlantedFault(
      "value-norms-shifted", .types, "one is added to norms on load",
      says: "1 was added to input_layernorm and post_attention_layernorm from HF", smallest: "",
      FaultyAdapter(nativeOut: { dict, _ in
        try dict.editing("layernorm.weight") { try $0.mappingNumbers { $0 + 1 } }
      })),
    PlantedFault(
      "value-output-scaled", .types, "o_proj is doubled on load", says: "o_proj is multiplied by 2",
      smallest: "contents constant 1",
      FaultyAdapter(nativeOut: { dict, _ in
        try dict.editing("o_proj.weight") { try $0.mappingNumbers { $0 * 2 } }
      })),
  ]

  private static func isScale(_ name: TensorName) -> Bool { name.text.hasSuffix("_scale") }

  private static let scaleFaults: [PlantedFault] = [
    PlantedFault(
      "scale-dropped-load", .scales, "scales of experts are thrown away on load",
      says:
        "gate_proj weight_scale, up_proj weight_scale and down_proj weight_scale are lost from HF only",
      smallest: "types f8e4m3 with scales experts -> f8e4m3",
      FaultyAdapter(nativeOut: { dict, _ in dict.filter { !isScale($0) } })),
    PlantedFault(
      "scale-dropped-save", .scales, "scales of experts are thrown away on save",
      says:
        "gate_proj weight_scale, up_proj weight_scale and down_proj weight_scale are lost to HF only",
      smallest: "types f8e4m3 with scales experts -> f8e4m3",
      FaultyAdapter(onDiskOut: { dict, _ in dict.filter { !isScale($0) } })),
    PlantedFault(
      "scale-named-otherwise-both", .scales, "scales end in _scale_inv in native form",
      .selfConsistent,
      says:
        "gate_proj weight_scale comes out as 'mlp.experts.gate_proj.weight_scale_inv' from HF only",
      smallest: "types f8e4m3 with scales experts -> f8e4m3",
      namedOtherwise(".weight_scale", ".weight_scale_inv")),
    PlantedFault(
      "scale-widened", .scales, "scales are cast to float32 on load",
      says:
        "gate_proj weight_scale, up_proj weight_scale and down_proj weight_scale were cast bfloat16 ->",
      smallest: "types f8e4m3 with scales experts -> f8e4m3",
      FaultyAdapter(nativeOut: casting("_scale", to: .f32))),
    PlantedFault(
      "scale-given-axis", .scales, "scales get an axis of 1 on load",
      says:
        "gate_proj weight_scale, up_proj weight_scale and down_proj weight_scale come out in shape [1]",
      smallest: "types f8e4m3 with scales experts -> f8e4m3",
      FaultyAdapter(nativeOut: { dict, _ in
        try dict.editing("_scale") { try $0.reshaped(Shape([1] + $0.shape.extents)) }
      })),
    PlantedFault(
      "scale-applied-and-kept", .scales, "scales are applied to weights on load and kept as well",
      says: "multiplied by",
      smallest: "types f8e4m3 with scales experts -> bf16; contents constant 2",
      FaultyAdapter(onDiskIn: { dict, call in
        let target = call.setup.options.targetDType
        return try StateDict(
          dict.map { name, tensor in
            guard isExpert(name), let scale = dict[TensorName("\(name)_scale")],
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
      says: "gate_proj.weight': expected [1, 1], found []",
      smallest: "types f8e4m3 with scales experts -> f8e4m3",
      FaultyAdapter(onDiskIn: { dict, _ in
        try StateDict(
          dict.map { name, tensor in (name, dict[TensorName("\(name)_scale")] ?? tensor) })
      })),
    PlantedFault(
      "scale-of-first-expert", .scales, "every expert gets the scale of the first on save",
      says:
        "for gate_proj weight_scale, up_proj weight_scale and down_proj weight_scale, every expert is a copy",
      smallest: "experts 2; types f8e4m3 with scales experts -> f8e4m3; contents tracer 0",
      FaultyAdapter(onDiskOut: { dict, _ in
        try dict.taking { name in
          isScale(TensorName(name)) ? name.editingKey { $0.expert = 0 } : name
        }
      })),
  ]
}
