// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Tensors

/// What a key is about: the layer, the expert, and the kind of tensor in the field's words.
struct TensorSubject: Hashable {
  let layer: Int?
  let expert: Int?
  /// The key behind the layer with the expert's number left out; the whole key outside layers.
  let kind: String

  init(_ name: TensorName) {
    var parts = name.text.split(separator: ".", omittingEmptySubsequences: false)
    var layer: Int?
    var expert: Int?
    if let start = parts.firstIndex(of: "layers"), start + 1 < parts.count,
      let number = Int(parts[start + 1])
    {
      layer = number
      parts.removeFirst(start + 2)
      if parts.count > 3, parts[0] == "mlp", parts[1] == "experts", let number = Int(parts[2]) {
        expert = number
        parts.remove(at: 2)
      }
    }
    self.layer = layer
    self.expert = expert
    kind = parts.joined(separator: ".")
  }

  /// Whether this is a part of an expert on disk or a grouped native tensor.
  var isOfExperts: Bool { kind.hasPrefix("mlp.experts.") }

  /// The word for the kind, such as `down_proj`, `router` or `shared up_proj`.
  var word: String { Self.word(kind) }

  static func word(_ kind: String) -> String {
    if let word = words[kind] { return word }
    var text = kind[...]
    var prefix = ""
    let places = [
      ("mlp.experts.", ""), ("mlp.shared_mlp.", "shared "), ("mlp.shared_experts.", "shared "),
      ("self_attn.", ""), ("mlp.", "dense "),
    ]
    if let (start, word) = places.first(where: { text.hasPrefix($0.0) }) {
      text = text.dropFirst(start.count)
      prefix = word
    }
    if text.hasSuffix(".weight") { text = text.dropLast(7) }
    return prefix + text.split(separator: ".").joined(separator: " ")
  }

  private static let words = [
    "mlp.expert_bias": "expert_bias", "mlp.gate.e_score_correction_bias": "expert_bias",
    "mlp.router.gate.weight": "router", "mlp.gate.weight": "router",
    "model.norm.weight": "final norm", "norm.weight": "final norm",
    "model.embed_tokens.weight": "embed_tokens",
  ]
}
