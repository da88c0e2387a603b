// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import AdapterLaws
import Adapters
internal import CheckpointGenerators
import Layouts
internal import StrictJSON
internal import Tensors

/// What is shown of a config at full size, where laws on generated checkpoints cannot go.
struct FullSizeProof {
  let config: ModelConfig
  let isOver: @Sendable () -> Bool

  /// A layer of fewer bytes takes no time that counts.
  static let smallLayer = 1 << 24

  /// What a phase has shown: nil if the campaign was told to end meanwhile.
  struct Outcome: Sendable {
    var tally: CampaignPhaseTally
    var failure: Failure?
  }

  private struct Ended: Error {}

  /// Proves the plan, or converts a layer.
  func outcome(of phase: CampaignPhase) throws -> Outcome? {
    if phase == .planProof { return try planProof() }
    return try ConfigScaling(config: config).fullLayer.flatMap(fullLayer)
  }

  /// Proves the plans of the reference adapter, there and back.
  private func planProof() throws -> Outcome? {
    let planner = planner(config)
    let forward = try planner.fromHF(planner.schema)
    if isOver() { return nil }
    let backward = try planner.toHF(forward.destinations)
    if isOver() { return nil }
    let proof = PlanProof(forward: forward, backward: backward, config: config)
    var tally = CampaignPhaseTally(phase: .planProof)
    tally.judged = 1
    tally.failed = proof.holds ? 0 : 1
    tally.note =
      "\(grouped(proof.movedElementCount)) elements in \(grouped(proof.moveCount)) moves"
    guard let fault = proof.faults.first else { return Outcome(tally: tally) }
    let failure = failure(
      .planProof, config, fault.law.statement, proof.faults.map(\.description))
    return Outcome(tally: tally, failure: failure)
  }

  /// Takes the experts of a layer to native form and back, one at a time.
  private func fullLayer(_ layer: ModelConfig) throws -> Outcome? {
    let planner = planner(layer)
    let infos = planner.schema
    let forward = try planner.fromHF(infos)
    let verifier = CheckpointVerifier(
      forward: forward, backward: try planner.toHF(forward.destinations), config: layer,
      threads: 1)
    let isOver = isOver
    do {
      let summary = try verifier.run { source in
        if isOver() { throw Ended() }
        return try SyntheticTensor.make(infos[source])
      }
      var tally = CampaignPhaseTally(phase: .fullLayer)
      tally.judged = 1
      tally.failed = summary.disagreements.isEmpty ? 0 : 1
      tally.note =
        "\(grouped(layer.expertCount)) experts of \(grouped(layer.hiddenSize)) x "
        + "\(grouped(layer.moeIntermediateSize)), \(grouped(summary.expertByteCount)) bytes"
      guard !summary.disagreements.isEmpty else { return Outcome(tally: tally) }
      let failure = failure(
        .fullLayer, layer, "every expert round-trips, bit for bit",
        summary.disagreements.map(\.description))
      return Outcome(tally: tally, failure: failure)
    } catch is Ended {
      return nil
    }
  }

  private func planner(_ config: ModelConfig) -> AdapterPlanner {
    AdapterPlanner(config, AdapterOptions(targetDType: config.dtype, mtpPolicy: .preserve))
  }

  private func failure(
    _ phase: CampaignPhase, _ config: ModelConfig, _ statement: String, _ faults: [String]
  ) -> Failure {
    let law = LawSummary(
      name: phase.rawValue, statement: statement, reason: phase.summary,
      brokenBy: "a plan that is right at small sizes only")
    let command = phase == .planProof ? ["prove"] : ["verify", "--synthetic"]
    return Failure(
      law: law, kind: "refuted", summary: faults.first ?? "",
      config: config.json, checkpoint: config.phrase, mismatch: faults,
      discovery: Failure.Discovery(phase: phase),
      replayCommand: shellCommand(["hymt2"] + command + ["--config", CampaignPlan.configName]),
      signature: phase.rawValue)
  }
}

extension ModelConfig {
  /// The numbers that matter, in one phrase.
  package var phrase: String {
    let dense = layerKinds.count { $0 == .dense }
    return "\(counted(hiddenLayerCount, "layer")) (\(dense) dense), \(mtpLayerCount) MTP, "
      + "\(counted(expertCount, "expert")) of \(grouped(hiddenSize)) x "
      + "\(grouped(moeIntermediateSize))" + (self[.sharedExperts].map { ", \($0) shared" } ?? "")
  }
}
