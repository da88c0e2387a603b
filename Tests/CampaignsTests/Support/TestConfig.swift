// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts

/// Configs that campaigns of tests are around.
enum TestConfig {
  /// One that takes no time at its own size.
  static let small = try? ModelConfig(
    vocabularySize: 4, hiddenSize: 8, denseIntermediateSize: 4, moeIntermediateSize: 3,
    expertCount: 5, layerKinds: [.dense, .sparse, .sparse], mtpLayerCount: 1,
    attentionHeadCount: 4, keyValueHeadCount: 2, headSize: 2)
}
