// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Tensors

/// The tensors that a whole checkpoint of a config has on disk, one file-independent list.
///
/// Source of names and shapes: the shard headers of tencent/Hy3 and transformers' `hy_v3`.
public struct ModelSchema: Sendable {
  private let config: ModelConfig
  private let prefix: String
  private let isGated: Bool

  /// Creates the schema of a config whose keys start with a prefix.
  public init(
    _ config: ModelConfig, prefix: ModelPrefix = .model, activation: ExpertActivation = .swiglu
  ) {
    self.config = config
    self.prefix = prefix.rawValue
    self.isGated = activation.isGated
  }

  /// All tensors: embeddings, decoder layers, multi-token prediction layers, final norm and head.
  ///
  /// - Complexity: O(tensors); the shapes of a checked config cannot overflow.
  public func tensors(includingMTP: Bool = true) -> [TensorInfo] {
    var result: [TensorInfo] = []
    let vocabulary: Shape = [config.vocabularySize, config.hiddenSize]
    result.append(info("\(prefix)embed_tokens.weight", vocabulary))
    let layerCount = includingMTP ? config.storedLayerCount : config.hiddenLayerCount
    for layer in 0..<layerCount { appendLayer(layer, to: &result) }
    result.append(info("\(prefix)norm.weight", [config.hiddenSize]))
    if !config.tiesWordEmbeddings {
      // The head stands beside the model, not inside it, whatever the prefix of the layers.
      result.append(info("lm_head.weight", vocabulary))
    }
    return result
  }

  private func info(_ name: String, _ shape: Shape, _ dtype: DType? = nil) -> TensorInfo {
    TensorInfo(TensorName(name), dtype ?? config.dtype, shape)
  }

  private func appendLayer(_ layer: Int, to result: inout [TensorInfo]) {
    let base = "\(prefix)layers.\(layer)."
    let hidden = config.hiddenSize
    result.append(info("\(base)input_layernorm.weight", [hidden]))
    result.append(info("\(base)post_attention_layernorm.weight", [hidden]))
    appendAttention("\(base)self_attn.", to: &result)
    if config.isSparse(layer: layer) {
      appendExperts("\(base)mlp.", to: &result)
    } else {
      appendMLP("\(base)mlp.", width: config.denseIntermediateSize, to: &result)
    }
    if layer >= config.hiddenLayerCount {
      result.append(info("\(base)eh_proj.weight", [hidden, 2 * hidden]))
      for norm in ["enorm", "hnorm", "final_layernorm"] {
        result.append(info("\(base)\(norm).weight", [hidden]))
      }
    }
  }

  private func appendAttention(_ base: String, to result: inout [TensorInfo]) {
    let hidden = config.hiddenSize
    let queries = config.attentionHeadCount * config.headSize
    let keys = config.keyValueHeadCount * config.headSize
    let projections: [(name: String, rows: Int, columns: Int)] = [
      ("q_proj", queries, hidden), ("k_proj", keys, hidden), ("v_proj", keys, hidden),
      ("o_proj", hidden, queries),
    ]
    for (name, rows, columns) in projections {
      result.append(info("\(base)\(name).weight", [rows, columns]))
      if config.hasAttentionBias { result.append(info("\(base)\(name).bias", [rows])) }
    }
    if config.hasQueryKeyNorm {
      result.append(info("\(base)q_norm.weight", [config.headSize]))
      result.append(info("\(base)k_norm.weight", [config.headSize]))
    }
  }

  private func appendMLP(_ base: String, width: Int, to result: inout [TensorInfo]) {
    let hidden = config.hiddenSize
    let projections: [(name: String, rows: Int, columns: Int)] = [
      ("gate_proj", width, hidden), ("up_proj", width, hidden), ("down_proj", hidden, width),
    ]
    for (name, rows, columns) in projections {
      result.append(info("\(base)\(name).weight", [rows, columns]))
      if config.hasMLPBias { result.append(info("\(base)\(name).bias", [rows])) }
    }
  }

  private func appendExperts(_ base: String, to result: inout [TensorInfo]) {
    let hidden = config.hiddenSize
    let inner = config.moeIntermediateSize
    result.append(info("\(base)router.gate.weight", [config.expertCount, hidden]))
    if config.hasExpertBias {
      result.append(info("\(base)expert_bias", [config.expertCount], .f32))
    }
    if config.sharedExpertCount > 0 {
      appendMLP("\(base)shared_mlp.", width: config.sharedExpertCount * inner, to: &result)
    }
    for expert in 0..<config.expertCount {
      let base = "\(base)experts.\(expert)."
      if isGated { result.append(info("\(base)gate_proj.weight", [inner, hidden])) }
      result.append(info("\(base)up_proj.weight", [inner, hidden]))
      result.append(info("\(base)down_proj.weight", [hidden, inner]))
    }
  }
}
