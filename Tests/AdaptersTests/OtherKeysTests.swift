// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
import Tensors
import Testing

@Suite("Keys that no rule knows keep their names, and scales go with their weights")
struct OtherKeysTests {
  private let base: TensorName = "model.layers.1.mlp."
  private let config: ModelConfig
  private let adapter: StateDictAdapter
  private let checkpoint: StateDict

  init() throws {
    config = try TestCheckpoint.config()
    adapter = StateDictAdapter(config: config)
    checkpoint = try TestCheckpoint.stateDict(config)
  }

  @Test("Keys that begin with, or contain, a renamed key are others")
  func similarNames() throws {
    let names: [TensorName] = [
      "\(base)expert_bias_ema", "\(base)expert_bias.ema", "\(base)router.gate.weight_ema",
      "\(base)gate.weight_ema", "\(base)gate.e_score_correction_bias.ema",
      "visual.blocks.0.mlp.expert_bias_ema", "visual.mlp.gate.weight_ema",
      "visual.layers.1.mlp.router.gate.weight.ema",
    ]
    let more = try names.reduce(checkpoint) { try $0.adding($1, [2]) }
    let native = try adapter.fromHF(more)
    #expect(native.infos.map(\.name).suffix(names.count) == names[...])
    let difference = firstDifference(try adapter.toHF(native).ordered(as: more), more)
    #expect(difference == nil)
  }

  @Test("Tensors of any number of axes pass")
  func axes() throws {
    let more = try (0...7).reduce(checkpoint) { stateDict, rank in
      try stateDict.adding(
        "visual.patch_embed.\(rank)", Shape((0..<rank).map { $0 == rank / 2 ? 3 : 1 }))
    }
    let difference = firstDifference(
      try adapter.toHF(adapter.fromHF(more)).ordered(as: more), more)
    #expect(difference == nil)
  }

  @Test("A scale stays where its weight's name on disk is excluded")
  func excludedWeights() throws {
    for tail in ["router.gate.weight", "experts.1.down_proj.weight"] {
      let scale: TensorName = "\(base)\(tail)_scale"
      let native = try adapter.fromHF(checkpoint.adding(scale, [1]))
      let back = try adapter.toHF(native, excluding: ".*\(tail)$")
      #expect(back[scale] != nil, "\(scale)")
      #expect(back["\(base)\(tail)"] == nil, "\(scale)")
    }
  }

  @Test("A scale in native form is refused for its own weight's absence only")
  func orphans() throws {
    let native = try adapter.fromHF(checkpoint)
    let (pair, down) = ("\(base)experts.gate_and_up_projs", "\(base)experts.down_projs")
    let downScale: TensorName = "\(base)experts.0.down_proj.weight_scale"
    let onDisk: TensorName = "\(base)experts.0.down_proj.weight"
    // The module's name is as long as that of the experts.
    let similar: TensorName = "\(base)adapter.0.gate_proj.weight_scale"
    #expect("mlp.adapter.".count == "mlp.experts.".count)
    let cases: [(StateDict, Set<Offence>)] = [
      (try native.adding(similar, [1]), [Offence(.scaleWithoutWeight, similar)]),
      (
        try native.filter { $0.text == pair }.adding(downScale, [1]),
        [Offence(.scaleWithoutWeight, downScale), Offence(.missingTensor, TensorName(down))]
      ),
      (
        try StateDict().adding(onDisk, [4, 5]).adding(downScale, [1]),
        [Offence(.foreignLayout, onDisk)]
      ),
    ]
    for (stateDict, offences) in cases {
      let fault = PlantedFault(
        name: "", config: config, options: AdapterOptions(completeness: .presentGroups),
        stateDict: stateDict, offences: offences)
      let misjudged = fault.misjudged {
        try StateDictAdapter(config: config, options: $0.options).toHF($0.stateDict)
      }
      #expect(misjudged == nil, "\(stateDict.names)")
    }
  }
}
