// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Layouts
import Tensors
import Testing

@testable import Adapters

@Suite("Keys are taken apart at their dots")
struct LayerKeyTests {
  @Test("A layer's key is prefix, number and rest")
  func layers() {
    let keys: [(TensorName, parts: [String]?)] = [
      ("model.layers.3.mlp.gate.weight", ["model.", "3", "mlp.gate.weight"]),
      ("layers.0.x", ["", "0", "x"]), ("layers.0.", ["", "0", ""]), ("layers.0", nil),
      ("layers.", nil), ("layers", nil), ("", nil), (".", nil), ("layers..x", nil),
      ("a.b.layers.12.c.d", ["a.b.", "12", "c.d"]), ("layers.007.x", ["", "007", "x"]),
      ("mtp_layers.1.x", nil), ("xlayers.1.x", nil), ("model.layers.x.1", nil),
      ("model.layers.-1.x", nil), ("model.layers.1 .x", nil), ("model.layers.\u{661}.x", nil),
      ("layers.1.layers.2.x", ["", "1", "layers.2.x"]), (".layers.1.x", [".", "1", "x"]),
      ("é.layers.1.é", ["é.", "1", "é"]),
    ]
    for (name, expected) in keys {
      let key = LayerKey(name)
      let found = key.map { [String($0.prefix), String($0.layerText), String($0.rest)] }
      #expect(found == expected, "'\(name)'")
    }
  }

  @Test("Only numbers as Python prints them are canonical")
  func indices() {
    let numbers: [(Substring, Int?)] = [
      ("0", 0), ("7", 7), ("191", 191), ("9223372036854775807", .max),
      ("9223372036854775808", nil), ("00", nil), ("01", nil), ("", nil),
    ]
    for (text, expected) in numbers {
      #expect(LayerKey.canonicalIndex(text) == expected, "'\(text)'")
    }
  }

  @Test("Only parts of experts on disk have an expert's number")
  func expertIndices() {
    let layer = "model.layers.1.mlp."
    let keys: [(TensorName, Int?)] = [
      ("\(layer)experts.0.gate_proj.weight", 0), ("\(layer)experts.10.down_proj.weight", 10),
      ("\(layer)experts.07.down_proj.weight", nil), ("\(layer)experts.gate_and_up_projs", nil),
      ("\(layer)experts.0.gate_proj.bias", nil), ("\(layer)xxxxxxx.0.gate_proj.weight", nil),
      ("experts.0.gate_proj.weight", nil),
    ]
    for (name, expected) in keys { #expect(name.expertIndex == expected, "'\(name)'") }
  }

  @Test("What follows the experts' path has one meaning")
  func experts() {
    let keys: [(Substring, ExpertKey)] = [
      ("0.gate_proj.weight", .part(expertText: "0", .gate, suffix: "weight")),
      ("10.up_proj.weight", .part(expertText: "10", .up, suffix: "weight")),
      ("007.down_proj.weight", .part(expertText: "007", .down, suffix: "weight")),
      ("1.up_proj.lora_A.weight", .part(expertText: "1", .up, suffix: "lora_A.weight")),
      ("1.down_proj.lora_B.weight", .part(expertText: "1", .down, suffix: "lora_B.weight")),
      ("2.up_proj.weight_scale", .scale(expertText: "2", .up)),
      ("2.up_proj.weight_scale_inv", .scale(expertText: "2", .up)),
      ("2.gate_proj.input_scale", .scale(expertText: "2", .gate)),
      ("gate_and_up_projs", .group("gate_and_up_projs")), ("down_projs", .group("down_projs")),
      ("lora_gate_and_up_A", .group("lora_gate_and_up_A")),
      ("lora_down_B", .group("lora_down_B")),
      ("lora_A.weight", .paramWrapper("lora_A.weight")),
      ("base_layer.lora_B.weight", .paramWrapper("base_layer.lora_B.weight")),
      ("gate_up_proj", .fused), ("down_proj", .fused),
      ("", .unknown), ("0", .unknown), ("0.", .unknown), ("0.gate_proj", .unknown),
      ("0.gate_proj.", .unknown), ("0.gate_proj.bias", .unknown), ("0.gate.weight", .unknown),
      ("0.gate_proj.weight.", .unknown), ("0.gate_proj.weights", .unknown),
      ("0..weight", .unknown), (".gate_proj.weight", .unknown), ("x.gate_proj.weight", .unknown),
      ("down_projs.", .unknown),
      ("gate_and_up_projs2", .unknown), ("lora_A", .unknown),
      ("base_layer.base_layer.lora_A.weight", .unknown), ("gate_up_proj.weight", .unknown),
    ]
    for (tail, expected) in keys {
      #expect(ExpertKey(tail) == expected, "'\(tail)'")
    }
  }
}
