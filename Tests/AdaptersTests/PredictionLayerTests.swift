// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
import Tensors
import Testing

@Suite("Prediction layers do not depend on the kinds of the decoder layers")
struct PredictionLayerTests {
  private let own = ["eh_proj", "enorm", "hnorm", "final_layernorm"].map { "\($0).weight" }

  @Test("A prediction layer has experts, also after dense layers only")
  func schema() throws {
    func names(_ layers: [LayerKind]) throws -> [TensorName] {
      try ModelSchema(TestCheckpoint.config(layers: layers, mtp: 1)).tensors().map(\.name)
        .filter { $0.text.hasPrefix("model.layers.2.") }
    }
    let expected = try names([.sparse, .sparse])
    #expect(expected.filter { $0.text.contains(".mlp.experts.") }.count == 9)
    #expect(try names([.dense, .dense]) == expected)

    let config = try TestCheckpoint.config(layers: [.dense, .dense], mtp: 1)
    let adapter = StateDictAdapter(
      config: config, options: AdapterOptions(mtpPolicy: .preserve))
    let checkpoint = try TestCheckpoint.stateDict(config)
    let native = try adapter.fromHF(checkpoint)
    #expect(native["model.layers.2.mlp.experts.down_projs"]?.shape == [3, 5, 4])
    let difference = firstDifference(
      try adapter.toHF(native).ordered(as: checkpoint), checkpoint)
    #expect(difference == nil)
  }

  @Test("A decoder layer that the config does not count is not dropped, whatever the others are")
  func uncounted() throws {
    for layers in [[.sparse, .sparse], [.dense, .dense], [.dense, .sparse]] as [[LayerKind]] {
      let config = try TestCheckpoint.config(layers: layers, mtp: 1)
      let names = own.map { TensorName("model.layers.2.\($0)") }
      let fault = PlantedFault(
        name: "", config: config,
        stateDict: try TestCheckpoint.stateDict(config).filter { !names.contains($0) },
        offences: [Offence(.missingTensor, names[0])])
      let misjudged = fault.misjudged {
        try StateDictAdapter(config: $0.config).fromHF($0.stateDict)
      }
      #expect(misjudged == nil, "\(layers)")
    }
  }
}
