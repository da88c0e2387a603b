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
      let unknown = names.filter { TensorClass.of($0) == .other }
      #expect(unknown.isEmpty)
    }
  }

  @Test(
    "The class is what the tensor is",
    arguments: [
      ("model.layers.1.mlp.experts.0.gate_proj.weight", .gateProjection),
      ("model.layers.1.mlp.experts.0.down_proj.weight_scale", .scale),
      ("model.layers.1.mlp.shared_mlp.gate_proj.weight", .sharedExperts),
      ("model.layers.0.mlp.gate_proj.weight", .denseMLP),
      ("model.layers.1.mlp.gate.weight", .router),
      ("model.layers.1.mlp.gate.e_score_correction_bias", .expertBias),
      ("model.layers.1.mlp.experts.lora_gate_and_up_A", .loraA),
      ("base_model.model.model.layers.1.mlp.experts.base_layer.lora_B.weight", .loraB),
      ("model.layers.1.self_attn.q_norm.weight", .norm),
      ("model.layers.1.self_attn.q_proj.weight", .attention),
      ("something.else", .other),
    ] as [(TensorName, TensorClass)])
  func classes(name: TensorName, expected: TensorClass) {
    #expect(TensorClass.of(name) == expected)
  }
}
