// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import CheckpointGenerators
import Layouts
import Tensors

extension PlantedAdapter {
  /// The faults that the wrong results of the set have, by the name of the case.
  static let faults: [String: Fault] = [
    "wrong-halves-exchanged": changing("gate_and_up_projs") { tensor in
      let inter = tensor.shape[2] / 2
      return try tensor.moving { ($0, $1, ($2 + inter) % (2 * inter)) }
    },
    "wrong-halves-interleaved": changing("gate_and_up_projs") { tensor in
      let inter = tensor.shape[2] / 2
      return try tensor.moving { ($0, $1, $2 / 2 + $2 % 2 * inter) }
    },
    "wrong-square-down-not-transposed": changing("down_projs") { tensor in
      guard tensor.shape[1] == tensor.shape[2] else { return tensor }
      return try tensor.moving { ($0, $2, $1) }
    },
    "wrong-down-reshaped": changing("down_projs") { tensor in
      let (rows, columns) = (tensor.shape[1], tensor.shape[2])
      return try tensor.moving { e, i, j in
        let position = i * columns + j
        return (e, position % rows, position / rows)
      }
    },
    "wrong-experts-in-text-order": changing("gate_and_up_projs") { tensor in
      let order = (0..<tensor.shape[0]).sorted { String($0) < String($1) }
      return try tensor.moving { (order[$0], $1, $2) }
    },
    "wrong-negative-zero-lost": changing("down_projs") { tensor in
      try tensor.changingBits { bits, sign, _, _ in bits == sign ? 0 : bits }
    },
    "wrong-nan-payload-lost": changing("down_projs") { tensor in
      try tensor.changingBits { bits, sign, mantissa, infinity in
        bits % sign > infinity ? bits & sign | infinity | 1 << (mantissa - 1) : bits
      }
    },
    "wrong-subnormals-flushed": changing("down_projs") { tensor in
      try tensor.changingBits { bits, sign, mantissa, _ in
        bits % sign < 1 << mantissa ? bits & sign : bits
      }
    },
    "wrong-expert-dropped": changing("projs") { tensor in
      let kept = [tensor.shape[0] - 1] + tensor.shape.extents.dropFirst()
      return try Tensor(tensor.dtype, Shape(kept)) { tensor.bits(at: $0) }
    },
    "wrong-bias-cast": changing("e_score_correction_bias") { tensor in
      try Tensor(.bf16, tensor.shape) { position in
        let bits = tensor.bits(at: position)
        return (bits + 0x7fff + bits >> 16 & 1) >> 16
      }
    },
    "wrong-rounded-toward-zero": loading { call in
      try call.right(
        of: call.input.changing("_proj.weight") { tensor in
          guard tensor.dtype == .f32 else { return tensor }
          return try tensor.changingBits { bits, sign, _, infinity in
            // A NaN whose payload is cut off would become an infinity, which is another fault.
            bits % sign > infinity ? bits : bits & 0xffff_0000
          }
        })
    },
    "wrong-cast-through-float16": loading { call in
      try call.right(
        of: call.input.changing("_proj.weight") { tensor in
          guard tensor.dtype == .f32 else { return tensor }
          return try Tensor(.f16, tensor.shape) { position in
            let bits = UInt32(truncatingIfNeeded: tensor.bits(at: position))
            return UInt64(Float16(Float(bitPattern: bits)).bitPattern)
          }
        })
    },
    "wrong-mtp-kept": loading { call in
      var setup = call.setup
      setup.options.mtpPolicy = .preserve
      return try call.right(setup: setup)
    },
    "wrong-not-renamed": loading { call in
      try call.right().renaming {
        $0.replacing("mlp.gate.e_score_correction_bias", with: "mlp.expert_bias")
      }
    },
    "wrong-scales-dropped": loading { call in
      try call.right().filter { !$0.text.hasSuffix("weight_scale") }
    },
    "wrong-groups-at-end": loading { call in
      let right = try call.right()
      let isGrouped = { (name: TensorName) in name.text.contains(".mlp.experts.") }
      return try StateDict(
        right.filter { !isGrouped($0) }.map { ($0.name, $0.tensor) }
          + right.filter(isGrouped).map { ($0.name, $0.tensor) })
    },
    "wrong-rank": loading { call in
      guard let rank = call.parallelism else { return try call.right() }
      return try call.right(rank: ExpertParallelism(rank: 0, size: rank.size))
    },
    "wrong-local-expert-numbers": saving { call in
      guard let rank = call.parallelism else { return try call.right() }
      let start = rank.experts(of: call.setup.config.expertCount).lowerBound
      return try call.right().renaming { name in
        var parts = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard let place = parts.firstIndex(of: "experts"), parts.indices.contains(place + 1),
          let number = Int(parts[place + 1])
        else { return name }
        parts[place + 1] = String(number - start)
        return parts.joined(separator: ".")
      }
    },
    "wrong-gate-saved-twice": saving { call in
      let right = try call.right()
      return try StateDict(
        right.map { name, tensor in
          guard name.text.contains(".experts.") else { return (name, tensor) }
          let gate = name.text.replacing(".up_proj.", with: ".gate_proj.")
          return (name, right[TensorName(gate)] ?? tensor)
        })
    },
    "wrong-exclusion-searches": saving { call in
      guard !call.excluding.isEmpty else { return try call.right() }
      let pattern = try Regex(call.excluding)
      return try call.right(excluding: "").filter { !$0.text.contains(pattern) }
    },
  ]

  private static func loading(
    _ load: @escaping @Sendable (Call) throws -> StateDict
  ) -> Fault {
    Fault(load: load)
  }

  private static func saving(
    _ save: @escaping @Sendable (Call) throws -> StateDict
  ) -> Fault {
    Fault(save: save)
  }

  private static func changing(
    _ suffix: String, _ change: @escaping @Sendable (Tensor) throws -> Tensor
  ) -> Fault {
    loading { try $0.right().changing(suffix, change) }
  }
}
