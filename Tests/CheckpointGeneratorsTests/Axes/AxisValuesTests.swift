// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
import PropertyEngine
import Tensors
import Testing

@testable import CheckpointGenerators

@Suite("The place of a checkpoint in the space of configs")
struct AxisValuesTests {
  /// Layouts with values of their own; the others are the same tables.
  static let layouts = Layout.knownNames.filter { $0 != "hy_mt2" }.compactMap { Layout.known($0) }

  @Test("Every value of every axis is what checkpoints pinned to it have", arguments: layouts)
  func pinnedValues(layout: Layout) {
    for axis in ConfigAxis.allCases {
      for value in layout.values(of: axis).map(Int.init) {
        let space = CheckpointSpace(layout: layout, pinned: [axis: value])
        #expect(space.conflict == nil)
        let found = Set(specs(space, count: 4).map { AxisValues($0)[axis] })
        #expect(found == [value], "\(axis.name) \(axis.values[value])")
      }
    }
  }

  @Test("Every feasible pair of values is that of some checkpoint", arguments: layouts)
  func pairs(layout: Layout) {
    let space = CheckpointSpace(layout: layout)
    var coverage = AxisCoverage(space)
    for spec in specs(space, count: 800) { coverage.add(AxisValues(spec).bytes) }
    #expect(coverage.contradictoryPairs() == [])
    let unreached = coverage.unreachedPairs.filter { pair in
      let pinned = CheckpointSpace(layout: layout, pinned: pair)
      let found = specs(pinned, count: 1).first.map { AxisValues($0) }
      return pair.contains { found?[$0.key] != $0.value }
    }
    #expect(unreached == [])
  }

  @Test("The published checkpoints have the values that their description says")
  func handWritten() throws {
    let config = try ModelConfig(
      vocabularySize: 8, hiddenSize: 6, denseIntermediateSize: 5, moeIntermediateSize: 3,
      expertCount: 192, sharedExpertCount: 1, layerKinds: [.dense, .sparse, .sparse],
      mtpLayerCount: 1, attentionHeadCount: 4, keyValueHeadCount: 2, headSize: 2)
    var spec = CheckpointSpec(
      AdapterSetup(config, AdapterOptions()),
      contents: TensorContents(.tracer(digit: 1)))
    spec.parallelism = try ExpertParallelism(rank: 7, size: 8)
    let values = AxisValues(spec)
    let labels = ConfigAxis.allCases.map { axis in
      values[axis].map { axis.values[$0] } ?? "none of the table"
    }
    #expect(
      labels == [
        "192", "3-9", "one", "1", "stored", "other even", "half of hidden", "1", "GQA", "present",
        "none", "untied", "ranks divide experts", "last", "bf16", "as the experts", "bf16", "f32",
        "swiglu", "none", "1", "base_model.model.model.", "left to the shapes", "whole model",
        "whole model", "drop", "model.", "schema", "none", "tracer", "none",
      ])
    #expect(AxisValues(bytes: values.bytes) == values)
    #expect(AxisValues(bytes: [1, 2]) == nil)
  }

  @Test("What no axis lists has no value")
  func outside() throws {
    let config = try ModelConfig(
      vocabularySize: 1, hiddenSize: 1, denseIntermediateSize: 1, moeIntermediateSize: 1,
      expertCount: 300, layerKinds: [.sparse, .dense], attentionHeadCount: 1,
      keyValueHeadCount: 1, headSize: 1)
    let spec = CheckpointSpec(
      AdapterSetup(config, AdapterOptions(targetDType: .f64)),
      types: SourceTypes(experts: .f8E5M2, expertBias: .f16, others: .f64, hasScales: true),
      lora: LoRASpec(.perExpert, rank: 1, prefix: "other."), contents: TensorContents(.iota))
    let values = AxisValues(spec)
    let unlisted = ConfigAxis.allCases.filter { values[$0] == nil }
    #expect(
      unlisted == [
        .experts, .expertDType, .targetDType, .otherDType, .expertBias, .loraPrefix,
      ])
  }
}
