// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
import Tensors
import Testing

@Suite("A plan says of every source that is left out why")
struct OmissionsTests {
  private let config: ModelConfig
  private let planner: AdapterPlanner

  init() throws {
    config = try TestCheckpoint.config(layers: [.dense, .sparse, .sparse], mtp: 1)
    planner = AdapterPlanner(config)
  }

  /// The names of the sources left out for a reason, in the order of the plan.
  private func omitted(
    _ plan: ConversionPlan, _ reason: ConversionPlan.Omission
  ) -> [TensorName] {
    plan.omissions.filter { $0.reason == reason }.map { plan.sources[$0.source].name }
  }

  @Test("Keys of a dropped prediction layer, those outside the schema too")
  func predictionLayers() throws {
    let more: [TensorName] = [
      "model.layers.3.extra.weight", "model.layers.3.mlp.experts.0.up_proj.weight_scale",
      "layers.3.self_attn.q_proj.lora_A.weight",
    ]
    let sources = planner.schema + more.map { TensorInfo($0, .f32, [1]) }
    let plan = try planner.fromHF(sources)
    let expected = sources.map(\.name).filter { $0.text.contains("layers.3.") }
    #expect(omitted(plan, .mtpLayer) == expected)
    #expect(plan.omissions.count == expected.count)
  }

  @Test("Experts of another rank, and their scales")
  func otherRanks() throws {
    let scales = (0..<3).map { TensorName("model.layers.1.mlp.experts.\($0).up_proj.weight_scale") }
    let sources = planner.schema + scales.map { TensorInfo($0, .f32, [1]) }
    let plan = try planner.fromHF(
      sources, expertParallelism: ExpertParallelism(rank: 0, size: 2))
    let expected = sources.map(\.name).filter {
      $0.text.contains(".experts.2.") && !$0.text.contains("layers.3.")
    }
    #expect(expected.contains(scales[2]))
    #expect(omitted(plan, .otherRank) == expected)
  }

  @Test("What an exclusion takes whole or in part")
  func exclusions() throws {
    let schema = planner.schema
    let native = try planner.fromHF(schema).destinations
    let factors = try LoRATests.factors(config, rank: 2, prefix: "base_model.model.model.").infos
    let grouped = try planner.fromHF(factors).destinations
    let experts = "model.layers.1.mlp.experts."
    let lora = "base_model.model.model.layers.1.mlp.experts.lora_"
    let cases: [(pattern: String, names: [TensorName])] = [
      ("nothing", []), ("lm_head", ["lm_head.weight"]),
      (".*layers\\.1\\.mlp\\.router", ["model.layers.1.mlp.gate.weight"]),
      (".*layers\\.1\\..*experts\\.0\\.gate_proj\\.weight", ["\(experts)gate_and_up_projs"]),
      (".*layers\\.1\\..*experts\\.2\\.up_proj\\.weight", ["\(experts)gate_and_up_projs"]),
      (".*layers\\.1\\..*experts\\.\\d\\.down_proj\\.weight", ["\(experts)down_projs"]),
      (".*layers\\.1\\..*experts\\.0\\.gate_proj\\.lora_A", ["\(lora)gate_and_up_A"]),
      (".*layers\\.1\\..*experts\\.2\\.up_proj\\.lora_A", ["\(lora)gate_and_up_A"]),
      (".*layers\\.1\\..*experts\\.1\\..*lora_B", ["\(lora)gate_and_up_B", "\(lora)down_B"]),
    ]
    for (pattern, names) in cases {
      let exclusion = try ExclusionPattern(pattern)
      let found = try [native, grouped].flatMap {
        try omitted(planner.toHF($0, excluding: exclusion), .excluded)
      }
      #expect(found == names, "\(pattern)")
    }
  }
}
