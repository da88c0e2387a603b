// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
import Tensors
import Testing

@Suite("A wrong checkpoint on disk is refused, with every offending key named")
struct FromHFPlannerTests {
  private let base: TensorName = "model.layers.1.mlp."
  private let config: ModelConfig
  private let valid: StateDict

  init() throws {
    // Layer 0 is dense, layers 1 and 2 are sparse, layer 3 predicts further tokens.
    config = try TestCheckpoint.config(layers: [.dense, .sparse, .sparse], mtp: 1)
    valid = try TestCheckpoint.stateDict(config)
  }

  private func expect(_ faults: [PlantedFault]) {
    for fault in faults {
      let misjudged = fault.misjudged {
        try StateDictAdapter(config: $0.config, options: $0.options)
          .fromHF($0.stateDict, expertParallelism: $0.parallelism)
      }
      #expect(misjudged == nil, "\(fault.name)")
    }
  }

  private func fault(_ name: String, _ stateDict: StateDict, _ offences: Set<Offence>)
    -> PlantedFault
  {
    PlantedFault(name: name, config: config, stateDict: stateDict, offences: offences)
  }

  private func expert(_ expert: Int, _ rest: String, layer: Int = 1) -> TensorName {
    TensorName("model.layers.\(layer).mlp.experts.\(expert).\(rest)")
  }

  @Test("The checkpoint without a fault is accepted, with each option that leaves it valid")
  func accepted() throws {
    for policy in MTPPolicy.allCases {
      for completeness in Completeness.allCases {
        let options = AdapterOptions(mtpPolicy: policy, completeness: completeness)
        let native = try StateDictAdapter(config: config, options: options).fromHF(valid)
        #expect(native["\(base)experts.down_projs"]?.shape == [3, 5, 4])
      }
    }
  }

  @Test("A key that only ends like a scale is none")
  func noScale() throws {
    let name: TensorName = "tower.myweight_scale"
    let more = try StateDict(
      valid.map { ($0.name, $0.tensor) } + [(name, Tensor(.f32, [1]) { _ in 1 })])
    let native = try StateDictAdapter(config: config).fromHF(more)
    #expect(native[name] != nil)
  }

  @Test("Missing tensors of every class")
  func missing() throws {
    let names: [TensorName] = [
      "model.embed_tokens.weight", "model.norm.weight", "lm_head.weight",
      "model.layers.0.input_layernorm.weight", "model.layers.0.mlp.down_proj.weight",
      "model.layers.1.self_attn.q_proj.weight", "model.layers.2.self_attn.k_norm.weight",
      "\(base)router.gate.weight", "\(base)expert_bias", "\(base)shared_mlp.up_proj.weight",
      expert(0, "gate_proj.weight"), expert(1, "up_proj.weight"), expert(2, "down_proj.weight"),
    ]
    expect(names.map { fault("no \($0)", valid.without($0), [Offence(.missingTensor, $0)]) })

    let experts = valid.names.filter { $0.text.contains("layers.2.mlp.experts.") }
    expect([
      fault(
        "no expert of layer 2", valid.filter { !experts.contains($0) },
        .all(.missingTensor, experts)),
      fault(
        "two faults at once", try valid.without(names[0]).reshaping(names[7], [4, 3]),
        [Offence(.missingTensor, names[0]), Offence(.wrongShape, names[7])]),
      fault("nothing at all", StateDict(), .all(.missingTensor, schema(includingMTP: false))),
    ])
  }

  private func schema(_ config: ModelConfig? = nil, includingMTP: Bool = true) -> [TensorName] {
    ModelSchema(config ?? self.config).tensors(includingMTP: includingMTP).map(\.name)
  }

  @Test("MTP layers are asked for only where they are kept")
  func missingMTP() throws {
    let name: TensorName = "model.layers.3.eh_proj.weight"
    var preserved = fault("no eh_proj", valid.without(name), [Offence(.missingTensor, name)])
    preserved.options.mtpPolicy = .preserve
    expect([preserved])
    _ = try StateDictAdapter(config: config).fromHF(preserved.stateDict)
  }

  @Test("Groups that are there in part")
  func partialGroups() throws {
    var partial = AdapterOptions()
    partial.completeness = .presentGroups
    let down = expert(1, "down_proj.weight")
    let allDown = (0..<3).map { expert($0, "down_proj.weight") }
    let layer = valid.filter { $0.text.contains("layers.1.mlp.experts.") }
    var faults = [
      fault("one missing", layer.without(down), [Offence(.missingTensor, down)]),
      fault(
        "all of one projection missing", layer.filter { !allDown.contains($0) },
        .all(.missingTensor, allDown)),
      fault(
        "only one there", layer.filter { $0 == down },
        .all(.missingTensor, layer.names.filter { $0 != down })),
    ]
    var otherRank = fault(
      "only experts of another rank", layer.filter { $0.text.contains(".experts.2.") },
      .all(.missingTensor, layer.names.filter { !$0.text.contains(".experts.2.") }))
    otherRank.parallelism = try ExpertParallelism(rank: 0, size: 2)
    faults.append(otherRank)
    for index in faults.indices { faults[index].options = partial }
    expect(faults)
  }

  @Test("Experts and layers that the config does not have")
  func surplus() throws {
    let third = expert(3, "up_proj.weight")
    let scale = expert(3, "up_proj.weight_scale")
    let dense = expert(0, "up_proj.weight", layer: 0)
    let denseScale = expert(0, "up_proj.input_scale", layer: 0)
    let after: [TensorName] = [
      "model.layers.4.input_layernorm.weight", expert(0, "up_proj.weight", layer: 4),
    ]
    expect([
      fault("expert 3 of 3", try valid.adding(third, [5, 4]), [Offence(.surplusExpert, third)]),
      fault("its scale", try valid.adding(scale, [1]), [Offence(.surplusExpert, scale)]),
      fault(
        "layer 4 of 4", try valid.adding(after[0], [4]).adding(after[1], [5, 4]),
        .all(.surplusLayer, after)),
      fault(
        "experts of a dense layer", try valid.adding(dense, [5, 4]).adding(denseScale, [1]),
        .all(.expertsInDenseLayer, [dense, denseScale])),
      fault(
        "router and shared expert of a dense layer",
        try valid.adding("model.layers.0.mlp.router.gate.weight", [3, 4])
          .adding("model.layers.0.mlp.shared_mlp.up_proj.weight", [5, 4]),
        .all(
          .expertsInDenseLayer,
          ["model.layers.0.mlp.router.gate.weight", "model.layers.0.mlp.shared_mlp.up_proj.weight"])
      ),
    ])
  }

  @Test("A config of another model")
  func otherConfigs() throws {
    let own = Set(schema())
    var short = fault("one layer short", valid, [])
    short.config = try TestCheckpoint.config(layers: [.dense, .sparse], mtp: 1)
    // The old layer 2 is no MTP layer, and the old layer 3 is one too many.
    short.offences = .all(.surplusLayer, own.filter { $0.text.hasPrefix("model.layers.3.") })
    short.offences.insert(Offence(.missingTensor, "model.layers.2.eh_proj.weight"))

    var long = fault("one layer long", valid, [])
    long.config = try TestCheckpoint.config(layers: [.dense, .sparse, .sparse, .sparse], mtp: 1)
    long.stateDict = valid.filter { !$0.text.hasPrefix("model.layers.3.") }
    long.offences = .all(
      .missingTensor,
      schema(long.config, includingMTP: false).filter { long.stateDict[$0] == nil })

    var fewer = fault("fewer experts", valid, [])
    fewer.config = try TestCheckpoint.config(
      experts: 2, layers: [.dense, .sparse, .sparse], mtp: 1)
    fewer.offences = .all(
      .surplusExpert,
      own.filter { $0.text.contains(".experts.2.") && !$0.text.contains("layers.3") })
    fewer.offences.formUnion(
      [1, 2].flatMap { layer in
        ["router.gate.weight", "expert_bias"].map {
          Offence(.wrongShape, "model.layers.\(layer).mlp.\($0)")
        }
      })

    var wide = fault("another intermediate size", valid, [])
    wide.config = try TestCheckpoint.config(inter: 6, layers: [.dense, .sparse, .sparse], mtp: 1)
    wide.offences = .all(
      .wrongShape,
      own.filter {
        !$0.text.contains("layers.3")
          && ($0.text.contains(".experts.") || $0.text.contains(".shared_mlp."))
      })

    var dense = fault("a sparse layer said to be dense", valid, [])
    dense.config = try TestCheckpoint.config(layers: [.dense, .sparse, .dense], mtp: 1)
    dense.offences = .all(
      .expertsInDenseLayer, own.filter { $0.text.hasPrefix("model.layers.2.mlp.") })
    dense.offences.formUnion(
      Set<Offence>.all(
        .missingTensor,
        ["gate", "up", "down"].map { "model.layers.2.mlp.\($0)_proj.weight" }))
    expect([short, long, fewer, wide, dense])
  }

  @Test("Layers that the config counts on the wrong side of the first prediction layer")
  func layerCounts() throws {
    let onlyPrediction: [TensorName] = ["eh_proj", "enorm", "hnorm", "final_layernorm"].map {
      "model.layers.3.\($0).weight"
    }
    var decoder = fault(
      "a prediction layer said to be a decoder layer", valid,
      .all(.predictionTensorInDecoderLayer, onlyPrediction))
    decoder.config = try TestCheckpoint.config(layers: [.dense, .sparse, .sparse, .sparse])

    let whole = valid.filter { !onlyPrediction.contains($0) }
    var dropped = fault(
      "a decoder layer said to be a prediction layer", whole,
      [Offence(.missingTensor, onlyPrediction[0])])
    var kept = dropped
    kept.options.mtpPolicy = .preserve
    kept.offences = .all(.missingTensor, onlyPrediction)
    dropped.options.mtpPolicy = .drop
    expect([decoder, dropped, kept])

    // One tensor that only a prediction layer has tells it, and a layer that is not there at all
    // is not asked for.
    let adapter = StateDictAdapter(config: config)
    let native = try adapter.fromHF(valid)
    let norm = valid.filter { !onlyPrediction.contains($0) || $0 == onlyPrediction[3] }
    for stateDict in [norm, valid.filter { !$0.text.contains("layers.3.") }] {
      #expect(firstDifference(try adapter.fromHF(stateDict), native) == nil)
    }
    var partial = AdapterOptions()
    partial.completeness = .presentGroups
    let partly = StateDictAdapter(config: config, options: partial)
    #expect(firstDifference(try partly.fromHF(whole), native) == nil)
  }

  @Test("Numbers that are not written as the model writes them")
  func indices() throws {
    let up = expert(1, "up_proj.weight")
    let renamed: [(TensorName, Problem.Code)] = [
      ("model.layers.1.mlp.experts.01.up_proj.weight", .nonCanonicalIndex),
      ("model.layers.01.mlp.experts.1.up_proj.weight", .nonCanonicalIndex),
      ("model.layers.1.mlp.experts.99999999999999999999.up_proj.weight", .nonCanonicalIndex),
      ("model.layers.99999999999999999999.mlp.experts.1.up_proj.weight", .nonCanonicalIndex),
      ("model.layers.1.mlp.experts.1000.up_proj.weight", .surplusExpert),
      ("model.layers.1.mlp.experts.-1.up_proj.weight", .unknownExpertKey),
      ("model.layers.1.mlp.experts.1x.up_proj.weight", .unknownExpertKey),
      ("model.layers.1x.mlp.experts.1.up_proj.weight", .unknownPrefix),
      ("model.layers..mlp.experts.1.up_proj.weight", .unknownPrefix),
    ]
    expect(
      try renamed.map { name, code in
        fault(
          "\(name)", try valid.renaming(up, to: name),
          [Offence(.missingTensor, up), Offence(code, name)])
      })
  }

  @Test("Keys under another prefix than the stated one")
  func prefixes() throws {
    let up = expert(1, "up_proj.weight")
    let attention: TensorName = "model.layers.2.self_attn.q_proj.weight"
    let foreign: [(old: TensorName, new: TensorName)] = [
      (up, "layers.1.mlp.experts.1.up_proj.weight"),
      (up, "language_model.layers.1.mlp.experts.1.up_proj.weight"),
      (up, "model.language_model.layers.1.mlp.experts.1.up_proj.weight"),
      (up, "mtp.layers.1.mlp.experts.1.up_proj.weight"),
      (up, "model.mtp_layers.1.mlp.experts.1.up_proj.weight"),
      (attention, "layers.2.self_attn.q_proj.weight"),
      (attention, "language_model.layers.2.self_attn.q_proj.weight"),
    ]
    expect(
      try foreign.map { old, new in
        fault(
          "\(new)", try valid.renaming(old, to: new),
          [Offence(.missingTensor, old), Offence(.unknownPrefix, new)])
      })

    let config = try TestCheckpoint.config()
    let model = try TestCheckpoint.stateDict(config)
    for prefix in ModelPrefix.allCases where prefix != .model {
      var all = fault("all of \(prefix) in error", model, [])
      all.config = config
      all.options.prefix = prefix
      all.offences = .all(
        .missingTensor,
        ModelSchema(config, prefix: prefix).tensors().map(\.name).filter { model[$0] == nil })
      all.offences.formUnion(
        Set<Offence>.all(.unknownPrefix, model.names.filter { $0.text.contains("layers.") }))
      expect([all])
    }
  }

  @Test("Keys of native form and of transformers' fused layout")
  func foreignLayouts() throws {
    let native: [TensorName] = [
      "\(base)gate.weight", "\(base)gate.e_score_correction_bias",
      "\(base)shared_experts.up_proj.weight", "\(base)experts.gate_and_up_projs",
      "\(base)experts.down_projs", "\(base)experts.gate_up_proj", "\(base)experts.down_proj",
      "\(base)experts.lora_down_A",
    ]
    expect(
      try native.map {
        fault("\($0)", try valid.adding($0, [1]), [Offence(.foreignLayout, $0)])
      })
    let module: TensorName = "visual.layers.7.mlp.gate.weight"
    expect([
      fault(
        "a native name that would not come back", try valid.adding(module, [1]),
        [Offence(.unknownPrefix, module)])
    ])
  }

  @Test("Keys among the experts that no rule knows")
  func unknownExpertKeys() throws {
    let tails = [
      "0.gate_proj.bias", "0.gate_proj.weight.extra", "0.gate_proj.weight2", "0.gate_proj", "0",
      "0.gate_up_proj.weight", "0.", "", "0.gate_proj.lora_C.weight", "gate.weight",
      "0.gate_proj.lora_A.default.weight",
    ]
    expect(
      try tails.map {
        let name: TensorName = "\(base)experts.\($0)"
        return fault("\(name)", try valid.adding(name, [1]), [Offence(.unknownExpertKey, name)])
      })
  }

  @Test("Wrong shapes of every class of tensor")
  func shapes() throws {
    let wrong: [(TensorName, Shape)] = [
      ("model.embed_tokens.weight", [4, 7]), ("model.norm.weight", [4, 1]),
      ("model.layers.1.self_attn.o_proj.weight", [6, 4]),
      ("model.layers.0.mlp.up_proj.weight", [4, 6]),
      ("\(base)router.gate.weight", [4, 3]), ("\(base)expert_bias", [3, 1]),
      ("\(base)shared_mlp.down_proj.weight", [5, 4]),
      (expert(0, "gate_proj.weight"), [4, 5]), (expert(1, "up_proj.weight"), [5, 3]),
      (expert(2, "down_proj.weight"), [5, 4]), (expert(2, "down_proj.weight"), [20]),
      (expert(2, "down_proj.weight"), []), (expert(2, "down_proj.weight"), [0, 5]),
    ]
    expect(
      try wrong.map { name, shape in
        fault("\(name) \(shape)", try valid.reshaping(name, shape), [Offence(.wrongShape, name)])
      })

    // Ragged experts add up to the right number of columns.
    let (gate, up) = (expert(1, "gate_proj.weight"), expert(1, "up_proj.weight"))
    let ragged = try valid.reshaping(gate, [4, 4]).reshaping(up, [6, 4])
    var otherRank = fault("ragged, on another rank", ragged, .all(.wrongShape, [gate, up]))
    otherRank.parallelism = try ExpertParallelism(rank: 1, size: 2)
    expect([fault("ragged", ragged, .all(.wrongShape, [gate, up])), otherRank])
  }

  @Test("Element types that cannot become the target")
  func dtypes() throws {
    let (gate, down) = (expert(0, "gate_proj.weight"), expert(2, "down_proj.weight"))
    let integers = try valid.reshaping(gate, [5, 4], .i8).reshaping(down, [4, 5], .u8)
    expect([fault("integer experts", integers, .all(.wrongDType, [gate, down]))])
    var toIntegers = fault("an integer target", valid, [])
    toIntegers.options.targetDType = .i8
    toIntegers.offences = .all(
      .wrongDType,
      valid.names.filter { $0.text.contains(".experts.") && !$0.text.contains("layers.3") })
    expect([toIntegers])
  }

  @Test("Gate projections of experts that have none")
  func nonGated() throws {
    var gates = fault("gates with relu2", valid, [])
    gates.options.activation = .relu2
    gates.offences = .all(
      .gateOfNonGatedExpert,
      valid.names.filter {
        $0.text.contains("gate_proj") && $0.text.contains(".experts.")
          && !$0.text.contains("layers.3")
      })
    expect([gates])
  }

  @Test("Scales without their weights")
  func scales() throws {
    let attention: TensorName = "model.layers.1.self_attn.q_proj.weight"
    for suffix in ["weight_scale", "weight_scale_inv", "input_scale"] {
      let orphan: TensorName = "model.layers.1.self_attn.r_proj.\(suffix)"
      let ownScale: TensorName = "model.layers.1.self_attn.q_proj.\(suffix)"
      let down = expert(1, "down_proj.weight")
      let downScale = expert(1, "down_proj.\(suffix)")
      expect([
        fault("\(orphan)", try valid.adding(orphan, [1]), [Offence(.scaleWithoutWeight, orphan)]),
        fault(
          "\(ownScale)", try valid.without(attention).adding(ownScale, [1]),
          [Offence(.scaleWithoutWeight, ownScale), Offence(.missingTensor, attention)]),
        fault(
          "\(downScale)", try valid.without(down).adding(downScale, [1]),
          [Offence(.scaleWithoutWeight, downScale), Offence(.missingTensor, down)]),
      ])
    }
  }
}
