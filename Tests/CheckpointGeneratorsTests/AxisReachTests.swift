// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
import PropertyEngine
import Testing

@testable import CheckpointGenerators

@Suite("What checkpoints reach")
struct AxisReachTests {
  private static let cases: [[UInt8]] = (0..<40).compactMap { number in
    Generator<CheckpointSpec>.checkpoints().numbered(UInt64(number), seed: 1)
      .map { AxisValues($0.value).bytes }
  }

  private func reach(_ cases: some Sequence<[UInt8]>) -> AxisReach {
    var reach = AxisReach()
    for values in cases { reach.add(values) }
    return reach
  }

  @Test("Parts together reach what the whole does")
  func union() {
    var parts = reach(Self.cases.prefix(15))
    parts.formUnion(reach(Self.cases.dropFirst(15)))
    let isSame = parts == reach(Self.cases)
    #expect(isSame)
  }

  @Test("Bytes give the same reach, and bytes of another size none")
  func bytes() throws {
    let whole = reach(Self.cases)
    let again = try #require(
      AxisReach(
        cases: whole.cases, valueCountList: whole.valueCountList, pairBytes: whole.pairBytes,
        tripleBytes: whole.tripleBytes))
    let isSame = again == whole
    #expect(isSame)
    #expect(
      AxisReach(
        cases: 1, valueCountList: whole.valueCountList, pairBytes: whole.pairBytes,
        tripleBytes: []) == nil)
    #expect(
      AxisReach(
        cases: 1, valueCountList: [-1], pairBytes: whole.pairBytes,
        tripleBytes: whole.tripleBytes) == nil)
  }

  @Test("New combinations are counted before and while a checkpoint is added")
  func newness() {
    var reach = AxisReach()
    for values in Self.cases.prefix(10) {
      let expected = reach.newCombinations(values)
      let (pairs, triples) = reach.add(values)
      #expect(pairs + triples == expected)
      #expect(reach.newCombinations(values) == 0)
    }
  }

  @Test("Around a config checkpoints have its relations and differ in all else")
  func around() throws {
    let config = try ModelConfig(
      vocabularySize: 100, hiddenSize: 4096, denseIntermediateSize: 10, moeIntermediateSize: 2048,
      expertCount: 192, layerKinds: [.dense] + Array(repeating: .sparse, count: 79),
      mtpLayerCount: 1, attentionHeadCount: 8, keyValueHeadCount: 2, headSize: 128)
    var space = CheckpointSpace()
    space.keepRelations(of: config)
    #expect(space.conflict == nil)
    var experts: Set<Int> = []
    for number in 0..<60 {
      let drawn = Generator<CheckpointSpec>.checkpoints(space).numbered(UInt64(number), seed: 2)
      let spec = try #require(drawn?.value)
      experts.insert(spec.config.expertCount)
      #expect(spec.config.hiddenSize == 2 * spec.config.moeIntermediateSize)
      #expect(spec.config.layerKinds.prefix { $0 == .dense }.count == 1)
      #expect(spec.config.mtpLayerCount == 1)
      #expect(spec.config.keyValueHeadCount < spec.config.attentionHeadCount)
      #expect(spec.config.hasExpertBias && spec.config.hasQueryKeyNorm)
    }
    #expect(experts.count > 5)
  }
}

extension ModelConfig {
  /// Whether the router has a correction bias.
  fileprivate var hasExpertBias: Bool { flag("moe_router_enable_expert_bias") ?? false }
}
