// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
import Tensors
import Testing

@Suite("The adapters convert checkpoints as the layout says")
struct StateDictAdapterTests {
  @Test("Going to native form and back gives the checkpoint again, bit for bit")
  func roundTrip() throws {
    for experts in [1, 2, 3, 11] {
      for (hidden, inter) in [(4, 5), (4, 4), (8, 4), (1, 1), (1, 3)] {
        let config = try TestCheckpoint.config(
          experts: experts, hidden: hidden, inter: inter, mtp: 1)
        let adapter = StateDictAdapter(
          config: config, options: AdapterOptions(mtpPolicy: .preserve))
        let checkpoint = try TestCheckpoint.stateDict(config)
        let native = try adapter.fromHF(checkpoint)
        let back = try adapter.toHF(native)
        let sorted = try StateDict(
          checkpoint.names.compactMap { name in back[name].map { (name, $0) } })
        let difference = firstDifference(sorted, checkpoint)
        #expect(difference == nil, "E \(experts), H \(hidden), I \(inter)")
        #expect(back.count == checkpoint.count)
      }
    }
  }

  @Test("Keys that the config does not ask for go through, and come back")
  func unaskedKeys() throws {
    let config = try ModelConfig(
      vocabularySize: 7, hiddenSize: 4, denseIntermediateSize: 6, moeIntermediateSize: 5,
      expertCount: 3, sharedExpertCount: 0, layerKinds: [.dense, .sparse], attentionHeadCount: 2,
      keyValueHeadCount: 1, headSize: 3, hasExpertBias: false, tiesWordEmbeddings: true)
    let added: [(onDisk: TensorName, native: TensorName, shape: Shape)] = [
      ("lm_head.weight", "lm_head.weight", [9, 2]),
      ("model.layers.0.mlp.norm.weight", "model.layers.0.mlp.norm.weight", [3]),
      ("model.layers.1.mlp.gate.wg.weight", "model.layers.1.mlp.gate.wg.weight", [3, 4]),
      (
        "model.layers.1.mlp.expert_bias", "model.layers.1.mlp.gate.e_score_correction_bias", [2]
      ),
      (
        "model.layers.1.mlp.shared_mlp.up_proj.weight",
        "model.layers.1.mlp.shared_experts.up_proj.weight", [1, 1]
      ),
    ]
    let adapter = StateDictAdapter(config: config)
    let checkpoint = try added.reduce(TestCheckpoint.stateDict(config)) {
      try $0.adding($1.onDisk, $1.shape)
    }
    let native = try adapter.fromHF(checkpoint)
    let back = try adapter.toHF(native)
    for (onDisk, name, _) in added {
      #expect(native[name] == checkpoint[onDisk], "\(onDisk)")
      #expect(back[onDisk] == checkpoint[onDisk], "\(onDisk)")
    }
    #expect(back.count == checkpoint.count)
  }

  @Test("Each native expert element is the element on disk that the index formula names")
  func elementLaw() throws {
    for (hidden, inter) in [(4, 5), (4, 4), (6, 3)] {
      let config = try TestCheckpoint.config(experts: 12, hidden: hidden, inter: inter)
      let checkpoint = try TestCheckpoint.stateDict(config)
      let native = try StateDictAdapter(config: config).fromHF(checkpoint)
      let base = "model.layers.1.mlp.experts"
      let gateAndUp = try #require(native["\(base).gate_and_up_projs"])
      let down = try #require(native["\(base).down_projs"])
      #expect(gateAndUp.shape == [12, hidden, 2 * inter])
      #expect(down.shape == [12, inter, hidden])
      var mismatches: [String] = []
      for e in 0..<12 {
        let gate = try #require(checkpoint["\(base).\(e).gate_proj.weight"])
        let up = try #require(checkpoint["\(base).\(e).up_proj.weight"])
        let downOnDisk = try #require(checkpoint["\(base).\(e).down_proj.weight"])
        for h in 0..<hidden {
          for i in 0..<inter {
            let row = (e * hidden + h) * 2 * inter
            if gateAndUp.bits(at: row + i) != gate.bits(at: i * hidden + h) {
              mismatches.append("gate[\(e)][\(i), \(h)]")
            }
            if gateAndUp.bits(at: row + inter + i) != up.bits(at: i * hidden + h) {
              mismatches.append("up[\(e)][\(i), \(h)]")
            }
            if down.bits(at: (e * inter + i) * hidden + h) != downOnDisk.bits(at: h * inter + i) {
              mismatches.append("down[\(e)][\(h), \(i)]")
            }
          }
        }
      }
      #expect(mismatches.prefix(5) == [], "H \(hidden), I \(inter)")
    }
  }
}
