// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Foundation
import Testing

@Suite("The example server in C")
struct ExampleServerTests {
  static let hidden = 2
  static let inter = 3
  static let experts = "model.layers.0.mlp.experts"

  /// One layer with two experts, whose keys are in no order, and a head.
  static let checkpoint = [
    NamedTensor("\(experts).1.down_proj.weight", [hidden, inter], from: 100),
    NamedTensor("\(experts).1.up_proj.weight", [inter, hidden], from: 200),
    NamedTensor("model.layers.0.mlp.router.gate.weight", [2, hidden], from: 300),
    NamedTensor("\(experts).0.gate_proj.weight", [inter, hidden], from: 400),
    NamedTensor("\(experts).0.down_proj.weight", [hidden, inter], from: 500),
    NamedTensor("lm_head.weight", [5], from: 600),
    NamedTensor("\(experts).1.gate_proj.weight", [inter, hidden], from: 700),
    NamedTensor("\(experts).0.up_proj.weight", [inter, hidden], from: 800),
    NamedTensor("model.norm.weight", [hidden], from: 900),
  ]

  static func metadata(
    _ operation: String, id: String = "1", request: [String: Any] = [:]
  ) throws -> [String: String] {
    let whole: [String: Any] = [
      "model": "hy_mt2", "dtype": "BF16", "ep": NSNull(), "exclude_key_regex": NSNull(),
      "config": ["num_hidden_layers": 1, "mlp_layer_types": ["sparse"]],
      "moe": [
        "n_routed_experts": 2, "moe_inter_dim": inter, "dim": hidden,
        "expert_activation": "swiglu", "expert_bias": false,
      ],
      "options": [
        "mtp_policy": "drop", "prefix": "model.", "completeness": "wholeModel",
        "param_wrapper_layout": NSNull(),
      ],
    ]
    return [
      "protocol": "hymt2-adapter/1", "id": id, "op": operation, "session": "s",
      "request": try json(operation == "hello" ? [:] : whole.merging(request) { $1 }),
    ]
  }

  static func ask(
    _ operation: String, _ request: [String: Any] = [:], _ tensors: [NamedTensor] = []
  ) throws -> Answer {
    let conversation = try Conversation(
      frame(metadata(operation, request: request), tensors))
    #expect(conversation.status == 0, "\(conversation.errors)")
    #expect(conversation.answers.count == 1)
    return try #require(conversation.answers.first)
  }

  @Test("It says who it is and what it supports")
  func hello() throws {
    let metadata = try Self.ask("hello").metadata
    #expect(metadata["protocol"] == "hymt2-adapter/1")
    #expect(metadata["id"] == "1")
    #expect(metadata["ok"] == "true")
    #expect(metadata["name"] == "example-c-adapter")
    let supports = try JSONSerialization.jsonObject(with: Data((metadata["supports"] ?? "").utf8))
    let axes = try #require(supports as? [String: [String]])
    #expect(axes["LoRA"] == ["none"])
    #expect(axes["target type"] == ["as the experts"])
  }

  @Test("Loaded experts stand where the index formula puts them, and keys where their last member")
  func fromHF() throws {
    let answer = try Self.ask("from_hf", [:], Self.checkpoint)
    #expect(answer.metadata["ok"] == "true", "\(answer.metadata)")
    try #require(
      answer.tensors.map(\.name) == [
        "model.layers.0.mlp.gate.weight", "\(Self.experts).down_projs", "lm_head.weight",
        "\(Self.experts).gate_and_up_projs", "model.norm.weight",
      ])
    let down = answer.tensors[1]
    let gateAndUp = answer.tensors[3]
    try #require(down.shape == [2, Self.inter, Self.hidden])
    try #require(gateAndUp.shape == [2, Self.hidden, 2 * Self.inter])
    // The first element of each projection, by expert.
    let (gate, up, downStart): ([UInt16], [UInt16], [UInt16]) = (
      [400, 700], [800, 200], [500, 100]
    )
    for e in 0..<2 {
      for h in 0..<Self.hidden {
        for i in 0..<Self.inter {
          let inMatrix = UInt16(i * Self.hidden + h)
          #expect(gateAndUp[e, h, i] == gate[e] + inMatrix)
          #expect(gateAndUp[e, h, Self.inter + i] == up[e] + inMatrix)
          #expect(down[e, i, h] == downStart[e] + UInt16(h * Self.inter + i))
        }
      }
    }
    #expect(answer.tensors[0].elements == [300, 301, 302, 303])
    #expect([answer.tensors[2], answer.tensors[4]] == [Self.checkpoint[5], Self.checkpoint[8]])
  }

  @Test("Saving gives back what was loaded, and answers come in the order of the requests")
  func toHF() throws {
    let native = try Self.ask("from_hf", [:], Self.checkpoint).tensors
    let single = try #require(native.first { $0.name.hasSuffix("down_projs") })
    let layer = ["fqn": "model.layers.1.self_attn.q_proj.weight"]
    let conversation = try Conversation(
      frame(Self.metadata("to_hf", id: "whole"), native)
        + frame(
          Self.metadata("convert_single_tensor_to_hf", id: "one", request: ["fqn": single.name]),
          [single])
        + frame(Self.metadata("is_mtp_key", id: "mtp", request: layer)))
    #expect(conversation.status == 0, "\(conversation.errors)")
    let answers = conversation.answers
    try #require(answers.map { $0.metadata["id"] } == ["whole", "one", "mtp"])
    let byName = { (left: NamedTensor, right: NamedTensor) in left.name < right.name }
    #expect(answers[0].tensors.sorted(by: byName) == Self.checkpoint.sorted(by: byName))
    #expect(answers[1].tensors == [Self.checkpoint[4], Self.checkpoint[0]])
    #expect(answers[2].metadata["is_mtp"] == "true")
  }

  @Test("A rank of two loads its own expert only, from the whole or from its part")
  func expertParallelism() throws {
    let request = ["ep": ["rank": 1, "size": 2]]
    let own = Self.checkpoint.filter { !$0.name.hasPrefix("\(Self.experts).0.") }
    let fromWhole = try Self.ask("from_hf", request, Self.checkpoint).tensors
    let fromPart = try Self.ask("from_hf", request, own).tensors
    #expect(fromWhole == fromPart)
    #expect(fromWhole.first?.shape == [1, Self.inter, Self.hidden])
    #expect(fromWhole.first?[0, 2, 1] == 105)
    let saved = try Self.ask("to_hf", request, fromWhole).tensors
    #expect(Set(saved.map(\.name)) == Set(own.map(\.name)))
  }

  @Test(
    "What would be lost is refused by name",
    arguments: [
      (removed: 1, added: nil, named: "experts.1.up_proj.weight"),
      (removed: 0, added: "\(experts).2.down_proj.weight", named: "experts.2.down_proj.weight"),
      (removed: 5, added: "model.layers.0.mlp.gate.weight", named: "layers.0.mlp.gate.weight"),
      (removed: 5, added: "model.layers.1.norm.weight", named: "layers.1.norm.weight"),
      (removed: 5, added: "model.layers.00.x", named: "model.layers.00.x"),
      (removed: 5, added: "layers.0.x", named: "layers.0.x"),
    ])
  func refusal(removed: Int, added: String?, named: String) throws {
    var tensors = Self.checkpoint
    tensors.remove(at: removed)
    if let added { tensors.append(NamedTensor(added, [Self.hidden, Self.inter], from: 0)) }
    let answer = try Self.ask("from_hf", [:], tensors)
    #expect(answer.metadata["ok"] == "false")
    #expect(
      answer.metadata["error_type"] == "KeyError" || answer.metadata["error_type"] == "ShapeError")
    #expect(answer.metadata["error_message"]?.contains(named) == true, "\(answer.metadata)")
    #expect(answer.tensors.isEmpty)
  }

  @Test("A request whose tensors are torn is refused, and the next one is answered")
  func tornTensors() throws {
    var torn = try frame(Self.metadata("from_hf"), Self.checkpoint)
    torn.removeLast()
    torn.replaceSubrange(0..<8, with: littleEndian(torn.count - 8))
    let conversation = try Conversation(torn + frame(Self.metadata("hello")))
    #expect(conversation.status == 0)
    #expect(conversation.answers.map { $0.metadata["ok"] } == ["false", "true"])
  }

  @Test(
    "Garbage ends it with a message and no answer",
    arguments: [
      [1, 2, 3], littleEndian(.max) + [1, 2, 3], littleEndian(3) + [1, 2, 3],
      littleEndian(16) + littleEndian(.max) + littleEndian(0),
      littleEndian(10) + littleEndian(2) + Array("{}".utf8),
      littleEndian(1008) + littleEndian(1000) + Array(repeating: UInt8(ascii: "["), count: 1000),
    ])
  func garbage(input: [UInt8]) throws {
    let conversation = try Conversation(input)
    #expect(conversation.status == 1)
    #expect(conversation.answers.isEmpty)
    #expect(conversation.errors.hasPrefix("example-c-adapter: "))
  }

  @Test("It ends in peace when its input ends between frames")
  func endOfInput() throws {
    let conversation = try Conversation([])
    #expect(conversation.status == 0)
    #expect(conversation.answers.isEmpty)
    #expect(conversation.errors == "")
  }
}
