// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Adapters
import CheckpointGenerators
import Layouts
import PlantedFaults
import Tensors
import Testing

/// A fault in the adapter of a layout, the law that notices it first, and the diagnosis.
private struct LayoutFault: Sendable, CustomTestStringConvertible {
  let layout: String
  let name: String
  let adapter: FaultyAdapter
  let law: String
  let sentence: String
  var experts = 3

  init(
    _ layout: String, _ name: String, experts: Int = 3, law: String, _ adapter: FaultyAdapter,
    _ sentence: String
  ) {
    (self.layout, self.name, self.experts) = (layout, name, experts)
    (self.law, self.adapter, self.sentence) = (law, adapter, sentence)
  }

  var testDescription: String { "\(layout): \(name)" }
}

@Suite("Faults in the adapters of other layouts are noticed, and named in their words")
struct LayoutFaultTests {
  private static let faults: [LayoutFault] = qwen + step + oss + vision

  private static let qwen = [
    LayoutFault(
      "qwen3_moe", "halves exchanged both ways", law: "elements",
      FaultyAdapter(nativeOut: exchangingHalves, nativeIn: exchangingHalves),
      "gate and up halves are swapped when loading and saving in layer 1"),
    LayoutFault(
      "qwen3_moe", "experts in the order of texts", experts: 11, law: "elements",
      FaultyAdapter(nativeOut: { dict, _ in
        let order = (0..<11).sorted { "\($0)" < "\($1)" }
        return try dict.editing("_projs") { try $0.permuting(axis: 0) { order[$0] } }
      }),
      "experts are in lexicographic order (10 before 2) when loading in layer 1"),
    LayoutFault(
      "qwen3_moe", "the router renamed", law: "keys",
      FaultyAdapter(nativeOut: { dict, _ in
        try dict.renaming { $0.replacing("mlp.gate.", with: "mlp.router.") }
      }),
      "router comes out as 'mlp.router.weight' when loading in layer 1"),
    LayoutFault(
      "qwen3_moe", "down not transposed", law: "shapes",
      FaultyAdapter(nativeOut: { dict, _ in
        try dict.editing("down_projs") { try $0.transposed() }
      }),
      "down_proj is not transposed when loading in layer 1"),
  ]

  private static let step = [
    LayoutFault(
      "step3p5", "halves exchanged on load", law: "elements",
      FaultyAdapter(nativeOut: exchangingHalves),
      "gate and up halves are swapped when loading in layer 1"),
    LayoutFault(
      "step3p5", "experts reversed on save", law: "elements",
      FaultyAdapter(onDiskOut: { dict, _ in
        try dict.editing("moe.down_proj.") { try $0.permuting(axis: 0) { 2 - $0 } }
      }),
      "for down_proj, experts are in reverse order when saving in layer 1"),
    LayoutFault(
      "step3p5", "one expert overwritten", law: "elements",
      FaultyAdapter(nativeOut: { dict, _ in
        try dict.editing("down_projs") { try $0.permuting(axis: 0) { max($0, 1) } }
      }),
      "for down_proj, expert 0 is overwritten by expert 1 when loading in layer 1"),
    LayoutFault(
      "step3p5", "the router's bias not renamed", law: "keys",
      FaultyAdapter(nativeOut: { dict, _ in
        try dict.renaming {
          $0.replacing("moe.gate.e_score_correction_bias", with: "moe.router_bias")
        }
      }),
      "router_bias keeps its name on disk when loading in layer 1"),
    LayoutFault(
      "step3p5", "down not transposed", law: "shapes",
      FaultyAdapter(nativeOut: { dict, _ in
        try dict.editing("down_projs") { try $0.transposed() }
      }),
      "down_proj is not transposed when loading in layer 1"),
  ]

  private static let oss = [
    LayoutFault(
      "gpt_oss", "the router not renamed", law: "keys",
      FaultyAdapter(nativeOut: { dict, _ in
        try dict.renaming { $0.replacing("mlp.gate.weight", with: "mlp.router.weight") }
      }),
      "router keeps its name on disk when loading"),
    LayoutFault(
      "gpt_oss", "gate and up columns exchanged", law: "elements",
      FaultyAdapter(nativeOut: { dict, _ in
        try dict.editing("gate_and_up_projs") { try $0.permuting(axis: 2) { $0 ^ 1 } }
      }),
      "gate and up halves are swapped when loading"),
    LayoutFault(
      "gpt_oss", "columns parted", law: "elements",
      FaultyAdapter(nativeOut: { dict, _ in
        try dict.editing("gate_and_up_projs") { tensor in
          let half = tensor.shape[2] / 2
          return try tensor.permuting(axis: 2) { $0 < half ? 2 * $0 : 2 * ($0 - half) + 1 }
        }
      }),
      "gate and up alternate in gate_up_proj where halves are meant, or the other way round"),
    LayoutFault(
      "gpt_oss", "down transposed", law: "shapes",
      FaultyAdapter(nativeOut: { dict, _ in
        try dict.editing("experts.down_projs") { try $0.transposed() }
      }),
      "down_proj is transposed when loading"),
    LayoutFault(
      "gpt_oss", "experts cast", law: "types",
      FaultyAdapter(nativeOut: { dict, _ in
        try dict.editing("experts.down_projs") { try $0.cast(to: .f32) }
      }),
      "down_proj was cast bfloat16 -> float32 when loading"),
    LayoutFault(
      "gpt_oss", "experts rotated", law: "elements",
      FaultyAdapter(nativeOut: { dict, _ in
        try dict.editing("experts.down_projs") { try $0.permuting(axis: 0) { ($0 + 1) % 3 } }
      }),
      "for down_proj, experts are rotated by 1 when loading"),
  ]

  private static let vision = [
    LayoutFault(
      "qwen3_vl_moe", "halves exchanged", law: "elements",
      FaultyAdapter(nativeOut: exchangingHalves),
      "gate and up halves are swapped when loading in layer 1")
  ]

  private static let exchangingHalves: FaultyAdapter.Edit = { dict, _ in
    try dict.editing("gate_and_up_projs") { tensor in
      let half = tensor.shape[2] / 2
      return try tensor.permuting(axis: 2) { ($0 + half) % (2 * half) }
    }
  }

  @Test("by the first law that says it", arguments: faults)
  private func noticed(_ fault: LayoutFault) throws {
    let spec = try LayoutSample.spec(fault.layout, experts: fault.experts)
    var first: (law: String, violation: Violation)?
    for law in Laws.all where first == nil {
      if case .broken(let violation) = law.verdict(on: CheckpointUnderTest(spec, fault.adapter)) {
        first = (law.name, violation)
      }
    }
    let broken = try #require(first)
    #expect(broken.law == fault.law, "\(broken.violation.summary)")
    let found = Diagnosis.of(broken.violation, spec, fault.adapter).sentences
    #expect(found.count == 1 && found[0].hasPrefix(fault.sentence), "\(found)")
  }

  @Test("and laws are stated in the names of the layout")
  func statements() throws {
    func statements(_ name: String) throws -> [String] {
      let laws = Laws.all(for: try Layout.named(name))
      return ["shapes", "elements"].compactMap { name in
        laws.first { $0.name == name }?.statement
      }
    }
    let rest = ", and all else stays in place, bit for bit"
    let usual = [
      "grouped experts are [experts, hidden, 2 * inter] and [experts, inter, hidden]",
      "gate_and_up[e, h, j] == gate[e][j, h] and up[e][j - inter, h], "
        + "down[e, i, h] == down[e][h, i]" + rest,
    ]
    #expect(try statements("hy_v3") == usual)
    #expect(try statements("qwen3_moe") == usual)
    #expect(
      try statements("minimax_m2")[1]
        == "gate_and_up[e, h, j] == w1[e][j, h] and w3[e][j - inter, h], down[e, i, h] == w2[e][h, i]"
        + rest)
    #expect(
      try statements("step3p5")[1]
        == "gate_and_up[e, h, j] == gate[e, j, h] and up[e, j - inter, h], "
        + "down[e, i, h] == down[e, h, i]" + rest)
    #expect(
      try statements("qwen3_vl_moe") == [
        usual[0], "gate_and_up[e, h, j] == gate_up[e, h, j], down[e, i, h] == down[e, i, h]" + rest,
      ])
    #expect(
      try statements("gpt_oss")
        == ["every tensor keeps its shape", "everything stays in place, bit for bit"])
  }
}
