// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Tensors
import Testing

@Suite("Many names in a few lines")
struct NameCensusTests {
  private func lines(_ names: [String], atMost limit: Int = 6) -> [String] {
    NameCensus(names.map { TensorName($0) }).lines(atMost: limit)
  }

  @Test("Layers, experts and parts are one line where all combinations are there")
  func one() {
    let names = [1, 2, 5].flatMap { layer in
      (0..<3).flatMap { expert in
        ["gate", "up"].map { "model.layers.\(layer).mlp.experts.\(expert).\($0)_proj.weight" }
      }
    }
    let line = "model.layers.{1-2,5}.mlp.experts.{0-2}.{gate_proj,up_proj}.weight (18)"
    #expect(lines(names) == [line])
    #expect(
      lines(names.reversed()) == [line.replacing("gate_proj,up_proj", with: "up_proj,gate_proj")])
  }

  @Test("What differs in its numbers is apart, and every name is counted once")
  func apart() {
    let names = [
      "l.0.e.0.w", "l.0.e.1.w", "l.1.e.0.w", "l.1.e.1.w", "l.2.e.1.w", "a", "b", "x.07.y",
    ]
    #expect(lines(names) == ["l.{0-1}.e.{0-1}.w (4)", "l.2.e.1.w", "{a,b} (2)", "x.07.y"])
    #expect(lines(names, atMost: 1) == ["l.{0-1}.e.{0-1}.w (4)", "and 4 more"])
    #expect(NameCensus(names.map { TensorName($0) }).entries.reduce(0) { $0 + $1.count } == 8)
    #expect(lines([]) == [])
    #expect(lines([""]) == [""])
  }

  @Test("Many ranges are cut")
  func ranges() {
    #expect(NameCensus.ranges([0, 1, 2, 4, 6, 7]) == "0-2,4,6-7")
    #expect(NameCensus.ranges([]) == "")
    #expect(NameCensus.ranges(Array(stride(from: 0, to: 40, by: 2))) == "0,2,4,6,8,10,12,14,...")
  }
}
