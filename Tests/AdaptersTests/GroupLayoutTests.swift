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

  private func layout(
    _ name: String, group: Int, sizes: [String: Int], own: Range<Int>, isLocal: Bool = false
  ) throws -> GroupLayout {
    let layout = try Layout.named(name)
    let config = try ModelConfig(layout, sizes: sizes, layerKinds: [.sparse])
    let values = config.values(isGated: true)
    let native = layout.groups[group]
    return try GroupLayout(
      native, native.parts.map { layout.tensors[$0] }, values, layout, own: own, isLocal: isLocal)
  }

  @Test("The up projections come after the gate projections")
  func gateAndUp() throws {
    let config = try config.get()
    let native = config.layout.groups[0]
    let layout = try GroupLayout(
      native, native.parts.map { config.layout.tensors[$0] }, config.values(isGated: true),
      config.layout, own: 0..<2, isLocal: false)
    #expect(layout.shape == [2, 4, 6])
    let up = layout.part(1, slot: 1)
    #expect(up.onDisk == Region(whole: [1, 3, 4]))
    #expect(up.inGroup == Region(view: [2, 4, 6], lower: [1, 0, 3], extents: [1, 4, 3]))
    #expect(up.permutation == [0, 2, 1])
  }

  @Test("Of what is grouped on disk a rank reads its own experts")
  func groupedOnDisk() throws {
    let sizes = ["V": 5, "H": 4, "D": 6, "I": 3, "E": 7, "X": 2, "P": 1, "K": 1, "A": 2]
    let layout = try layout("step3p5", group: 0, sizes: sizes, own: 2..<4)
    #expect(layout.shape == [2, 4, 6])
    let up = layout.part(1, slot: 0)
    #expect(up.onDisk == Region(view: [7, 3, 4], lower: [2, 0, 0], extents: [2, 3, 4]))
    #expect(up.inGroup == Region(view: [2, 4, 6], lower: [0, 0, 3], extents: [2, 4, 3]))
    #expect(up.permutation == [0, 2, 1])
    let local = try self.layout("step3p5", group: 0, sizes: sizes, own: 2..<4, isLocal: true)
    #expect(local.part(1, slot: 0).onDisk == Region(whole: [2, 3, 4]))
  }

  @Test("Interleaved parts are boxes of a view with the parts as an axis of its own")
  func interleaved() throws {
    let text = """
      models: [striped]
      sizes: {E: num_experts, H: hidden_size, I: moe_intermediate_size}
      prefix: [model.]
      tensors:
        model.layers.{L}:
          experts.{e}.gate.weight: {shape: [I, H], part: gate, automodel: "experts.w[e, h, 2 * i]"}
          experts.{e}.up.weight: {shape: [I, H], part: up, automodel: "experts.w[e, h, 2 * i + 1]"}
      """
    let layout = try Layout(text: text, name: "striped")
    let config = try ModelConfig(
      layout, sizes: ["E": 3, "H": 4, "I": 5], layerKinds: [.sparse])
    let native = layout.groups[0]
    let group = try GroupLayout(
      native, native.parts.map { layout.tensors[$0] }, config.values(isGated: true), layout,
      own: 0..<3, isLocal: false)
    #expect(group.shape == [3, 4, 10])
    let up = group.part(1, slot: 2)
    #expect(
      up.inGroup == Region(view: [3, 4, 5, 2], lower: [2, 0, 0, 1], extents: [1, 4, 5, 1]))
    #expect(up.onDisk == Region(whole: [1, 5, 4, 1]))
    #expect(up.permutation == [0, 2, 1, 3])
  }

  @Test("A rank that makes the shape overflow is an error")
  func overflow() throws {
    #expect(throws: TensorError.self) {
      try GroupLayout(rows: [.max], columns: 4, experts: 7)
    }
  }
}
