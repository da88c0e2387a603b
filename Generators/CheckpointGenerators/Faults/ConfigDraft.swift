// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts

/// The facts of a config that faults change.
struct ConfigDraft {
  var vocabulary: Int
  var hidden: Int
  var denseIntermediate: Int
  var moeIntermediate: Int
  var experts: Int
  var sharedExperts: Int
  var layers: [LayerKind]
  var mtpLayers: Int
  var heads: Int
  var keyValueHeads: Int
  var headSize: Int
  var hasQueryKeyNorm: Bool
  var hasExpertBias: Bool
  var hasAttentionBias: Bool
  var hasMLPBias: Bool
  var tiesWordEmbeddings: Bool
  private let original: ModelConfig

  init(_ config: ModelConfig) {
    original = config
    vocabulary = config.vocabularySize
    hidden = config.hiddenSize
    denseIntermediate = config.denseIntermediateSize
    moeIntermediate = config.moeIntermediateSize
    experts = config.expertCount
    sharedExperts = config.sharedExpertCount
    layers = config.layerKinds
    mtpLayers = config.mtpLayerCount
    heads = config.attentionHeadCount
    keyValueHeads = config.keyValueHeadCount
    headSize = config.headSize
    hasQueryKeyNorm = config.hasQueryKeyNorm
    hasExpertBias = config.hasExpertBias
    hasAttentionBias = config.hasAttentionBias
    hasMLPBias = config.hasMLPBias
    tiesWordEmbeddings = config.tiesWordEmbeddings
  }

  /// The config, or nil if it is the original one or no config.
  var config: ModelConfig? {
    let made = try? ModelConfig(
      vocabularySize: vocabulary, hiddenSize: hidden, denseIntermediateSize: denseIntermediate,
      moeIntermediateSize: moeIntermediate, expertCount: experts,
      sharedExpertCount: sharedExperts, layerKinds: layers, mtpLayerCount: mtpLayers,
      attentionHeadCount: heads, keyValueHeadCount: keyValueHeads, headSize: headSize,
      hasQueryKeyNorm: hasQueryKeyNorm, hasExpertBias: hasExpertBias,
      hasAttentionBias: hasAttentionBias, hasMLPBias: hasMLPBias,
      tiesWordEmbeddings: tiesWordEmbeddings, dtype: original.dtype)
    return made == original ? nil : made
  }
}
