// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Layouts
import Tensors
import Testing

@testable import Adapters

@Suite("The verifier compares the data of every expert with the checkpoint")
struct CheckpointVerifierTests {
  private static func isGroup(_ name: TensorName) -> Bool {
    name.text.hasSuffix(".gate_and_up_projs") || name.text.hasSuffix(".down_projs")
  }

  private static func plans(
    _ config: ModelConfig, dtype: DType = .bf16
  ) throws -> (sources: [Tensor], forward: ConversionPlan, backward: ConversionPlan) {
    let planner = AdapterPlanner(
      config, AdapterOptions(targetDType: dtype, mtpPolicy: .preserve))
    let checkpoint = try TestCheckpoint.stateDict(planner.schema)
    let forward = try planner.fromHF(planner.schema)
    return (checkpoint.map(\.tensor), forward, try planner.toHF(forward.destinations))
  }

  private static func run(
    _ config: ModelConfig, _ sources: [Tensor], _ forward: ConversionPlan,
    _ backward: ConversionPlan, threads: Int? = nil
  ) throws -> CheckpointVerifier.Summary {
    try CheckpointVerifier(
      forward: forward, backward: backward, config: config, threads: threads
    ).run { sources[$0] }
  }

  @Test("A faultless conversion agrees, whatever the sizes, types and threads")
  func holds() throws {
    for (hidden, inter, dtype) in [(4, 5, DType.bf16), (6, 6, .f32), (1, 3, .f16)] {
      let config = try TestCheckpoint.config(experts: 11, hidden: hidden, inter: inter, mtp: 1)
      let (sources, forward, backward) = try Self.plans(config, dtype: dtype)
      var summaries: [CheckpointVerifier.Summary] = []
      for threads in [1, 2, 8] {
        summaries.append(
          try Self.run(config, sources, forward, backward, threads: threads))
      }
      #expect(summaries[0].disagreements.map(\.description) == [])
      #expect(summaries[0].expertTensorCount == 2 * 3 * 11)
      #expect(summaries[0].sampledElementCount > 0)
      #expect(summaries.allSatisfy { $0 == summaries[0] })
    }
  }

  @Test("Halves exchanged in both directions come back, but not by the index formula")
  func swappedHalves() throws {
    let config = try TestCheckpoint.config(hidden: 4, inter: 3)
    let (sources, there, back) = try Self.plans(config)
    var (forward, backward) = (there, back)
    let half = { (region: Region) in
      Region(
        view: region.view, lower: [region.lower[0], 0, 3 - region.lower[2]],
        extents: region.extents)
    }
    for index in forward.moves.indices where forward.moves[index].isGateOrUp(forward) {
      forward.moves[index].destinationRegion = half(forward.moves[index].destinationRegion)
    }
    for index in backward.moves.indices where backward.moves[index].sourceRegion.view.last == 6 {
      guard Self.isGroup(backward.sources[backward.moves[index].source].name) else { continue }
      backward.moves[index].sourceRegion = half(backward.moves[index].sourceRegion)
    }
    let summary = try Self.run(config, sources, forward, backward)
    #expect(Set(summary.disagreements.map(\.law)) == [.placed])
    let tensors = Set(summary.disagreements.map(\.tensor))
    #expect(tensors == ["model.layers.1.mlp.experts.gate_and_up_projs"])
  }

  @Test("A way back that takes one expert for another is named with both bit patterns")
  func exchangedExperts() throws {
    let config = try TestCheckpoint.config(hidden: 4, inter: 3)
    let (sources, forward, original) = try Self.plans(config)
    var backward = original
    let down = backward.moves.indices.filter {
      backward.destinations[backward.moves[$0].destination].name.text.hasSuffix(
        "experts.0.down_proj.weight")
        || backward.destinations[backward.moves[$0].destination].name.text.hasSuffix(
          "experts.1.down_proj.weight")
    }
    try #require(down.count == 2)
    let first = backward.moves[down[0]].destination
    backward.moves[down[0]].destination = backward.moves[down[1]].destination
    backward.moves[down[1]].destination = first
    let summary = try Self.run(config, sources, forward, backward)
    let found = summary.disagreements.map { "\($0.law) \($0.tensor)" }
    #expect(
      found == [
        "returned model.layers.1.mlp.experts.0.down_proj.weight",
        "returned model.layers.1.mlp.experts.1.down_proj.weight",
      ])
    #expect(summary.disagreements.allSatisfy { $0.detail.contains("0x") })
  }

  @Test("An error of the source ends the run")
  func sourceError() throws {
    struct Gone: Error {}
    let config = try TestCheckpoint.config()
    let (_, forward, backward) = try Self.plans(config)
    let verifier = CheckpointVerifier(forward: forward, backward: backward, config: config)
    #expect(throws: Gone.self) { try verifier.run { _ in throw Gone() } }
  }
}

extension TensorMove {
  /// Whether the move fills a half of a grouped gate and up tensor.
  fileprivate func isGateOrUp(_ plan: ConversionPlan) -> Bool {
    plan.destinations[destination].name.text.hasSuffix("gate_and_up_projs")
  }
}
