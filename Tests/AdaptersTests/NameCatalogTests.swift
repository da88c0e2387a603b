// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Layouts
import Tensors
import Testing

@testable import Adapters

@Suite("The catalog numbers every name of a config, on disk and native")
struct NameCatalogTests {
  private func catalog(_ activation: ExpertActivation = .swiglu) throws -> NameCatalog {
    let config = try ModelConfig(
      vocabularySize: 5, hiddenSize: 4, denseIntermediateSize: 6, moeIntermediateSize: 3,
      expertCount: 11, layerKinds: [.dense, .sparse], mtpLayerCount: 1, attentionHeadCount: 1,
      keyValueHeadCount: 1, headSize: 2)
    return AdapterPlanner(config, AdapterOptions(activation: activation)).catalog
  }

  @Test("Each number has one name, and the name that number")
  func numbers() throws {
    let catalog = try catalog()
    let names = (0..<catalog.count).map { catalog.name(of: $0) }
    #expect(Set(names).count == names.count)
    let wrong = names.indices.filter { catalog.number(of: names[$0]) != $0 }
    #expect(wrong.isEmpty)
    #expect(catalog.schema.map(\.name) == Array(names.prefix(catalog.schema.count)))
    #expect(catalog.number(of: "model.layers.1.mlp.experts.11.up_proj.weight") == nil)
    #expect(catalog.number(of: "model.layers.01.input_layernorm.weight") == nil)
  }

  @Test(
    "The native name of each kind of tensor",
    arguments: [
      ("lm_head.weight", "lm_head.weight"),
      ("model.layers.0.mlp.gate_proj.weight", "model.layers.0.mlp.gate_proj.weight"),
      ("model.layers.1.mlp.expert_bias", "model.layers.1.mlp.gate.e_score_correction_bias"),
      ("model.layers.1.mlp.router.gate.weight", "model.layers.1.mlp.gate.weight"),
      (
        "model.layers.2.mlp.shared_mlp.up_proj.weight",
        "model.layers.2.mlp.shared_experts.up_proj.weight"
      ),
      (
        "model.layers.2.mlp.experts.10.gate_proj.weight",
        "model.layers.2.mlp.experts.gate_and_up_projs"
      ),
      (
        "model.layers.1.mlp.experts.2.down_proj.weight", "model.layers.1.mlp.experts.down_projs"
      ),
    ] as [(TensorName, TensorName)])
  func natives(onDisk: TensorName, native: TensorName) throws {
    let catalog = try catalog()
    let number = try #require(catalog.number(of: onDisk))
    #expect(catalog.name(of: catalog.native(of: number)) == native)
  }

  @Test("Groups have their parts by expert, in the order of the rule")
  func parts() throws {
    for (activation, projections) in [
      (ExpertActivation.swiglu, ["gate_proj", "up_proj"]), (.relu2, ["up_proj"]),
    ] {
      let catalog = try catalog(activation)
      let native = "model.layers.2.mlp.experts.gate_and_up_projs"
      let group = try #require(
        catalog.groups.first { catalog.name(of: $0.native).text == native })
      let expected = (0..<11).flatMap { expert in
        projections.map { TensorName("model.layers.2.mlp.experts.\(expert).\($0).weight") }
      }
      #expect(group.parts.map { catalog.name(of: $0) } == expected)
      let companions = group.companions.map { catalog.name(of: catalog.groups[$0].native).text }
      #expect(companions == [native, "model.layers.2.mlp.experts.down_projs"])
    }
  }

  @Test("The names of multi-token prediction layers are those of the layers after the decoder")
  func mtp() throws {
    let catalog = try catalog()
    let names = catalog.schema.map(\.name.text)
    let numbers = names.indices.filter { names[$0].hasPrefix("model.layers.2.") }
    #expect(Array(catalog.mtp) == numbers)
  }

  @Test("A prediction layer is told by what it has and what decoder layers have not")
  func predictionLayers() throws {
    let catalog = try catalog()
    let layer = try #require(catalog.predictionLayers.first)
    #expect(catalog.predictionLayers.count == 1)
    #expect(catalog.name(of: layer.common) == "model.layers.2.input_layernorm.weight")
    #expect(
      layer.own.map { catalog.name(of: $0).text }
        == ["eh_proj", "enorm", "hnorm", "final_layernorm"].map { "model.layers.2.\($0).weight" })
  }
}
