// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Tensors

/// A pattern for keys to leave out on the way to disk, with what it means stated once more.
///
/// Laws judge exclusion by the meaning, so that no regular expression engine judges itself.
public enum Exclusion: Sendable, Hashable {
  case none
  /// The output head, a key outside all layers.
  case head
  /// All keys of one decoder layer under the usual prefix.
  case layer(Int)
  /// All weights of experts.
  case experts
  /// The weights of one expert in every layer.
  case expert(Int)
  /// One projection of every expert: `gate_proj`, `up_proj` or `down_proj`.
  case projection(String)
  /// The router's correction bias by its name on disk.
  case expertBias
  /// The router's correction bias by its native name, which no key on disk has.
  case nativeExpertBias
  /// A text that stands inside keys and at the start of none.
  case unanchored
  case everything

  /// The pattern as Python's `re.match` reads it.
  public var pattern: String {
    switch self {
    case .none: ""
    case .head: #"lm_head\."#
    case .layer(let layer): #"model\.layers\.\#(layer)\."#
    case .experts: #".*\.mlp\.experts\."#
    case .expert(let expert): #".*\.mlp\.experts\.\#(expert)\."#
    case .projection(let name): #".*\.experts\.\d+\.\#(name)\.weight$"#
    case .expertBias: #".*\.expert_bias$"#
    case .nativeExpertBias: ".*e_score_correction_bias"
    case .unanchored: "mlp"
    case .everything: ".*"
    }
  }

  /// Whether a key on disk is left out.
  public func excludes(_ name: TensorName) -> Bool {
    let text = name.text
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    let expert = Self.expertPosition(parts)
    switch self {
    case .none, .nativeExpertBias, .unanchored: return false
    case .head: return text.hasPrefix("lm_head.")
    case .layer(let layer): return text.hasPrefix("model.layers.\(layer).")
    case .experts: return expert != nil
    case .expert(let number): return expert.map { parts[$0] == String(number) } ?? false
    case .projection(let projection):
      return expert.map { parts[($0 + 1)...].elementsEqual([projection[...], "weight"]) } ?? false
    case .expertBias: return parts.last == "expert_bias" && parts.count > 1
    case .everything: return true
    }
  }

  /// The position of the expert's number among the components of a key.
  private static func expertPosition(_ parts: [Substring]) -> Int? {
    guard
      let mlp = parts.indices.first(where: { index in
        index > 0 && index + 2 < parts.count && parts[index] == "mlp"
          && parts[index + 1] == "experts"
      })
    else { return nil }
    return mlp + 2
  }
}
