// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Tensors

/// What a tensor is in the model, on disk or in native form.
public enum TensorClass: String, Sendable, Hashable, CaseIterable {
  case gateAndUpProjections = "gate_and_up_projs"
  case downProjections = "down_projs"
  case gateProjection = "gate_proj"
  case upProjection = "up_proj"
  case downProjection = "down_proj"
  case scale = "scale"
  case loraA = "LoRA A"
  case loraB = "LoRA B"
  case expertBias = "expert bias"
  case router = "router"
  case sharedExperts = "shared experts"
  case denseMLP = "dense MLP"
  case attention = "attention"
  case norm = "norm"
  case ehProjection = "eh_proj"
  case embedding = "embedding"
  case head = "head"
  case other = "other"

  /// What tensors of the class hold, whether each expert has its own or all share one.
  var place: String {
    switch self {
    case .gateAndUpProjections, .gateProjection, .upProjection: "gate and up"
    case .downProjections, .downProjection: "down"
    default: rawValue
    }
  }

  /// The class of a tensor by its name.
  public static func of(_ name: TensorName) -> TensorClass {
    let text = name.text
    return marks.first { $0.texts.allSatisfy(text.contains) }?.tensorClass ?? .other
  }

  /// Texts that names contain, the most telling first.
  private static let marks: [(texts: [String], tensorClass: TensorClass)] = [
    (["lora_", "_A"], .loraA), (["lora_", "_B"], .loraB), (["_scale"], .scale),
    (["gate_and_up_projs"], .gateAndUpProjections), (["down_projs"], .downProjections),
    (["expert_bias"], .expertBias), (["e_score_correction_bias"], .expertBias),
    (["shared_mlp."], .sharedExperts), (["shared_experts."], .sharedExperts),
    (["mlp.router."], .router), (["mlp.gate."], .router),
    (["experts.", "gate_proj"], .gateProjection), (["experts.", "up_proj"], .upProjection),
    (["experts.", "down_proj"], .downProjection), (["mlp."], .denseMLP), (["norm"], .norm),
    (["self_attn."], .attention), (["eh_proj"], .ehProjection), (["embed_tokens"], .embedding),
    (["lm_head"], .head),
  ]
}
