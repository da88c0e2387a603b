// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
public import Layouts

extension ModelConfig {
  /// The same config with another number of multi-token prediction layers.
  ///
  /// - Throws: `ConfigError` if the number is out of range.
  public func with(mtpLayerCount: Int) throws(ConfigError) -> ModelConfig {
    try ModelConfig(
      vocabularySize: vocabularySize, hiddenSize: hiddenSize,
      denseIntermediateSize: denseIntermediateSize, moeIntermediateSize: moeIntermediateSize,
      expertCount: expertCount, sharedExpertCount: sharedExpertCount, layerKinds: layerKinds,
      mtpLayerCount: mtpLayerCount, attentionHeadCount: attentionHeadCount,
      keyValueHeadCount: keyValueHeadCount, headSize: headSize, hasQueryKeyNorm: hasQueryKeyNorm,
      hasExpertBias: hasExpertBias, hasAttentionBias: hasAttentionBias, hasMLPBias: hasMLPBias,
      tiesWordEmbeddings: tiesWordEmbeddings, dtype: dtype)
  }
}
