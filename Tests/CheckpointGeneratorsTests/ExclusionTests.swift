// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import CheckpointGenerators
import Layouts
import Tensors
import Testing

@Suite("Exclusion")
struct ExclusionTests {
  @Test(
    "The meaning of a pattern and the adapter's reading of it agree on the keys of a checkpoint",
    arguments: [
      Exclusion.none, .head, .layer(1), .experts, .expert(2), .projection(.up), .expertBias,
      .nativeExpertBias, .unanchored, .everything,
    ])
  func meaning(exclusion: Exclusion) throws {
    let config = try ModelConfig(
      vocabularySize: 3, hiddenSize: 4, denseIntermediateSize: 5, moeIntermediateSize: 2,
      expertCount: 3, layerKinds: [.dense, .sparse], attentionHeadCount: 1, keyValueHeadCount: 1,
      headSize: 2)
    let planner = AdapterPlanner(config)
    let native = try planner.fromHF(planner.schema).destinations
    let pattern = try ExclusionPattern(exclusion.pattern(in: config.layout))
    let kept = try planner.toHF(native, excluding: pattern).destinations.map(\.name)
    let all = try planner.toHF(native).destinations.map(\.name)
    let isExcluded = exclusion.excludes(in: config.layout)
    #expect(kept == all.filter { !isExcluded($0) })
  }
}
