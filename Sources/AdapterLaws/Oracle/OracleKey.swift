// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Tensors

/// A key of a layer, taken apart at its dots.
struct OracleKey {
  /// What stands before `layers.`.
  let prefix: Substring
  let layer: Int
  /// All up to what belongs to the layer: `{prefix}layers.{layer}.`.
  let base: Substring
  /// The components behind that.
  let tail: [Substring]
  /// What the key says of the layer's experts, or nil if it is about something else.
  let expertPart: ExpertPart?

  /// The parts of a key, or nil if it belongs to no layer.
  init?(_ name: TensorName) {
    let text = name.text
    let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
      .map { Substring($0) }
    guard let at = parts.firstIndex(of: "layers"), at + 2 < parts.count,
      let layer = Int(parts[at + 1])
    else { return nil }
    self.layer = layer
    prefix = text[..<parts[at].startIndex]
    base = text[..<parts[at + 2].startIndex]
    tail = Array(parts[(at + 2)...])
    expertPart = Self.expertPart(tail, in: text)
  }

  private static func expertPart(_ tail: [Substring], in text: String) -> ExpertPart? {
    guard tail.count >= 3, tail[0] == "mlp", tail[1] == "experts" else { return nil }
    guard let expert = Int(tail[2]) else {
      switch text[tail[2].startIndex...] {
      case "lora_A.weight": return .fused(isDown: true, isA: true)
      case "lora_B.weight": return .fused(isDown: true, isA: false)
      case "base_layer.lora_A.weight": return .fused(isDown: false, isA: true)
      case "base_layer.lora_B.weight": return .fused(isDown: false, isA: false)
      case let native: return GroupedName(rawValue: String(native)).map { .grouped($0) }
      }
    }
    guard tail.count >= 5, let projection = Projection(rawValue: String(tail[3])) else {
      return nil
    }
    switch text[tail[4].startIndex...] {
    case "weight": return .ofExpert(expert, projection, .weight)
    case "weight_scale", "weight_scale_inv", "input_scale":
      return .ofExpert(expert, projection, .scale)
    case "lora_A.weight": return .ofExpert(expert, projection, .factorA)
    case "lora_B.weight": return .ofExpert(expert, projection, .factorB)
    default: return nil
    }
  }

  /// The native tensor that holds one expert's tensor on disk, or nil of other keys.
  var groupedName: GroupedName? {
    guard case .ofExpert(_, let projection, let what) = expertPart else { return nil }
    let isDown = projection == .down
    return switch what {
    case .factorA: isDown ? .downA : .gateAndUpA
    case .factorB: isDown ? .downB : .gateAndUpB
    case .weight: isDown ? .down : .gateAndUp
    case .scale: nil
    }
  }

  /// The key of a grouped tensor of the same layer.
  func grouped(_ name: GroupedName) -> TensorName {
    TensorName("\(base)mlp.experts.\(name.rawValue)")
  }

  /// The key of one expert's tensor of the same layer.
  func member(_ expert: Int, _ projection: Projection, _ suffix: String) -> TensorName {
    TensorName("\(base)mlp.experts.\(expert).\(projection.rawValue).\(suffix)")
  }

  /// The key with the components of the tail replaced that start it.
  func replacing(_ start: [String], by other: [String]) -> TensorName? {
    guard tail.starts(with: start, by: ==) else { return nil }
    let rest = other.map { $0[...] } + tail[start.count...]
    return TensorName(base + rest.joined(separator: "."))
  }
}

/// What a key says of a layer's experts.
enum ExpertPart {
  enum What { case weight, scale, factorA, factorB }

  /// A tensor on disk of one expert.
  case ofExpert(Int, Projection, What)
  /// A factor on disk for all experts, as PEFT's ParamWrapper writes it.
  case fused(isDown: Bool, isA: Bool)
  /// A native tensor for all experts.
  case grouped(GroupedName)
}

enum Projection: String {
  case gate = "gate_proj"
  case up = "up_proj"
  case down = "down_proj"
}

/// The native tensors that hold all experts of a layer.
enum GroupedName: String {
  case gateAndUp = "gate_and_up_projs"
  case down = "down_projs"
  case gateAndUpA = "lora_gate_and_up_A"
  case gateAndUpB = "lora_gate_and_up_B"
  case downA = "lora_down_A"
  case downB = "lora_down_B"
}
