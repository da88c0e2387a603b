// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
import Tensors
import Testing

@Suite("Per-expert LoRA factors are grouped and come back")
struct LoRATests {
  private let prefix = "base_model.model.model."
  private let config: ModelConfig
  private let adapter: StateDictAdapter
  private let valid: StateDict
  private let rank = 2

  init() throws {
    config = try TestCheckpoint.config(layers: [.dense, .sparse, .sparse])
    adapter = StateDictAdapter(config: config)
    valid = try Self.factors(config, rank: rank, prefix: prefix)
  }

  /// The factors of both sparse layers; the A factors of gate and up are the same.
  static func factors(
    _ config: ModelConfig, rank: Int, prefix: String, isGated: Bool = true
  ) throws -> StateDict {
    let (hidden, inter) = (config.hiddenSize, config.moeIntermediateSize)
    var infos: [TensorInfo] = []
    for layer in 1...2 {
      for expert in 0..<config.expertCount {
        for projection in isGated ? ["gate", "up", "down"] : ["up", "down"] {
          let (rows, columns) = projection == "down" ? (hidden, inter) : (inter, hidden)
          let base = "\(prefix)layers.\(layer).mlp.experts.\(expert).\(projection)_proj.lora_"
          infos.append(TensorInfo(TensorName("\(base)A.weight"), .f32, [rank, columns]))
          infos.append(TensorInfo(TensorName("\(base)B.weight"), .f32, [rows, rank]))
        }
      }
    }
    let all = try TestCheckpoint.stateDict(infos)
    return try StateDict(
      all.map { name, tensor in
        let gate = name.text.replacing("up_proj.lora_A", with: "gate_proj.lora_A")
        return (name, all[TensorName(gate)] ?? tensor)
      })
  }

  private func key(_ expert: Int, _ rest: String, layer: Int = 1) -> TensorName {
    TensorName("\(prefix)layers.\(layer).mlp.experts.\(expert).\(rest).weight")
  }

  @Test("There and back is the identity, gated and not")
  func roundTrip() throws {
    for activation in ExpertActivation.allCases {
      let adapter = StateDictAdapter(
        config: config, options: AdapterOptions(activation: activation))
      let factors = try Self.factors(
        config, rank: rank, prefix: prefix, isGated: activation.isGated)
      let native = try adapter.fromHF(factors)
      let back = try adapter.toHF(native)
      let sorted = try StateDict(
        factors.names.compactMap { name in back[name].map { (name, $0) } })
      let difference = firstDifference(sorted, factors)
      #expect(difference == nil && back.count == factors.count, "\(activation)")
      #expect(native.count == 8, "\(activation)")
    }
  }

  @Test("Each native element is the element on disk that the index formula names")
  func indexLaw() throws {
    let native = try adapter.fromHF(valid)
    let (hidden, inter) = (config.hiddenSize, config.moeIntermediateSize)
    let base = "\(prefix)layers.2.mlp.experts.lora_"
    // The projection whose rows stand in the columns from an offset on.
    typealias Law = (
      native: String, onDisk: String, columns: Int, rows: Int, offset: Int, width: Int
    )
    let laws: [Law] = [
      ("gate_and_up_A", "gate_proj.lora_A", hidden, rank, 0, rank),
      ("gate_and_up_A", "up_proj.lora_A", hidden, rank, 0, rank),
      ("gate_and_up_B", "gate_proj.lora_B", rank, inter, 0, 2 * inter),
      ("gate_and_up_B", "up_proj.lora_B", rank, inter, inter, 2 * inter),
      ("down_A", "down_proj.lora_A", inter, rank, 0, rank),
      ("down_B", "down_proj.lora_B", rank, hidden, 0, hidden),
    ]
    for law in laws {
      let grouped = try #require(native[TensorName(base + law.native)])
      #expect(grouped.shape == [3, law.columns, law.width] && grouped.dtype == .f32)
      var wrong = 0
      for expert in 0..<3 {
        let part = try #require(valid[key(expert, law.onDisk, layer: 2)])
        for column in 0..<law.columns {
          for row in 0..<law.rows {
            let place = (expert * law.columns + column) * law.width + law.offset + row
            if grouped.bits(at: place) != part.bits(at: row * law.columns + column) { wrong += 1 }
          }
        }
      }
      #expect(wrong == 0, "\(law.native) from \(law.onDisk)")
    }
  }

  @Test("LoRA factors are not distributed over expert-parallel ranks")
  func ranks() throws {
    let whole = try adapter.fromHF(valid)
    for rank in 0..<4 {
      let parallelism = try ExpertParallelism(rank: rank, size: 4)
      let difference = firstDifference(
        try adapter.fromHF(valid, expertParallelism: parallelism), whole)
      #expect(difference == nil, "rank \(rank)")
    }
  }

  @Test("Groups that are not whole, or whose members do not fit, are refused")
  func faults() throws {
    let base = "layers.1.mlp.experts"
    let names = valid.names
    func fault(_ name: String, _ stateDict: StateDict, _ offences: Set<Offence>) -> PlantedFault {
      PlantedFault(name: name, config: config, stateDict: stateDict, offences: offences)
    }
    func select(_ suffix: String) -> [TensorName] {
      names.filter { $0.text.contains(base) && $0.text.hasSuffix(suffix) }
    }
    let last = valid.filter { !$0.text.contains("\(base).2.") }
    let skipping = try valid.renaming {
      TensorName($0.text.replacing("experts.2.", with: "experts.7."))
    }
    let (upA, downB) = (key(1, "up_proj.lora_A"), key(0, "down_proj.lora_B"))
    let allDownA = select("down_proj.lora_A.weight")
    let thick = try allDownA.reduce(valid) { try $0.reshaping($1, [3, 5]) }
    var faults = [
      fault(
        "an expert missing", last, .all(.incompleteLoRA, names.filter { last[$0] == nil })),
      fault("one factor missing", valid.without(upA), [Offence(.incompleteLoRA, upA)]),
      fault("another rank", try valid.reshaping(upA, [3, 4]), [Offence(.wrongShape, upA)]),
      fault(
        "the first of another rank", try valid.reshaping(downB, [4, 3]),
        [Offence(.wrongShape, downB)]),
      fault("no matrix", try valid.reshaping(downB, [8]), [Offence(.wrongShape, downB)]),
      fault(
        "a size whose product overflows", try valid.reshaping(upA, [1 << 62, 0]),
        [Offence(.wrongShape, upA)]),
      fault("other columns", try valid.reshaping(upA, [2, 5]), [Offence(.wrongShape, upA)]),
      fault(
        "another type", try valid.reshaping(downB, [4, 2], .bf16), [Offence(.wrongDType, downB)]),
      fault(
        "A without B", valid.filter { !$0.text.hasSuffix("down_proj.lora_B.weight") },
        .all(.incompleteLoRA, names.filter { $0.text.hasSuffix("down_proj.lora_B.weight") })),
      fault("A and B of different ranks", thick, .all(.wrongShape, allDownA)),
      fault(
        "a layer that the config does not have",
        try valid.adding("\(prefix)layers.3.self_attn.q_proj.lora_A.weight", [2, 4]),
        [Offence(.surplusLayer, "\(prefix)layers.3.self_attn.q_proj.lora_A.weight")]),
    ]
    // Upstream counts members only, and takes experts 0, 1 and 7 for three experts.
    var sevens = fault("experts 0, 1 and 7", skipping, [])
    sevens.offences = .all(.incompleteLoRA, names.filter { $0.text.contains("experts.2.") })
    sevens.offences.formUnion(
      Set<Offence>.all(.surplusExpert, skipping.names.filter { $0.text.contains("experts.7.") }))
    faults.append(sevens)
    for fault in faults {
      let misjudged = fault.misjudged { try adapter.fromHF($0.stateDict) }
      #expect(misjudged == nil, "\(fault.name)")
    }
  }

  @Test("Every up factor A that differs from its gate's is named")
  func differentFactors() throws {
    let changed = [key(0, "up_proj.lora_A"), key(2, "up_proj.lora_A", layer: 2)]
    let wrong = try changed.reduce(valid) { try $0.reshaping($1, [2, 4]) }
    let fault = PlantedFault(
      name: "", config: config, stateDict: wrong, offences: .all(.differentLoRAFactors, changed))
    let executed = fault.misjudged { try adapter.fromHF($0.stateDict) }
    #expect(executed == nil)
    let streamed = fault.misjudged {
      let plan = try adapter.planner.fromHF($0.stateDict.infos)
      try PlanStreamer(plan).run(source: { wrong[$0].tensor }, into: { _, _, _ in })
      return StateDict()
    }
    #expect(streamed == nil)
  }

  @Test("Native factors without partners, or of different ranks, are refused")
  func nativeFaults() throws {
    let native = try adapter.fromHF(valid)
    let base = "\(prefix)layers.1.mlp.experts.lora_"
    let beside = try StateDict(
      Array(adapter.fromHF(TestCheckpoint.stateDict(config))) + Array(native))
    for stateDict in [native, beside] {
      for (name, partner) in [("down_A", "down_B"), ("gate_and_up_B", "gate_and_up_A")] {
        let present = TensorName(base + name)
        var faults = [
          PlantedFault(
            name: "no \(present)", config: config, stateDict: stateDict.without(present),
            offences: [Offence(.missingTensor, present)])
        ]
        if name == "down_A" {
          faults.append(
            PlantedFault(
              name: "rank", config: config,
              stateDict: try stateDict.reshaping(present, [3, 5, 3]),
              offences: [Offence(.wrongShape, present)]))
        }
        for fault in faults {
          let misjudged = fault.misjudged { try adapter.toHF($0.stateDict) }
          #expect(misjudged == nil, "\(fault.name), partner \(partner)")
        }
      }
    }
  }
}
