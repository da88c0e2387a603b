// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Tensors

extension CheckpointDiffTests {
  static let changes: [Change] = [
    .moving("two experts exchanged", "experts are exchanged in every sparse layer: 1 and 10") {
      expert($0) { $0 == 1 ? 10 : $0 == 10 ? 1 : $0 }
    },
    .moving("experts reversed in one layer", "experts are in reverse order in layer 2") {
      $0.contains("layers.2.") ? expert($0) { 11 - $0 } : $0
    },
    .moving("experts sorted as texts", "experts are in lexicographic order (10 before 2)") {
      expert($0) { (0..<12).sorted { "\($0)" < "\($1)" }[$0] }
    },
    .moving("experts rotated", "experts are rotated by 2") { expert($0) { ($0 + 2) % 12 } },
    .moving("one expert copied to all", "every expert is a copy of expert 4") {
      expert($0) { _ in 4 }
    },
    .moving("one expert over another", "expert 3 is overwritten by expert 5") {
      expert($0) { $0 == 3 ? 5 : $0 }
    },
    .moving("gate and up exchanged", "gate and up halves are swapped in every sparse layer") {
      name in
      guard name.contains(".experts.") else { return name }
      return name.contains("gate_proj")
        ? name.replacing("gate_proj", with: "up_proj")
        : name.replacing("up_proj", with: "gate_proj")
    },
    .moving("keys and values exchanged", "k_proj and v_proj are exchanged in every layer") { name in
      name.contains("k_proj")
        ? name.replacing("k_proj", with: "v_proj") : name.replacing("v_proj", with: "k_proj")
    },
    .moving("two layers exchanged", "layers are exchanged: 1 and 2") { name in
      name.contains("layers.1.")
        ? name.replacing("layers.1.", with: "layers.2.")
        : name.replacing("layers.2.", with: "layers.1.")
    },
    Change("square matrices transposed", "down_proj is transposed where it is square") { tensors in
      for (key, tensor) in tensors
      where key.text.contains(".experts.") && key.text.hasSuffix("down_proj.weight") {
        tensors[key] = transposed(tensor)
      }
    },
    .each("oblong matrices transposed", "q_proj.weight", "q_proj is transposed in every layer") {
      transposed($0)
    },
    .each("oblong matrices reshaped", "q_proj.weight", "q_proj is reshaped instead of transposed") {
      $0.reshaped([$0.shape[1], $0.shape[0]])
    },
    .each("zeros", "o_proj.weight", "o_proj is all zeros in every layer") {
      try Tensor($0.dtype, $0.shape) { _ in 0 }
    },
    .each("some zeros", "o_proj.weight", "o_proj is partly zeros in every layer") { tensor in
      try Tensor(tensor.dtype, tensor.shape) { $0 < 5 ? 0 : tensor.bits(at: $0) }
    },
    .each("a flipped bit", "k_norm.weight", "bit 3 of k_norm is flipped in every layer") { tensor in
      try Tensor(tensor.dtype, tensor.shape) { tensor.bits(at: $0) ^ ($0 == 2 ? 1 << 3 : 0) }
    },
    .each("another type", "router.gate.weight", "router was cast bfloat16 -> float32") { tensor in
      let cast = try Cast(from: tensor.dtype, to: .f32)
      return try Tensor(.f32, tensor.shape) { cast(bits: tensor.bits(at: $0)) }
    },
    .each("another shape", "embed_tokens.weight", "embed_tokens comes out in shape [6, 9]") {
      try $0.elements(0..<54).reshaped([6, 9]).map { tensor in
        try Tensor(tensor.dtype, tensor.shape) { tensor.bits(at: 53 - $0) }
      }
    },
    .each("missing tensors", "o_proj.weight", "o_proj is lost in every layer") { _ in nil },
    Change("an expert missing", "expert 7 is missing in every sparse layer") { tensors in
      for key in tensors.keys where key.text.contains("experts.7.") { tensors[key] = nil }
    },
    Change("a surplus tensor", "surplus key 'model.extra'") { tensors in
      tensors["model.extra"] = try Tensor(.bf16, [3]) { UInt64($0) }
    },
    Change("another name", "router comes out as 'mlp.gate.weight' in every sparse layer") {
      tensors in
      for (key, tensor) in tensors where key.text.contains("router.gate") {
        tensors[TensorName(key.text.replacing("router.gate", with: "gate"))] = tensor
        tensors[key] = nil
      }
    },
    Change(
      "several changes", "k_proj and v_proj are exchanged in layer 0",
      "router is all zeros in every sparse layer"
    ) { tensors in
      for (key, tensor) in tensors where key.text.hasSuffix("router.gate.weight") {
        tensors[key] = try Tensor(tensor.dtype, tensor.shape) { _ in 0 }
      }
      let names = ["k", "v"].map { TensorName("model.layers.0.self_attn.\($0)_proj.weight") }
      (tensors[names[0]], tensors[names[1]]) = (tensors[names[1]], tensors[names[0]])
    },
  ]

  /// The name with another expert's number.
  private static func expert(_ name: String, _ origin: (Int) -> Int) -> String {
    let parts = name.split(separator: ".")
    guard let place = parts.firstIndex(of: "experts"), let number = Int(parts[place + 1]) else {
      return name
    }
    return name.replacing("experts.\(number).", with: "experts.\(origin(number)).")
  }

  private static func transposed(_ tensor: Tensor) -> Tensor? {
    let (rows, columns) = (tensor.shape[0], tensor.shape[1])
    return try? Tensor(tensor.dtype, Shape([columns, rows])) {
      tensor.bits(at: $0 % rows * columns + $0 / rows)
    }
  }
}
