// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
import Tensors
import Testing

@Suite("Fused LoRA factors of PEFT's ParamWrapper become grouped factors")
struct ParamWrapperPlannerTests {
  private let prefix = "base_model.model.model.layers.1.mlp.experts."
  private let rank = 2

  /// The four factors of a layer, with shapes as upstream documents them.
  private func wrapped(
    _ config: ModelConfig, _ layout: ParamWrapperLayout, isGated: Bool = true
  ) throws -> StateDict {
    let (hidden, inter) = (config.hiddenSize, config.moeIntermediateSize)
    let width = isGated ? 2 * inter : inter
    let fused = rank * config.expertCount
    let sizes: [(stem: String, a: Int, b: Int)] =
      layout == .modern
      ? [("", inter, hidden), ("base_layer.", hidden, width)]
      : [("", hidden, inter), ("base_layer.", width, hidden)]
    return try TestCheckpoint.stateDict(
      sizes.flatMap { stem, a, b in
        [
          TensorInfo(TensorName("\(prefix)\(stem)lora_A.weight"), .bf16, [fused, a]),
          TensorInfo(TensorName("\(prefix)\(stem)lora_B.weight"), .bf16, [b, fused]),
        ]
      })
  }

  private func adapter(
    _ config: ModelConfig, isGated: Bool = true, hint: ParamWrapperLayout? = nil
  ) -> StateDictAdapter {
    StateDictAdapter(
      config: config,
      options: AdapterOptions(
        activation: isGated ? .swiglu : .relu2, paramWrapperLayout: hint))
  }

  /// The native factor of a key, whether its rank axis comes before its features, by layout.
  private func target(
    _ key: String, _ layout: ParamWrapperLayout
  ) -> (name: String, rankFirst: Bool) {
    switch (key, layout) {
    case ("lora_A", .modern): ("lora_down_A", false)
    case ("lora_B", .modern): ("lora_down_B", true)
    case ("base_layer.lora_A", .modern): ("lora_gate_and_up_A", false)
    case ("base_layer.lora_B", .modern): ("lora_gate_and_up_B", true)
    case ("lora_A", .legacy): ("lora_down_B", true)
    case ("lora_B", .legacy): ("lora_down_A", false)
    case ("base_layer.lora_A", .legacy): ("lora_gate_and_up_B", true)
    default: ("lora_gate_and_up_A", false)
    }
  }

  @Test("All eight forms obey upstream's index formulas, gated and not")
  func indexLaws() throws {
    let experts = 3
    let config = try TestCheckpoint.config(experts: experts)
    for isGated in [true, false] {
      for layout in ParamWrapperLayout.allCases {
        let input = try wrapped(config, layout, isGated: isGated)
        let native = try adapter(config, isGated: isGated).fromHF(input)
        #expect(native.count == 4)
        for key in ["lora_A", "lora_B", "base_layer.lora_A", "base_layer.lora_B"] {
          let (name, rankFirst) = target(key, layout)
          let source = try #require(input[TensorName("\(prefix)\(key).weight")])
          let result = try #require(native[TensorName(prefix + name)])
          let features = key.hasSuffix("A") ? source.shape[1] : source.shape[0]
          #expect(
            result.shape == (rankFirst ? [experts, rank, features] : [experts, features, rank]))
          var wrong = 0
          for e in 0..<experts {
            for r in 0..<rank {
              for f in 0..<features {
                // A is (experts, rank) x features; B is features x (rank, experts).
                let from =
                  key.hasSuffix("A")
                  ? (e * rank + r) * features + f : f * rank * experts + r * experts + e
                let to =
                  rankFirst ? (e * rank + r) * features + f : (e * features + f) * rank + r
                if source.bits(at: from) != result.bits(at: to) { wrong += 1 }
              }
            }
          }
          #expect(wrong == 0, "\(key) \(layout) gated \(isGated)")
        }
      }
    }
  }

  @Test("A stated layout decides where shapes do not, and must agree where they do")
  func hints() throws {
    let square = try TestCheckpoint.config(hidden: 4, inter: 4)
    let config = try TestCheckpoint.config()
    for layout in ParamWrapperLayout.allCases {
      // Where hidden and intermediate sizes agree, only the gate and up pair tells the layout.
      let all = try wrapped(square, layout)
      let down = all.filter { !$0.text.contains("base_layer") }
      let names = down.names
      let told = try adapter(square).fromHF(all)
      let stated = try adapter(square, hint: layout).fromHF(down)
      #expect(firstDifference(told.filter { $0.text.contains("lora_down") }, stated) == nil)
      let silent = PlantedFault(
        name: "", config: square, stateDict: down, offences: .all(.ambiguousLoRALayout, names))
      let misjudged = silent.misjudged { try adapter(square).fromHF($0.stateDict) }
      #expect(misjudged == nil, "\(layout)")

      let plain = try wrapped(config, layout)
      for hint in ParamWrapperLayout.allCases where hint != layout {
        let wrong = PlantedFault(
          name: "", config: config, stateDict: plain,
          offences: .all(.ambiguousLoRALayout, plain.names))
        let misjudged = wrong.misjudged { try adapter(config, hint: hint).fromHF($0.stateDict) }
        #expect(misjudged == nil, "\(layout), \(hint) stated")
      }
    }
  }

  @Test("Factors that fit no layout, not together, or not this model are refused")
  func faults() throws {
    let config = try TestCheckpoint.config()
    let modern = try wrapped(config, .modern)
    let legacy = try wrapped(config, .legacy)
    let (a, b): (TensorName, TensorName) = ("\(prefix)lora_A.weight", "\(prefix)lora_B.weight")
    let mixed = try StateDict(
      Array(legacy.filter { $0 == a || $0 == b }) + Array(modern.without(a, b)))
    let dense = a.text.replacing("layers.1.", with: "layers.0.")
    let faults: [(String, StateDict, Set<Offence>)] = [
      ("no B", modern.without(b), [Offence(.incompleteLoRA, a)]),
      ("no A", modern.without(a), [Offence(.incompleteLoRA, b)]),
      ("mixed", mixed, .all(.ambiguousLoRALayout, mixed.names)),
      ("rows", try modern.reshaping(a, [7, 5]), [Offence(.wrongShape, a)]),
      (
        "no rank", try modern.reshaping(a, [0, 5]).reshaping(b, [4, 0]), .all(.wrongShape, [a, b])
      ),
      ("no rows", try modern.reshaping(a, [0, 5]), [Offence(.wrongShape, a)]),
      ("columns", try modern.reshaping(a, [6, 7]), [Offence(.wrongShape, a)]),
      ("no matrix", try modern.reshaping(a, [6, 5, 1]), [Offence(.wrongShape, a)]),
      ("other rank", try modern.reshaping(a, [9, 5]), [Offence(.wrongShape, a)]),
      ("other type", try modern.reshaping(a, [6, 5], .f32), [Offence(.wrongDType, a)]),
      (
        "two wrong", try modern.reshaping(a, [6, 7]).reshaping(b, [4, 5]),
        .all(.wrongShape, [a, b])
      ),
      (
        "dense layer", try modern.adding(TensorName(dense), [6, 5]),
        [Offence(.expertsInDenseLayer, TensorName(dense))]
      ),
    ]
    for (name, stateDict, offences) in faults {
      let fault = PlantedFault(
        name: name, config: config, stateDict: stateDict, offences: offences)
      let misjudged = fault.misjudged { try adapter(config).fromHF($0.stateDict) }
      #expect(misjudged == nil, "\(name)")
    }
  }

  @Test("Of keys that disagree, those whose shapes fit both layouts are not at fault")
  func disagreement() throws {
    // Gate and up factors fit both layouts, because the hidden size is twice the intermediate one.
    let config = try TestCheckpoint.config(
      hidden: 10, inter: 5, layers: [.dense, .sparse, .sparse])
    let modern = try wrapped(config, .modern)
    let legacy = try wrapped(config, .legacy).renaming {
      TensorName($0.text.replacing("layers.1.", with: "layers.2."))
    }
    let stateDict = try StateDict(Array(modern) + Array(legacy))
    func telling(_ part: StateDict) -> [TensorName] {
      part.names.filter { !$0.text.contains("base_layer") }
    }
    let cases: [(ParamWrapperLayout?, [TensorName])] = [
      (nil, telling(stateDict)), (.modern, telling(legacy)), (.legacy, telling(modern)),
    ]
    for (hint, names) in cases {
      let fault = PlantedFault(
        name: "", config: config, stateDict: stateDict,
        offences: .all(.ambiguousLoRALayout, names))
      let misjudged = fault.misjudged { try adapter(config, hint: hint).fromHF($0.stateDict) }
      #expect(misjudged == nil, "\(hint?.rawValue ?? "no layout") stated")
    }
  }

  @Test("A shape that fits no layout is not called ambiguous too")
  func noLayout() throws {
    let config = try TestCheckpoint.config(hidden: 4, inter: 4)
    let down = try wrapped(config, .modern).filter { !$0.text.contains("base_layer") }
    let (a, b): (TensorName, TensorName) = ("\(prefix)lora_A.weight", "\(prefix)lora_B.weight")
    let fault = PlantedFault(
      name: "", config: config, stateDict: try down.reshaping(a, [6, 7]),
      offences: [Offence(.wrongShape, a), Offence(.ambiguousLoRALayout, b)])
    let misjudged = fault.misjudged { try adapter(config).fromHF($0.stateDict) }
    #expect(misjudged == nil)
  }

  @Test("A factor of a wrong shape does not keep other layers' pairs from being checked")
  func otherLayers() throws {
    let config = try TestCheckpoint.config(layers: [.dense, .sparse, .sparse])
    let first = try wrapped(config, .modern)
    let second = try first.renaming {
      TensorName($0.text.replacing("layers.1.", with: "layers.2."))
    }
    let a = TensorName("\(prefix)lora_A.weight")
    let names = Array(second.names)
    let (otherA, otherB, inner) = (names[0], names[1], names[2])
    for shape in [[7, 5], [6, 7], [30]] as [Shape] {
      let stateDict = try StateDict(
        Array(first.reshaping(a, shape))
          + Array(second.without(otherB).reshaping(inner, [9, config.hiddenSize])))
      let fault = PlantedFault(
        name: "", config: config, stateDict: stateDict,
        offences: [
          Offence(.wrongShape, a), Offence(.incompleteLoRA, otherA), Offence(.wrongShape, inner),
        ])
      let misjudged = fault.misjudged { try adapter(config).fromHF($0.stateDict) }
      #expect(misjudged == nil, "\(shape)")
    }
  }

  @Test("A fused factor and per-expert factors of the same parameter collide")
  func collision() throws {
    let config = try TestCheckpoint.config(layers: [.dense, .sparse, .sparse])
    let perExpert = try LoRATests.factors(config, rank: rank, prefix: "base_model.model.model.")
    let modern = try wrapped(config, .modern)
    let fault = PlantedFault(
      name: "", config: config, stateDict: try StateDict(Array(perExpert) + Array(modern)),
      offences: .all(.nameCollision, modern.names))
    let misjudged = fault.misjudged { try adapter(config).fromHF($0.stateDict) }
    #expect(misjudged == nil)
  }
}
