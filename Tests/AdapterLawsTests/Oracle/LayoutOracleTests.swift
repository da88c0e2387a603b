// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import CheckpointGenerators
import Layouts
import Tensors
import Testing

@testable import AdapterLaws

@Suite("The oracle against numbers written out")
struct LayoutOracleTests {
  /// Two experts, two hidden dimensions, three inner ones.
  private let oracle: LayoutOracle

  init() throws {
    oracle = LayoutOracle(
      try Sample.spec(try Sample.config(experts: 2, hidden: 2, inter: 3, layers: [.sparse])))
  }

  private let onDisk: [(String, DType, Shape, [UInt64])] = [
    ("model.layers.0.mlp.expert_bias", .f32, [2], [7, 8]),
    ("model.layers.0.mlp.experts.1.up_proj.weight", .bf16, [3, 2], [41, 42, 43, 44, 45, 46]),
    ("model.layers.0.mlp.experts.0.down_proj.weight", .bf16, [2, 3], [21, 22, 23, 24, 25, 26]),
    ("model.layers.0.mlp.experts.0.gate_proj.weight", .bf16, [3, 2], [1, 2, 3, 4, 5, 6]),
    ("model.layers.0.mlp.experts.1.down_proj.weight", .bf16, [2, 3], [51, 52, 53, 54, 55, 56]),
    ("lm_head.weight", .bf16, [1, 2], [98, 99]),
    ("model.layers.0.mlp.experts.0.up_proj.weight", .bf16, [3, 2], [11, 12, 13, 14, 15, 16]),
    ("model.layers.0.mlp.experts.1.gate_proj.weight", .bf16, [3, 2], [31, 32, 33, 34, 35, 36]),
    ("model.layers.0.mlp.router.gate.weight", .bf16, [2, 2], [61, 62, 63, 64]),
    ("model.layers.0.mlp.shared_mlp.up_proj.weight", .bf16, [1, 2], [71, 72]),
  ]

  private let native: [(String, DType, Shape, [UInt64])] = [
    ("model.layers.0.mlp.gate.e_score_correction_bias", .f32, [2], [7, 8]),
    (
      "model.layers.0.mlp.experts.down_projs", .bf16, [2, 3, 2],
      [21, 24, 22, 25, 23, 26, 51, 54, 52, 55, 53, 56]
    ),
    ("lm_head.weight", .bf16, [1, 2], [98, 99]),
    (
      "model.layers.0.mlp.experts.gate_and_up_projs", .bf16, [2, 2, 6],
      [
        1, 3, 5, 11, 13, 15, 2, 4, 6, 12, 14, 16,
        31, 33, 35, 41, 43, 45, 32, 34, 36, 42, 44, 46,
      ]
    ),
    ("model.layers.0.mlp.gate.weight", .bf16, [2, 2], [61, 62, 63, 64]),
    ("model.layers.0.mlp.shared_experts.up_proj.weight", .bf16, [1, 2], [71, 72]),
  ]

  private func stateDict(_ lines: [(String, DType, Shape, [UInt64])]) throws -> StateDict {
    try StateDict(
      lines.map { name, dtype, shape, bits in
        (TensorName(name), try Tensor(dtype, shape) { bits[$0] })
      })
  }

  @Test("Native form")
  func toNativeForm() throws {
    let mismatch = Mismatch(
      expected: try stateDict(native), found: oracle.native(of: try stateDict(onDisk)))
    #expect(mismatch?.description == nil)
  }

  @Test("The form on disk, experts in order where their group stood")
  func toDisk() throws {
    let order = [0, 2, 4, 5, 3, 6, 7, 1, 8, 9]
    let mismatch = Mismatch(
      expected: try stateDict(order.map { onDisk[$0] }),
      found: oracle.onDisk(of: try stateDict(native)))
    #expect(mismatch?.description == nil)
  }

  @Test("The second of two ranks has the second expert")
  func secondRank() throws {
    let found = oracle.native(
      of: try stateDict(onDisk), try ExpertParallelism(rank: 1, size: 2))
    let down = try #require(found["model.layers.0.mlp.experts.down_projs"])
    #expect(down.shape == [1, 3, 2])
    #expect(down.patterns == [51, 54, 52, 55, 53, 56])
    #expect(found["lm_head.weight"]?.patterns == [98, 99])
  }

  @Test("Five experts on three ranks are two, two and one")
  func ranges() throws {
    let oracle = LayoutOracle(try Sample.spec(try Sample.config(experts: 5)))
    let ranges = try (0..<3).map {
      oracle.experts(of: try ExpertParallelism(rank: $0, size: 3))
    }
    #expect(ranges == [0..<2, 2..<4, 4..<5])
    #expect(oracle.experts(of: try ExpertParallelism(rank: 6, size: 8)).isEmpty)
  }

  @Test("What is no checkpoint has no form, and stops nothing")
  func malformed() throws {
    var lines = onDisk
    lines[1].2 = [2, 3]
    #expect(oracle.native(of: try stateDict(lines)).count == native.count - 1)
    lines = native
    lines[1].2 = [3, 2, 2]
    #expect(oracle.onDisk(of: try stateDict(lines)).count == onDisk.count - 2)
  }
}
