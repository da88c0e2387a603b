// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Layouts
import Tensors
import Testing

@testable import Adapters

@Suite("A group's layout places the parts of each expert")
struct GroupLayoutTests {
  private let config = Result {
    try ModelConfig(
      vocabularySize: 5, hiddenSize: 4, denseIntermediateSize: 6, moeIntermediateSize: 3,
      expertCount: 7, layerKinds: [.sparse], attentionHeadCount: 1, keyValueHeadCount: 1,
      headSize: 2)
  }

  @Test("The up projections stand behind the gate projections")
  func gateAndUp() throws {
    let layout = try GroupLayout(HyLayout.groups[0], in: config.get(), experts: 2, rank: 0)
    #expect(layout.shape == [2, 4, 6])
    let up = layout.part(1, slot: 1)
    #expect(up.onDisk == Region(whole: [1, 3, 4]))
    #expect(up.inGroup == Region(view: [2, 4, 6], lower: [1, 0, 3], extents: [1, 4, 3]))
  }

  @Test("A rank that makes the shape overflow is an error")
  func overflow() throws {
    let config = try config.get()
    #expect(throws: TensorError.self) {
      try GroupLayout(HyLayout.groups[2], in: config, experts: 7, rank: .max)
    }
  }
}
