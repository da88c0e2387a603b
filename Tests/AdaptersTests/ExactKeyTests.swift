// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Layouts
import Tensors
import Testing

@testable import Adapters

@Suite("Keys are taken apart at their dots")
struct ExactKeyTests {
  private let layout: Layout

  init() throws {
    layout = try Layout.named("hy_v3")
  }

  @Test("A layer's key is prefix, number and rest")
  func layers() {
    let keys: [(TensorName, parts: [String]?)] = [
      ("model.layers.3.mlp.gate.weight", ["model.", "3", "mlp.gate.weight"]),
      ("layers.0.x", ["", "0", "x"]), ("layers.0.", ["", "0", ""]), ("layers.0", nil),
      ("layers.", nil), ("layers", nil), ("", nil), (".", nil), ("layers..x", nil),
      ("a.b.layers.12.c.d", ["a.b.", "12", "c.d"]), ("layers.007.x", ["", "007", "x"]),
      ("mtp_layers.1.x", nil), ("xlayers.1.x", nil), ("model.layers.x.1", nil),
      ("model.layers.-1.x", nil), ("model.layers.1 .x", nil),
      ("model.layers.\u{661}.x", ["model.", "\u{661}", "x"]),
      ("layers.1.layers.2.x", ["", "1", "layers.2.x"]), (".layers.1.x", [".", "1", "x"]),
      ("é.layers.1.é", ["é.", "1", "é"]),
    ]
    for (name, expected) in keys {
      let key = ExactKey(name, layout)
      let found = key.map { [$0.prefix, $0.layerText, $0.rest] }
      #expect(found == expected, "'\(name)'")
    }
  }

  @Test("Only numbers as Python prints them are canonical")
  func indices() {
    let numbers: [(String, Int?)] = [
      ("0", 0), ("7", 7), ("191", 191), ("9223372036854775807", .max),
      ("9223372036854775808", nil), ("00", nil), ("01", nil), ("", nil),
    ]
    for (text, expected) in numbers {
      #expect(ExactKey.canonicalIndex(text) == expected, "'\(text)'")
    }
  }

  @Test("What follows the experts' path has one meaning")
  func experts() throws {
    func rule(_ word: String) throws -> Int {
      try #require(layout.tensors.firstIndex { $0.role == .expert && $0.word == word })
    }
    let (gate, up, down) = (try rule("gate_proj"), try rule("up_proj"), try rule("down_proj"))
    let known: [(String, LenientKey.Subject, expert: String?)] = [
      ("0.gate_proj.weight", .tensor(gate), "0"),
      ("10.up_proj.weight", .tensor(up), "10"),
      ("007.down_proj.weight", .tensor(down), "007"),
      ("1.up_proj.lora_A.weight", .factor(of: up, isA: true), "1"),
      ("1.down_proj.lora_B.weight", .factor(of: down, isA: false), "1"),
      ("2.up_proj.weight_scale", .companion(of: up, suffix: "weight_scale"), "2"),
      ("2.up_proj.weight_scale_inv", .companion(of: up, suffix: "weight_scale_inv"), "2"),
      ("2.gate_proj.input_scale", .companion(of: gate, suffix: "input_scale"), "2"),
      ("gate_and_up_projs", .group(0), nil), ("down_projs", .group(1), nil),
      ("lora_gate_and_up_A", .groupFactor(lora: 0, isA: true), nil),
      ("lora_down_B", .groupFactor(lora: 1, isA: false), nil),
      ("lora_A.weight", .fusedFactor(lora: 1, isA: true), nil),
      ("base_layer.lora_B.weight", .fusedFactor(lora: 0, isA: false), nil),
    ]
    for (tail, expected, expert) in known {
      let key = ExactKey("model.layers.1.mlp.experts.\(tail)", layout)
      #expect(key?.subject == .known(expected), "'\(tail)'")
      #expect(key?.expertText == expert, "'\(tail)'")
    }
  }

  @Test("What the layout does not know is in a module of experts or of another form")
  func strays() {
    let strays: [(String, ExactKey.Subject)] = [
      ("gate_up_proj", .foreign), ("down_proj", .foreign),
      ("", .unknownOfExperts), ("0", .unknownOfExperts), ("0.", .unknownOfExperts),
      ("0.gate_proj", .unknownOfExperts),
      ("0.gate_proj.", .unknownOfExperts), ("0.gate_proj.bias", .unknownOfExperts),
      ("0.gate.weight", .unknownOfExperts),
      ("0.gate_proj.weight.", .unknownOfExperts), ("0.gate_proj.weights", .unknownOfExperts),
      ("0..weight", .unknownOfExperts), (".gate_proj.weight", .unknownOfExperts),
      ("x.gate_proj.weight", .unknownOfExperts),
      ("+1.gate_proj.weight", .unknownOfExperts), ("\u{661}.up_proj.weight", .unknownOfExperts),
      ("down_projs.", .unknownOfExperts),
      ("gate_and_up_projs2", .unknownOfExperts), ("lora_A", .unknownOfExperts),
      ("base_layer.base_layer.lora_A.weight", .unknownOfExperts),
      ("gate_up_proj.weight", .unknownOfExperts),
    ]
    for (tail, expected) in strays {
      let key = ExactKey("model.layers.1.mlp.experts.\(tail)", layout)
      #expect(key?.subject == expected, "'\(tail)'")
    }
  }
}
