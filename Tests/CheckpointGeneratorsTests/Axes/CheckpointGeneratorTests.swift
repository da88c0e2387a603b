// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
import PropertyEngine
import Tensors
import Testing

@testable import CheckpointGenerators

@Suite("Generated checkpoints")
struct CheckpointGeneratorTests {
  @Test("The reference adapter accepts every checkpoint in both directions")
  func valid() {
    #expect(specs(count: 20, seed: 1).compactMap(refusal) == [])
  }

  @Test("The reference adapter accepts every small checkpoint", arguments: [0, 1, 2], [0, 1, 2])
  func validSmall(experts: Int, layers: Int) {
    let space = CheckpointSpace(pinned: [.experts: experts, .decoderLayers: layers])
    #expect(specs(space, count: 25).compactMap(refusal) == [])
  }

  @Test("Data of factors that native form has once is accepted too")
  func repeatedFactors() throws {
    let pins: [ConfigAxis: Int] = [.lora: 1, .experts: 1, .decoderLayers: 0, .contents: 3]
    for spec in specs(CheckpointSpace(pinned: pins), count: 10) {
      let onDisk = try Checkpoint(spec).stateDict()
      let adapter = StateDictAdapter(config: spec.config, options: spec.options)
      #expect(throws: Never.self, "\(spec)") { _ = try adapter.fromHF(onDisk) }
    }
  }

  @Test("A checkpoint is at most 2,000 tensors and 1 MiB")
  func sizes() {
    for spec in specs(count: 150, seed: 2) {
      let infos = Checkpoint(spec).schema
      let bytes = infos.reduce(0) { $0 + $1.shape.elementCount * $1.dtype.byteCount }
      #expect(infos.count <= 2000 && bytes <= 1 << 20, "\(spec)")
    }
  }

  @Test("Every checkpoint takes the same number of choices, whatever is pinned")
  func choices() throws {
    let config = try ModelConfig(
      vocabularySize: 3, hiddenSize: 4, denseIntermediateSize: 5, moeIntermediateSize: 2,
      expertCount: 200, layerKinds: [.sparse, .dense], mtpLayerCount: 5, attentionHeadCount: 1,
      keyValueHeadCount: 1, headSize: 2)
    for space in [
      CheckpointSpace(), CheckpointSpace(pinned: [.lora: 2, .extent: 2]),
      CheckpointSpace(config: config), CheckpointSpace(faultKinds: 40),
    ] {
      let property = Property(Generator<CheckpointSpec>.checkpoints(space)) { _, _ in .pass }
      let count = property.replay(ChoiceSequence()).choices.count
      var settings = Settings(examples: 100)
      settings.silenced = [.simplestTooLarge]
      settings.maximumChoices = count
      let enough = property.run(settings)
      #expect(enough.passed == 100 && enough.overrun == 0, "\(count) choices")
      settings.maximumChoices = count - 1
      #expect(property.run(settings).passed == 0, "\(count - 1) choices")
    }
  }

  @Test("The simplest choices make the plainest checkpoint")
  func simplest() {
    let property = Property(Generator<CheckpointSpec>.checkpoints()) { _, _ in .pass }
    var spec = property.replay(ChoiceSequence()).value
    #expect(spec.faults == [CheckpointFault(kind: 0, site: 0)])
    spec.faults = []
    #expect(spec == .plainest)
    #expect(AxisValues(spec).bytes.allSatisfy { $0 == 0 })
  }

  @Test("A failure of ten experts and a dense layer is shown with the least of everything else")
  func shrinks() throws {
    let property = Property(Generator<CheckpointSpec>.checkpoints()) { spec, _ in
      .holds(spec.config.expertCount < 10 || !spec.config.layerKinds.contains(.dense))
    }
    let finding = try #require(property.run(Settings(examples: 500)).counterexamples.first)
    var least = property.replay(try #require(finding.choices)).value
    #expect(least.config.expertCount == 10)
    #expect(least.config.layerKinds == [.dense])
    least.faults = []
    #expect(
      least.description.hasPrefix(
        "10 experts, hidden 1, inter 1, 1 layer (1 dense), 0 MTP, 0 shared; bf16 experts -> bf16;"))
    let values = AxisValues(least)
    let others = ConfigAxis.allCases.filter { ![.experts, .densePrefix].contains($0) }
    #expect(others.allSatisfy { values[$0] == 0 }, "\(least)")
  }

  @Test("Faults are positions in a catalogue of the size that is stated")
  func faults() {
    let drawn = specs(CheckpointSpace(faultKinds: 7), count: 200).map(\.faults)
    #expect(drawn.allSatisfy { 1...2 ~= $0.count })
    #expect(Set(drawn.joined().map(\.kind)) == Set(0..<7))
    #expect(specs(CheckpointSpace(faultKinds: 0), count: 5).allSatisfy { $0.faults.isEmpty })
  }

  @Test("A given config stays as it is, and the rest varies and is accepted")
  func givenConfig() throws {
    let config = try ModelConfig(
      vocabularySize: 3, hiddenSize: 4, denseIntermediateSize: 5, moeIntermediateSize: 2,
      expertCount: 20, layerKinds: [.sparse, .dense], mtpLayerCount: 1, attentionHeadCount: 1,
      keyValueHeadCount: 1, headSize: 2, hasExpertBias: false, dtype: .f16)
    let drawn = specs(CheckpointSpace(config: config), count: 30)
    #expect(drawn.allSatisfy { $0.config == config && $0.types.others == .f16 })
    #expect(Set(drawn.map(\.options)).count > 20)
    #expect(drawn.prefix(10).compactMap(refusal) == [])
  }

  @Test("An empty space is told in words and discards every case")
  func emptySpace() throws {
    let config = CheckpointSpec.plainest.config
    for (space, words) in [
      (CheckpointSpace(pinned: [.extent: 2, .lora: 0]), "there are no factors"),
      (CheckpointSpace(pinned: [.experts: 99]), "experts has no value 99"),
      (CheckpointSpace(pinned: [.experts: 3], config: config), "experts 4-8 is not the config's"),
      (
        CheckpointSpace(pinned: [.experts: 13, .decoderLayers: 3, .densePrefix: 0, .extent: 0]),
        "more than 1536 tensors of experts"
      ),
    ] {
      #expect(space.conflict == words)
      #expect(specs(space, count: 3).isEmpty, "\(words)")
    }
    #expect(CheckpointSpace().conflict == nil)
    #expect(CheckpointSpace(config: config).conflict == nil)
  }

  @Test("The published distribution stays within its bounds and is accepted")
  func published() {
    let drawn = specs(.published, count: 100)
    for config in drawn.map(\.config) {
      let dense = config.layerKinds.prefix { $0 == .dense }.count
      #expect(
        1...16 ~= config.expertCount && 1...32 ~= config.hiddenSize
          && 1...16 ~= config.moeIntermediateSize && 1...4 ~= config.hiddenLayerCount
          && 0...2 ~= dense && 0...2 ~= config.mtpLayerCount)
    }
    #expect(Set(drawn.map(\.config.hiddenSize)).count > 20)
    #expect(drawn.prefix(20).compactMap(refusal) == [])
  }
}
