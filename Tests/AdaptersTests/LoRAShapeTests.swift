// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
import Tensors
import Testing

@Suite("LoRA factors of impossible shapes are refused, not lost")
struct LoRAShapeTests {
  private let base = "base_model.model.model.layers.1.mlp.experts."
  private let planner: AdapterPlanner

  init() throws {
    planner = AdapterPlanner(try TestCheckpoint.config())
  }

  /// The code and subject of every finding, in order.
  private func offences(
    _ plan: () throws(AdapterError) -> ConversionPlan
  ) -> [Offence]? {
    do {
      _ = try plan()
      return nil
    } catch {
      return error.problems.map { Offence($0.code, $0.subject) }
    }
  }

  private func native(_ tail: String, _ shape: Shape) -> TensorInfo {
    TensorInfo(TensorName("\(base)lora_\(tail)"), .f32, shape)
  }

  @Test("A rank with which the grouped factor would overflow, from disk")
  func hugeRankOnDisk() {
    let rank = 1 << 60
    let sources = (0..<3).flatMap { expert in
      [
        TensorInfo(TensorName("\(base)\(expert).down_proj.lora_A.weight"), .f32, [rank, 5]),
        TensorInfo(TensorName("\(base)\(expert).down_proj.lora_B.weight"), .f32, [4, rank]),
      ]
    }
    #expect(
      offences { () throws(AdapterError) in try planner.fromHF(sources) }
        == ["down_A", "down_B"].map { Offence(.wrongShape, TensorName("\(base)lora_\($0)")) })
  }

  @Test("A rank with which the grouped factor would overflow, in native form")
  func hugeNativeRank() {
    let rank = 1 << 62
    let sources = [native("down_A", [1, 1, rank]), native("down_B", [1, rank, 1])]
    #expect(
      offences { () throws(AdapterError) in try planner.toHF(sources) }
        == sources.map { Offence(.wrongShape, $0.name) })
  }

  @Test("Native factors of another number of axes, each on its own account")
  func axes() {
    let right: [(tail: String, shape: Shape)] = [
      ("gate_and_up_A", [3, 4, 2]), ("gate_and_up_B", [3, 2, 10]), ("down_A", [3, 5, 2]),
      ("down_B", [3, 2, 4]),
    ]
    for (wrong, _) in right {
      for shape in [[], [24], [6, 4], [3, 4, 2, 1]] as [Shape] {
        let sources = right.map { native($0.tail, $0.tail == wrong ? shape : $0.shape) }
        let found = offences { () throws(AdapterError) in try planner.toHF(sources) }
        #expect(
          found == [Offence(.wrongShape, TensorName("\(base)lora_\(wrong)"))], "\(wrong) \(shape)")
      }
    }
  }

  @Test("Factors of which none is a matrix")
  func noMatrices() {
    let sources = (0..<3).flatMap { expert in
      [
        TensorInfo(TensorName("\(base)\(expert).down_proj.lora_A.weight"), .f32, [10]),
        TensorInfo(TensorName("\(base)\(expert).down_proj.lora_B.weight"), .f32, [8]),
      ]
    }
    let found = offences { () throws(AdapterError) in try planner.fromHF(sources) }
    #expect(found.map(Set.init) == .all(.wrongShape, sources.map(\.name)))
    #expect(found?.count == sources.count)
  }
}
