// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Tensors

/// Facts that many families have, by the symbols and flags that tables give them.
extension ModelConfig {
  /// Rows of the token embedding.
  public var vocabularySize: Int { self[.vocabulary] ?? 1 }
  /// Inner width of the dense layers.
  public var denseIntermediateSize: Int { self[.denseIntermediate] ?? 1 }
  /// Shared experts of a sparse layer, zero for none.
  public var sharedExpertCount: Int { self[.sharedExperts] ?? 0 }
  /// Query heads.
  public var attentionHeadCount: Int { self[.heads] ?? 1 }
  /// Key and value heads.
  public var keyValueHeadCount: Int { self[.keyValueHeads] ?? 1 }
  /// Width of one head.
  public var headSize: Int { self[.headSize] ?? 1 }
  /// Whether queries and keys are normalized per head.
  public var hasQueryKeyNorm: Bool { flag("qk_norm") ?? true }
  /// Whether attention projections have biases.
  public var hasAttentionBias: Bool { flag("attention_bias") ?? false }
  /// Whether dense and shared projections have biases.
  public var hasMLPBias: Bool { flag("mlp_bias") ?? false }
  /// Whether the head is the token embedding and not stored.
  public var tiesWordEmbeddings: Bool { flag("tie_word_embeddings") ?? false }

  /// Creates a config of Hy3's layout from checked values.
  ///
  /// - Throws: `ConfigError` naming the `config.json` field that is out of range.
  public init(
    vocabularySize: Int, hiddenSize: Int, denseIntermediateSize: Int, moeIntermediateSize: Int,
    expertCount: Int, sharedExpertCount: Int = 1, layerKinds: [LayerKind], mtpLayerCount: Int = 0,
    attentionHeadCount: Int, keyValueHeadCount: Int, headSize: Int, hasQueryKeyNorm: Bool = true,
    hasExpertBias: Bool = true, hasAttentionBias: Bool = false, hasMLPBias: Bool = false,
    tiesWordEmbeddings: Bool = false, dtype: DType = .bf16
  ) throws(ConfigError) {
    guard let layout = Layout.known("hy_v3") else {
      throw ConfigError(field: "model_type", expected: "a known layout", found: "hy_v3")
    }
    try self.init(
      layout,
      sizes: [
        "V": vocabularySize, "H": hiddenSize, "D": denseIntermediateSize,
        "I": moeIntermediateSize, "E": expertCount, "S": sharedExpertCount,
        "P": attentionHeadCount, "K": keyValueHeadCount, "A": headSize,
      ],
      flags: [
        "qk_norm": hasQueryKeyNorm, "moe_router_enable_expert_bias": hasExpertBias,
        "attention_bias": hasAttentionBias, "mlp_bias": hasMLPBias,
        "tie_word_embeddings": tiesWordEmbeddings,
      ],
      layerKinds: layerKinds, mtpLayerCount: mtpLayerCount, dtype: dtype)
  }
}
