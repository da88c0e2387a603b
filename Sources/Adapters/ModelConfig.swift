// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Tensors

/// Whether a decoder layer's feed-forward part is one dense network or a mixture of experts.
public enum LayerKind: String, Sendable, Hashable {
  case dense
  case sparse
}

/// The facts of a Hy model's `config.json` that decide which tensors a checkpoint has.
///
/// Values are checked when they enter: every count and size is positive (or zero where noted) and
/// small enough that no shape or tensor count derived from them overflows.
public struct ModelConfig: Sendable, Hashable {
  /// Rows of the token embedding (`vocab_size`).
  public let vocabularySize: Int
  /// Width of the residual stream (`hidden_size`).
  public let hiddenSize: Int
  /// Inner width of the dense layers (`intermediate_size`).
  public let denseIntermediateSize: Int
  /// Inner width of one expert (`moe_intermediate_size` or `expert_hidden_dim`).
  public let moeIntermediateSize: Int
  /// Routed experts of a sparse layer (`num_experts`).
  public let expertCount: Int
  /// Shared experts of a sparse layer, zero for none (`num_shared_experts`).
  public let sharedExpertCount: Int
  /// The kind of each decoder layer (`mlp_layer_types` or `first_k_dense_replace`), whose number is
  /// `num_hidden_layers`.
  public let layerKinds: [LayerKind]
  /// Multi-token prediction layers stored behind the decoder layers, zero for none
  /// (`num_nextn_predict_layers`).
  public let mtpLayerCount: Int
  /// Query heads (`num_attention_heads`).
  public let attentionHeadCount: Int
  /// Key and value heads (`num_key_value_heads`).
  public let keyValueHeadCount: Int
  /// Width of one head (`head_dim`).
  public let headSize: Int
  /// Whether queries and keys are normalized per head (`qk_norm`).
  public let hasQueryKeyNorm: Bool
  /// Whether the router has a correction bias (`moe_router_enable_expert_bias`).
  public let hasExpertBias: Bool
  /// Whether attention projections have biases (`attention_bias`).
  public let hasAttentionBias: Bool
  /// Whether dense and shared projections have biases (`mlp_bias`).
  public let hasMLPBias: Bool
  /// Whether `lm_head` is the token embedding and not stored (`tie_word_embeddings`).
  public let tiesWordEmbeddings: Bool
  /// The element type of the weights (`dtype` or `torch_dtype`).
  public let dtype: DType

  /// The number of decoder layers (`num_hidden_layers`).
  public var hiddenLayerCount: Int { layerKinds.count }

  /// The number of decoder and multi-token prediction layers.
  public var storedLayerCount: Int { layerKinds.count + mtpLayerCount }

  /// Whether a stored layer has experts; multi-token prediction layers always do.
  public func isSparse(layer: Int) -> Bool {
    layer >= hiddenLayerCount || layerKinds[layer] == .sparse
  }

  /// Creates a config from checked values.
  ///
  /// - Throws: `ConfigError` naming the `config.json` field that is out of range.
  public init(
    vocabularySize: Int, hiddenSize: Int, denseIntermediateSize: Int, moeIntermediateSize: Int,
    expertCount: Int, sharedExpertCount: Int = 1, layerKinds: [LayerKind], mtpLayerCount: Int = 0,
    attentionHeadCount: Int, keyValueHeadCount: Int, headSize: Int, hasQueryKeyNorm: Bool = true,
    hasExpertBias: Bool = true, hasAttentionBias: Bool = false, hasMLPBias: Bool = false,
    tiesWordEmbeddings: Bool = false, dtype: DType = .bf16
  ) throws(ConfigError) {
    self.vocabularySize = vocabularySize
    self.hiddenSize = hiddenSize
    self.denseIntermediateSize = denseIntermediateSize
    self.moeIntermediateSize = moeIntermediateSize
    self.expertCount = expertCount
    self.sharedExpertCount = sharedExpertCount
    self.layerKinds = layerKinds
    self.mtpLayerCount = mtpLayerCount
    self.attentionHeadCount = attentionHeadCount
    self.keyValueHeadCount = keyValueHeadCount
    self.headSize = headSize
    self.hasQueryKeyNorm = hasQueryKeyNorm
    self.hasExpertBias = hasExpertBias
    self.hasAttentionBias = hasAttentionBias
    self.hasMLPBias = hasMLPBias
    self.tiesWordEmbeddings = tiesWordEmbeddings
    self.dtype = dtype
    try checkRanges()
  }

  private func checkRanges() throws(ConfigError) {
    let limits = ConfigLimits.self
    try limits.vocabulary.check(vocabularySize, field: "vocab_size")
    try limits.width.check(hiddenSize, field: "hidden_size")
    try limits.width.check(denseIntermediateSize, field: "intermediate_size")
    try limits.width.check(moeIntermediateSize, field: "moe_intermediate_size")
    try limits.experts.check(expertCount, field: "num_experts")
    try limits.sharedExperts.check(sharedExpertCount, field: "num_shared_experts")
    try limits.layers.check(hiddenLayerCount, field: "num_hidden_layers")
    try limits.mtpLayers.check(mtpLayerCount, field: "num_nextn_predict_layers")
    try limits.heads.check(attentionHeadCount, field: "num_attention_heads")
    try limits.heads.check(keyValueHeadCount, field: "num_key_value_heads")
    try limits.headSize.check(headSize, field: "head_dim")
    guard storedLayerCount * expertCount <= ConfigLimits.expertsInAllLayers else {
      throw ConfigError(
        field: "num_experts",
        expected: "at most \(ConfigLimits.expertsInAllLayers) experts in all layers",
        found: "\(expertCount) x \(storedLayerCount)")
    }
    guard dtype.isFloatingPoint else {
      throw ConfigError(
        field: "dtype", expected: "a floating-point type", found: dtype.rawValue)
    }
  }
}
