// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import CheckpointGenerators
import Layouts
import Tensors
import Testing

@testable import AdapterLaws

@Suite("Classes of tensors")
struct TensorClassTests {
  @Test("Every tensor on disk and in native form has one")
  func all() throws {
    for layout in LoRASpec.Layout.allCases {
      let spec = try Sample.spec(
        try Sample.config(mtp: 1), AdapterOptions(mtpPolicy: .preserve),
        types: SourceTypes(experts: .f8E4M3, hasScales: true), lora: LoRASpec(layout, rank: 2))
      let onDisk = try Checkpoint(spec).stateDict()
      let names = Array(onDisk.names) + LayoutOracle(spec).native(of: onDisk).names
      let unknown = names.filter { TensorClass.of($0, spec.config.layout) == .other }
      #expect(unknown.isEmpty)
    }
  }

  @Test(
    "The class is what the tensor is",
    arguments: [
      ("hy_v3", "model.layers.1.mlp.experts.0.gate_proj.weight", .gateAndUp),
      ("hy_v3", "model.layers.1.mlp.experts.down_projs", .down),
      ("hy_v3", "model.layers.1.mlp.experts.0.down_proj.weight_scale", .companion),
      ("hy_v3", "model.layers.1.mlp.shared_mlp.gate_proj.weight", .sharedExpert),
      ("hy_v3", "model.layers.0.mlp.gate_proj.weight", .dense),
      ("hy_v3", "model.layers.1.mlp.gate.weight", .router),
      ("hy_v3", "model.layers.1.mlp.gate.e_score_correction_bias", .routerBias),
      ("hy_v3", "model.layers.1.mlp.experts.lora_gate_and_up_A", .loraA),
      (
        "hy_v3", "base_model.model.model.layers.1.mlp.experts.base_layer.lora_B.weight", .loraB
      ),
      ("hy_v3", "model.layers.1.self_attn.q_norm.weight", .norm),
      ("hy_v3", "model.layers.1.self_attn.q_proj.weight", .attention),
      ("hy_v3", "something.else", .other),
      ("minimax_m2", "model.layers.1.block_sparse_moe.experts.7.w2.weight", .down),
      ("minimax_m2", "model.layers.1.block_sparse_moe.gate.weight", .router),
      ("step3p5", "model.layers.1.moe.up_proj.weight", .gateAndUp),
      ("step3p5", "model.layers.1.share_expert.up_proj.weight", .sharedExpert),
      ("gpt_oss", "model.layers.1.mlp.experts.gate_and_up_projs", .gateAndUp),
      ("gpt_oss", "model.layers.1.mlp.experts.down_proj_bias", .down),
      ("deepseek_v3", "model.layers.9.eh_proj.weight", .prediction),
      ("glm_moe_dsa", "model.layers.1.self_attn.indexer.wk.weight", .attention),
      ("glm_moe_dsa", "model.layers.1.self_attn.indexer.k_norm.bias", .norm),
    ] as [(String, TensorName, TensorClass)])
  func classes(layout: String, name: TensorName, expected: TensorClass) throws {
    #expect(TensorClass.of(name, try Layout.named(layout)) == expected)
  }
}
