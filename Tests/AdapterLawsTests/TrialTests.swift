// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Adapters
import CheckpointGenerators
import Tensors
import Testing

@Suite("Trial")
struct TrialTests {
  @Test("The reference adapter obeys the round trip on the plainest checkpoint")
  func roundTrip() throws {
    let config = try ModelConfig(
      vocabularySize: 3, hiddenSize: 4, denseIntermediateSize: 5, moeIntermediateSize: 2,
      expertCount: 3, layerKinds: [.dense, .sparse], attentionHeadCount: 1, keyValueHeadCount: 1,
      headSize: 2)
    let spec = CheckpointSpec(
      AdapterSetup(.hyMT2, config, AdapterOptions()), contents: TensorContents(.iota))
    let law = try #require(AdapterLaws.named("round-trip"))
    guard case .holds = law.judge(Trial(spec, ReferenceAdapter())) else {
      Issue.record("broken")
      return
    }
  }
}
