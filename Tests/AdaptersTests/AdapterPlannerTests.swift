// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
import Tensors
import Testing

@Suite("Multi-token prediction layers are told apart, dropped or preserved")
struct AdapterPlannerTests {
  @Test("A key is an MTP key if its layer lies after the decoder layers")
  func isMTPKey() throws {
    let config = try TestCheckpoint.config(mtp: 1)
    let adapter = StateDictAdapter(config: config)
    // The answers of upstream's `_is_mtp_key` for two decoder layers.
    let answers: [(TensorName, Bool)] = [
      ("model.layers.0.input_layernorm.weight", false),
      ("model.layers.1.mlp.experts.0.up_proj.weight", false),
      ("model.layers.2.eh_proj.weight", true), ("model.layers.3.eh_proj.weight", true),
      ("layers.1.x", false), ("layers.2.x", true), ("layers.2.", true), ("layers.2", false),
      ("model.layers.02.x", true), ("model.layers.01.x", false), ("model.layers.10.x", true),
      ("model.layers.99999999999999999999.x", true),
      ("model.layers.00000000000000000000000001.x", false),
      ("model.layers.-2.x", false), ("model.layers.+2.x", false), ("model.layers.2x.y", false),
      ("model.layers..x", false), ("model.layers.x.layers.2.y", false),
      ("mtp.layers.2.x", false), ("language_model.layers.2.x", false),
      ("model.language_model.layers.2.x", false), ("model.model.layers.2.x", false),
      ("base_model.model.model.layers.2.x", false), ("model.mtp_layers.2.x", false),
      ("xlayers.2.x", false), ("modelxlayers.2.x", false), ("model.layers", false),
      ("lm_head.weight", false), ("", false),
    ]
    for (name, expected) in answers {
      #expect(adapter.isMTPKey(name) == expected, "'\(name)'")
    }
    // A stated prefix is the model's own.
    for prefix in ModelPrefix.allCases {
      let adapter = StateDictAdapter(
        config: config, options: AdapterOptions(prefix: prefix))
      #expect(adapter.isMTPKey("\(prefix.rawValue)layers.2.x"), "\(prefix)")
      #expect(!adapter.isMTPKey("\(prefix.rawValue)layers.1.x"), "\(prefix)")
    }
  }

  @Test("Dropping gives what the checkpoint without MTP layers gives; preserving keeps them")
  func policies() throws {
    for prefix in ModelPrefix.allCases {
      let config = try TestCheckpoint.config(mtp: 2)
      let checkpoint = try TestCheckpoint.stateDict(config, prefix: prefix)
      func native(_ policy: MTPPolicy, _ stateDict: StateDict) throws -> StateDict {
        try StateDictAdapter(
          config: config, options: AdapterOptions(prefix: prefix, mtpPolicy: policy)
        ).fromHF(stateDict)
      }
      let adapter = StateDictAdapter(config: config, options: AdapterOptions(prefix: prefix))
      let without = checkpoint.filter { !adapter.isMTPKey($0) }
      #expect(without.count < checkpoint.count)
      let dropped = try native(.drop, checkpoint)
      let difference = firstDifference(dropped, try native(.drop, without))
      #expect(difference == nil, "\(prefix)")

      let preserved = try native(.preserve, checkpoint)
      let kept = firstDifference(preserved.filter { !adapter.isMTPKey($0) }, dropped)
      #expect(kept == nil, "\(prefix)")
      for layer in 2...3 {
        let base = "\(prefix.rawValue)layers.\(layer)."
        #expect(preserved[TensorName("\(base)mlp.experts.down_projs")]?.shape == [3, 5, 4])
        #expect(
          preserved[TensorName("\(base)eh_proj.weight")]
            == checkpoint[TensorName("\(base)eh_proj.weight")])
      }
    }
  }

  @Test("Every source is moved, or left out for a reason")
  func omissions() throws {
    let config = try TestCheckpoint.config(experts: 4, mtp: 1)
    let rank = try ExpertParallelism(rank: 1, size: 3)
    let plan = try AdapterPlanner(config).fromHF(
      ModelSchema(config).tensors(), expertParallelism: rank)
    let moved = Set(plan.moves.map(\.source))
    let omitted = plan.omissions.map(\.source)
    #expect(moved.isDisjoint(with: omitted))
    #expect(moved.union(omitted).count == plan.sources.count)
    #expect(omitted == omitted.sorted())
    for (source, reason) in plan.omissions {
      let isMTP = plan.sources[source].name.text.hasPrefix("model.layers.2.")
      #expect(reason == (isMTP ? .mtpLayer : .otherRank), "\(plan.sources[source])")
    }
  }
}
