// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import CheckpointGenerators
import Layouts
import Tensors
import Testing

@testable import AdapterLaws

/// Where an element of a native tensor is on disk: the key after the layer, and the indices there.
private typealias Formula = @Sendable (_ e: Int, _ x: Int, _ y: Int) -> (String, [Int])

/// A native tensor of a layout, with its formula written out by hand for E = 3, H = 4, I = 5.
private struct Written: Sendable, CustomTestStringConvertible {
  let layout: String
  let native: String
  let shape: [Int]
  let source: Formula

  var testDescription: String { "\(layout) \(native)" }
}

private let (hidden, inter) = (4, 5)

/// One expert's tensors on disk: `gate_and_up[e, h, j]` and `down[e, i, h]`.
private func perExpert(_ layout: String, gate: String, up: String, down: String) -> [Written] {
  [
    Written(
      layout: layout, native: "mlp.experts.gate_and_up_projs", shape: [3, hidden, 2 * inter]
    ) { e, h, j in
      j < inter
        ? (gate.replacing("E", with: "\(e)"), [j, h])
        : (up.replacing("E", with: "\(e)"), [j - inter, h])
    },
    Written(layout: layout, native: "mlp.experts.down_projs", shape: [3, inter, hidden]) {
      e, i, h in (down.replacing("E", with: "\(e)"), [h, i])
    },
  ]
}

private let written: [Written] =
  [
    "hy_v3", "hy_mt2", "qwen3_moe", "glm4_moe", "deepseek_v3", "deepseek_v32", "glm_moe_dsa",
    "glm4_moe_lite", "qwen3_omni_moe", "qwen3_omni", "kimi_vl", "ernie4_5_moe", "qwen3_next",
    "glm5_next", "mimo_v2_flash", "mimo_v25", "kimi_k25_vl", "ling_v2",
  ].flatMap {
    perExpert(
      $0, gate: "mlp.experts.E.gate_proj.weight", up: "mlp.experts.E.up_proj.weight",
      down: "mlp.experts.E.down_proj.weight")
  }
  + perExpert(
    "minimax_m2", gate: "block_sparse_moe.experts.E.w1.weight",
    up: "block_sparse_moe.experts.E.w3.weight", down: "block_sparse_moe.experts.E.w2.weight")
  + perExpert(
    "kimi_linear", gate: "block_sparse_moe.experts.E.w1.weight",
    up: "block_sparse_moe.experts.E.w3.weight", down: "block_sparse_moe.experts.E.w2.weight")
  + perExpert(
    "kimi_k3", gate: "block_sparse_moe.experts.E.w1.weight",
    up: "block_sparse_moe.experts.E.w3.weight", down: "block_sparse_moe.experts.E.w2.weight")
  + perExpert(
    "minimax_m3_vl", gate: "block_sparse_moe.experts.E.w1.weight",
    up: "block_sparse_moe.experts.E.w3.weight", down: "block_sparse_moe.experts.E.w2.weight")
  + [
    // Gate and up are two tensors of all experts.
    Written(
      layout: "step3p5", native: "moe.experts.gate_and_up_projs", shape: [3, hidden, 2 * inter]
    ) { e, h, j in
      j < inter ? ("moe.gate_proj.weight", [e, j, h]) : ("moe.up_proj.weight", [e, j - inter, h])
    },
    Written(layout: "step3p5", native: "moe.experts.down_projs", shape: [3, inter, hidden]) {
      e, i, h in ("moe.down_proj.weight", [e, h, i])
    },
    // Of an expert's joined matrix, the rows of up come before those of gate.
    Written(
      layout: "hunyuan_image3", native: "mlp.experts.gate_and_up_projs",
      shape: [3, hidden, 2 * inter]
    ) { e, h, j in
      ("mlp.experts.\(e).gate_and_up_proj.weight", [j < inter ? inter + j : j - inter, h])
    },
    Written(layout: "hunyuan_image3", native: "mlp.experts.down_projs", shape: [3, inter, hidden]) {
      e, i, h in ("mlp.experts.\(e).down_proj.weight", [h, i])
    },
    Written(
      layout: "qwen3_5_moe", native: "mlp.experts.gate_and_up_projs", shape: [3, hidden, 2 * inter]
    ) { e, h, j in ("mlp.experts.gate_up_proj", [e, j, h]) },
    Written(layout: "qwen3_5_moe", native: "mlp.experts.down_projs", shape: [3, inter, hidden]) {
      e, i, h in ("mlp.experts.down_proj", [e, h, i])
    },
    // No gates.
    Written(
      layout: "nemotron_v3", native: "mixer.experts.gate_and_up_projs", shape: [3, hidden, inter]
    ) { e, h, i in ("mixer.experts.\(e).up_proj.weight", [i, h]) },
    Written(layout: "nemotron_v3", native: "mixer.experts.down_projs", shape: [3, inter, hidden]) {
      e, i, h in ("mixer.experts.\(e).down_proj.weight", [h, i])
    },
    // The same elements in the same places.
    Written(
      layout: "qwen3_vl_moe", native: "mlp.experts.gate_and_up_projs",
      shape: [3, hidden, 2 * inter]
    ) { e, h, j in ("mlp.experts.gate_up_proj", [e, h, j]) },
    Written(layout: "qwen3_vl_moe", native: "mlp.experts.down_projs", shape: [3, inter, hidden]) {
      e, i, h in ("mlp.experts.down_proj", [e, i, h])
    },
    Written(
      layout: "gpt_oss", native: "mlp.experts.gate_and_up_projs", shape: [3, hidden, 2 * inter]
    ) { e, h, j in ("mlp.experts.gate_up_proj", [e, h, j]) },
    Written(layout: "gpt_oss", native: "mlp.experts.down_projs", shape: [3, inter, hidden]) {
      e, i, h in ("mlp.experts.down_proj", [e, i, h])
    },
  ]

/// What native names of layer 1 begin with, where that is another text than on disk.
private let nativeStarts = [
  "qwen3_omni": "model.layers.1.", "minimax_m3_vl": "model.layers.1.",
  "nemotron_v3": "model.layers.1.",
  "kimi_vl": "model.language_model.model.layers.1.",
  "kimi_k25_vl": "model.language_model.model.layers.1.",
  "kimi_k3": "model.layers.1.",
]

@Suite("The oracle against index formulas written by hand for every layout")
struct LayoutFormulaTests {
  @Test("Each element of a native tensor is one of a tensor on disk", arguments: written)
  private func elements(_ written: Written) throws {
    var spec = try LayoutSample.spec(written.layout)
    // A type that loading forces does not come back as another.
    if spec.config.layout.tensors.contains(where: { $0.loadedType != nil }) {
      spec.types.others = .f32
    }
    if spec.config.layout.castsAll != nil { spec.types.expertBias = .bf16 }
    let onDisk = try LayoutSample.onDisk(spec)
    let start = LayoutSample.start(spec)
    let oracle = LayoutOracle(spec)
    let native = oracle.native(of: onDisk)
    let nativeStart = nativeStarts[written.layout] ?? start
    let tensor = try #require(native[TensorName(nativeStart + written.native)])
    #expect(tensor.shape.extents == written.shape)
    for position in 0..<tensor.shape.elementCount {
      let place = tensor.shape.indices(at: position)
      let (key, indices) = written.source(place[0], place[1], place[2])
      let source = try #require(onDisk[TensorName(start + key)])
      let element = zip(indices, source.shape.strides).reduce(0) { $0 + $1.0 * $1.1 }
      #expect(tensor.bits(at: position) == source.bits(at: element), "\(place)")
    }
    #expect(
      Mismatch(expected: onDisk, found: oracle.onDisk(of: native), ordered: false)?.description
        == nil)
  }

  @Test(
    "What is only renamed keeps type and elements",
    arguments: [
      ("hy_v3", "mlp.router.gate.weight", "mlp.gate.weight"),
      ("hy_v3", "mlp.expert_bias", "mlp.gate.e_score_correction_bias"),
      ("hy_v3", "mlp.shared_mlp.up_proj.weight", "mlp.shared_experts.up_proj.weight"),
      ("qwen3_moe", "mlp.gate.weight", "mlp.gate.weight"),
      ("glm4_moe", "mlp.shared_experts.up_proj.weight", "mlp.shared_experts.up_proj.weight"),
      ("deepseek_v3", "self_attn.kv_b_proj.weight", "self_attn.kv_b_proj.weight"),
      ("deepseek_v32", "self_attn.indexer.k_norm.bias", "self_attn.indexer.k_norm.bias"),
      ("minimax_m2", "block_sparse_moe.gate.weight", "mlp.gate.weight"),
      (
        "minimax_m2", "block_sparse_moe.e_score_correction_bias",
        "mlp.gate.e_score_correction_bias"
      ),
      ("step3p5", "moe.gate.weight", "moe.gate.weight"),
      ("step3p5", "moe.router_bias", "moe.gate.e_score_correction_bias"),
      ("gpt_oss", "mlp.router.weight", "mlp.gate.weight"),
      ("gpt_oss", "mlp.router.bias", "mlp.gate.bias"),
      ("gpt_oss", "mlp.experts.down_proj_bias", "mlp.experts.down_proj_bias"),
      ("gpt_oss", "self_attn.sinks", "self_attn.sinks"),
      ("qwen3_omni", "mlp.gate.weight", "mlp.gate.weight"),
      (
        "minimax_m3_vl", "block_sparse_moe.shared_experts.up_proj.weight",
        "shared_experts.up_proj.weight"
      ),
      (
        "minimax_m3_vl", "self_attn.index_q_proj.weight",
        "self_attn.indexer.index_q_proj.weight"
      ),
      ("kimi_vl", "mlp.gate.e_score_correction_bias", "mlp.gate.e_score_correction_bias"),
    ])
  func renamed(layout: String, onDisk: String, native: String) throws {
    let spec = try LayoutSample.spec(layout, target: .f16)
    let checkpoint = try LayoutSample.onDisk(spec)
    let start = LayoutSample.start(spec)
    let nativeStart = nativeStarts[layout] ?? start
    let found = LayoutOracle(spec).native(of: checkpoint)
    #expect(found[TensorName(nativeStart + native)] == checkpoint[TensorName(start + onDisk)])
    #expect(found[TensorName(nativeStart + native)] != nil)
  }

  @Test("Groups take the target type; tensors that are only renamed never do")
  func casts() throws {
    for name in Layout.knownNames where name != "hy_v4" {
      let spec = try LayoutSample.spec(name, target: .f32)
      let native = LayoutOracle(spec).native(of: try LayoutSample.onDisk(spec))
      let cast = native.filter { $0.text.hasSuffix("_projs") }
      let isSparse = try Layout.named(name).layers.patterns == [.all]
      #expect(cast.count == (isSparse ? 4 : 2), "\(name)")
      let type: DType = ["gpt_oss", "kimi_k25_vl"].contains(name) ? .bf16 : .f32
      #expect(cast.allSatisfy { $0.tensor.dtype == type }, "\(name)")
    }
  }

  @Test("The second of two ranks has the last expert, with gpt-oss all of them")
  func ranks() throws {
    for name in Layout.knownNames where name != "hy_v4" {
      let spec = try LayoutSample.spec(name)
      let onDisk = try LayoutSample.onDisk(spec)
      let oracle = LayoutOracle(spec)
      let rank = try ExpertParallelism(rank: 1, size: 2)
      let key = try #require(oracle.native(of: onDisk).names.first { $0.contains("down_projs") })
      let whole = try #require(oracle.native(of: onDisk)[key])
      let own = try #require(oracle.native(of: onDisk, rank)[key])
      let isKept = name == "gpt_oss"
      #expect(own.shape.extents == [isKept ? 3 : 1, inter, hidden], "\(name)")
      #expect(own.patterns == Array(whole.patterns.suffix(own.shape.elementCount)), "\(name)")
      // What a rank writes of tensors that hold all experts are its own.
      let saved = oracle.onDisk(of: key, own, rank)
      let extents = saved.map { $0.1.shape.extents }
      switch name {
      case "step3p5", "step3p7", "qwen3_5_moe": #expect(extents == [[1, hidden, inter]])
      case "qwen3_vl_moe": #expect(extents == [[1, inter, hidden]])
      case "gpt_oss": #expect(extents == [[3, inter, hidden]])
      default:
        #expect(extents == [[hidden, inter]], "\(name)")
        #expect(saved.first?.0.contains(".2.") == true)
      }
    }
  }

  @Test("Prediction layers stay where upstream keeps them")
  func prediction() throws {
    for (name, isKept) in [("hy_v3", false), ("glm4_moe", true), ("deepseek_v3", true)] {
      let spec = try LayoutSample.spec(name, mtp: 1)
      let native = LayoutOracle(spec).native(of: try LayoutSample.onDisk(spec))
      let found = native.names.filter { $0.contains("layers.2.") }
      #expect(found.contains { $0.contains("gate_and_up_projs") } == isKept, "\(name)")
      #expect(found.contains { $0.contains("eh_proj") } == isKept, "\(name)")
    }
  }

  @Test("Renamed keys move after all others where the layout says so, then come groups")
  func order() throws {
    let spec = try LayoutSample.spec("minimax_m2")
    let start = LayoutSample.start(spec)
    let keys = [
      "block_sparse_moe.experts.0.w2.weight", "block_sparse_moe.gate.weight",
      "block_sparse_moe.experts.1.w2.weight", "input_layernorm.weight",
      "block_sparse_moe.experts.2.w2.weight", "block_sparse_moe.e_score_correction_bias",
    ]
    let all = try LayoutSample.onDisk(spec)
    let onDisk = try StateDict(
      keys.map { key in
        let name = TensorName(start + key)
        return (name, try #require(all[name]))
      })
    #expect(
      Array(LayoutOracle(spec).native(of: onDisk).names)
        == [
          "input_layernorm.weight", "mlp.gate.weight", "mlp.experts.down_projs",
          "mlp.gate.e_score_correction_bias",
        ].map { TensorName(start + $0) })
    let other = try LayoutSample.spec("gpt_oss")
    let names = LayoutOracle(other).native(of: try LayoutSample.onDisk(other)).names
    let moved = [
      "mlp.gate.weight", "mlp.gate.bias", "experts.gate_and_up_projs", "experts.down_projs",
    ]
    #expect(names.suffix(8).allSatisfy { name in moved.contains { name.text.hasSuffix($0) } })
  }
}
