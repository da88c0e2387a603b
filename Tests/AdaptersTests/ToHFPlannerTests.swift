// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
import Tensors
import Testing

@Suite("A wrong native state dict is refused, and exclusion removes keys as asked")
struct ToHFPlannerTests {
  private let base: TensorName = "model.layers.1.mlp."
  private let config: ModelConfig
  private let adapter: StateDictAdapter
  private let valid: StateDict

  init() throws {
    config = try TestCheckpoint.config(layers: [.dense, .sparse, .sparse], mtp: 1)
    adapter = StateDictAdapter(config: config)
    valid = try adapter.fromHF(TestCheckpoint.stateDict(config))
  }

  private func expect(_ faults: [PlantedFault]) {
    for fault in faults {
      let misjudged = fault.misjudged {
        try StateDictAdapter(config: $0.config, options: $0.options)
          .toHF($0.stateDict, expertParallelism: $0.parallelism)
      }
      #expect(misjudged == nil, "\(fault.name)")
    }
  }

  private func fault(_ name: String, _ stateDict: StateDict, _ offences: Set<Offence>)
    -> PlantedFault
  {
    PlantedFault(name: name, config: config, stateDict: stateDict, offences: offences)
  }

  @Test("Missing native tensors are named by their native names")
  func missing() throws {
    let names: [TensorName] = [
      "lm_head.weight", "model.layers.2.self_attn.v_proj.weight", "\(base)gate.weight",
      "\(base)gate.e_score_correction_bias", "\(base)shared_experts.down_proj.weight",
      "\(base)experts.gate_and_up_projs", "\(base)experts.down_projs",
    ]
    expect(names.map { fault("no \($0)", valid.without($0), [Offence(.missingTensor, $0)]) })
    expect([
      fault(
        "two missing", valid.without(names[2], names[6]),
        .all(.missingTensor, [names[2], names[6]]))
    ])
    var partial = valid.filter { $0 == names[5] }
    for (present, absent) in [(names[5], names[6]), (names[6], names[5])] {
      partial = valid.filter { $0 == present }
      var lonely = fault("only \(present)", partial, [Offence(.missingTensor, absent)])
      lonely.options.completeness = .presentGroups
      expect([lonely])
    }
    let empty = Set(valid.names)
    expect([fault("nothing at all", StateDict(), .all(.missingTensor, empty))])
  }

  @Test("Wrong shapes, also those that an adapter without checks would take")
  func shapes() throws {
    let wrong: [(String, Shape)] = [
      ("gate.weight", [4, 3]), ("gate.e_score_correction_bias", [2]),
      ("shared_experts.up_proj.weight", [4, 5]), ("experts.gate_and_up_projs", [2, 4, 10]),
      ("experts.gate_and_up_projs", [4, 4, 10]), ("experts.gate_and_up_projs", [3, 10, 4]),
      ("experts.gate_and_up_projs", [3, 4, 5]), ("experts.gate_and_up_projs", [12, 10]),
      ("experts.down_projs", [3, 4, 5]), ("experts.down_projs", [3, 5, 5]),
      ("experts.down_projs", [60]), ("experts.down_projs", []), ("experts.down_projs", [0, 5, 4]),
    ]
    expect(
      try wrong.map { tail, shape in
        let name: TensorName = "\(base)\(tail)"
        return fault(
          "\(tail) \(shape)", try valid.reshaping(name, shape),
          [Offence(.wrongShape, name)])
      })
  }

  @Test("Keys of the layout on disk, of other layers, of other prefixes")
  func names() throws {
    let added: [(TensorName, Problem.Code)] = [
      ("\(base)expert_bias", .foreignLayout), ("\(base)router.gate.weight", .foreignLayout),
      ("\(base)shared_mlp.up_proj.weight", .foreignLayout),
      ("\(base)experts.0.up_proj.weight", .foreignLayout),
      ("\(base)experts.gate_up_proj", .foreignLayout),
      ("\(base)experts.lora_A.weight", .foreignLayout),
      ("\(base)experts.gate_projs", .unknownExpertKey),
      ("\(base)experts.gate_up_proj_bias", .unknownExpertKey),
      ("\(base)experts.down_projs.weight", .unknownExpertKey),
      ("\(base)experts.0.up_proj.bias", .unknownExpertKey),
      ("model.layers.0.mlp.experts.down_projs", .expertsInDenseLayer),
      ("model.layers.0.mlp.gate.weight", .expertsInDenseLayer),
      ("model.layers.2.eh_proj.weight", .predictionTensorInDecoderLayer),
      ("model.layers.0.final_layernorm.weight", .predictionTensorInDecoderLayer),
      ("model.layers.4.mlp.experts.down_projs", .surplusLayer),
      ("model.layers.02.mlp.experts.down_projs", .nonCanonicalIndex),
      ("layers.1.mlp.experts.down_projs", .unknownPrefix),
      ("layers.1.self_attn.q_proj.weight", .unknownPrefix),
      ("visual.layers.1.mlp.gate.weight", .unknownPrefix),
      ("visual.mlp.shared_experts.up_proj.weight", .unknownPrefix),
      ("\(base)experts.3.up_proj.weight_scale", .surplusExpert),
      ("model.layers.1.self_attn.r_proj.weight_scale", .scaleWithoutWeight),
    ]
    expect(
      try added.map { name, code in
        fault("\(name)", try valid.adding(name, [1]), [Offence(code, name)])
      })
    let scale: TensorName = "model.layers.0.mlp.experts.0.down_proj.weight_scale"
    expect([
      fault(
        "\(scale)", try valid.adding(scale, [1]),
        [Offence(.expertsInDenseLayer, scale), Offence(.scaleWithoutWeight, scale)])
    ])
  }

  @Test("Grouped tensors that have no place are not asked for their partners")
  func partners() throws {
    let names: [(TensorName, Problem.Code)] = [
      ("visual.layers.1.mlp.experts.down_projs", .unknownPrefix),
      ("model.layers.01.mlp.experts.down_projs", .nonCanonicalIndex),
      ("model.layers.0.mlp.experts.down_projs", .expertsInDenseLayer),
      ("adapter.layers.01.mlp.experts.lora_down_A", .nonCanonicalIndex),
      ("adapter.layers.0.mlp.experts.lora_down_A", .expertsInDenseLayer),
      ("adapter.layers.4.mlp.experts.lora_down_A", .surplusLayer),
    ]
    expect(
      try names.map { name, code in
        var lone = fault("\(name)", try StateDict().adding(name, [3, 5, 2]), [Offence(code, name)])
        lone.options.completeness = .presentGroups
        return lone
      })
  }

  @Test("A rank's state dict holds its own experts and their scales only")
  func ranks() throws {
    let ranks = try (0..<2).map { try ExpertParallelism(rank: $0, size: 2) }
    let scale: (Int) -> TensorName = { "model.layers.1.mlp.experts.\($0).up_proj.weight_scale" }
    let checkpoint = try (0..<3).reduce(TestCheckpoint.stateDict(config)) {
      try $0.adding(scale($1), [1])
    }
    let first = try adapter.fromHF(checkpoint, expertParallelism: ranks[0])
    #expect(first[scale(1)] != nil && first[scale(2)] == nil)
    var foreign = fault(
      "a scale of rank 1", try first.adding(scale(2), [1]), [Offence(.surplusExpert, scale(2))])
    foreign.parallelism = ranks[0]
    let grouped = first.names.filter { $0.text.hasSuffix("_projs") }
    var other = fault("rank 0 taken for rank 1", first, .all(.wrongShape, grouped))
    other.parallelism = ranks[1]
    other.offences.formUnion(Set<Offence>.all(.surplusExpert, [scale(0), scale(1)]))
    expect([foreign, other])
  }

  @Test("Excluding is converting everything and leaving keys out")
  func exclusion() throws {
    let whole = try adapter.toHF(valid)
    let patterns = [
      "lm_head", "model\\.layers\\.1\\.", ".*experts\\.1\\.", ".*gate_proj", ".*_proj\\.weight$",
      "model", "weight", "nothing", ".*expert_bias",
      "model\\.layers\\.\\d+\\.mlp\\.experts\\.[02]\\.", "(?!model\\.layers\\.2)",
    ]
    var removed: [Int] = []
    for text in patterns {
      let pattern = try #require(try ExclusionPattern(text))
      let expected = whole.filter { !pattern.matches($0) }
      let difference = firstDifference(try adapter.toHF(valid, excluding: text), expected)
      #expect(difference == nil, "\(text)")
      removed.append(whole.count - expected.count)
    }
    // A pattern matches from the start of a key, so that 'weight' removes nothing.
    #expect(Array(removed[..<8]) == [1, 22, 6, 9, 39, 57, 0, 0], "\(whole.count) in all")
  }

  @Test("What is excluded need not be there")
  func excludedMissing() throws {
    let partial = valid.filter { !$0.text.contains("layers.1.mlp.experts.") }
    let back = try adapter.toHF(partial, excluding: ".*layers\\.1\\.mlp\\.experts\\.")
    #expect(back.count == (try adapter.toHF(valid)).count - 9)
  }

  @Test("Tensors converted one by one are those of the whole, in order, also with exclusion")
  func streaming() throws {
    for excluding in ["", ".*\\.0\\.", "lm_head"] {
      let streamed = try StateDict(
        valid.flatMap { name, tensor in
          try adapter.convertSingleTensorToHF(name, tensor, excluding: excluding)
            .map { ($0.name, $0.tensor) }
        })
      let whole = try adapter.toHF(valid, excluding: excluding)
      let difference = firstDifference(streamed, whole)
      #expect(difference == nil, "excluding '\(excluding)'")
    }
  }

  @Test("One tensor alone is refused where it is wrong in itself")
  func singleFaults() throws {
    let name: TensorName = "\(base)experts.down_projs"
    let wrong = try Tensor(.bf16, [3, 4, 5]) { UInt64($0) }
    let error = #expect(throws: AdapterError.self) {
      try adapter.convertSingleTensorToHF(name, wrong)
    }
    #expect(error?.problems.map { Offence($0.code, $0.subject) } == [Offence(.wrongShape, name)])
    let pattern = #expect(throws: AdapterError.self) {
      try adapter.convertSingleTensorToHF(name, wrong, excluding: "(")
    }
    #expect(
      pattern?.problems.map { Offence($0.code, $0.subject) } == [Offence(.invalidPattern, "(")])
  }
}
