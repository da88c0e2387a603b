// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import CheckpointGenerators
import Layouts
import Tensors
import Testing

@testable import AdapterLaws

private let down: TensorName = "model.layers.1.mlp.experts.down_projs"

@Suite("Mismatch")
struct MismatchTests {
  private let native: StateDict
  private let layout: Layout

  init() throws {
    let spec = try Sample.spec()
    layout = spec.config.layout
    native = LayoutOracle(spec).native(of: try Checkpoint(spec).stateDict())
  }

  /// The state dict with one tensor changed.
  private func changing(
    _ name: TensorName, _ change: (Tensor) throws -> Tensor
  ) throws -> StateDict {
    try StateDict(native.map { ($0, $0 == name ? try change($1) : $1) })
  }

  private func bits(_ tensor: Tensor, _ change: (Int, UInt64) -> UInt64) throws -> Tensor {
    try Tensor(tensor.dtype, tensor.shape) { change($0, tensor.bits(at: $0)) }
  }

  private func compared(
    _ found: StateDict, ordered: Bool = true
  ) -> Mismatch? {
    Mismatch(
      expected: native, found: found, ordered: ordered)
  }

  @Test("Equal state dicts have none")
  func equal() {
    #expect(compared(native) == nil)
  }

  @Test("A missing key, a surplus key, and both")
  func keys() throws {
    let without = native.filter { $0 != down }
    let missing = try #require(compared(without))
    #expect(missing.kind == .missingKey)
    #expect(missing.place(in: layout) == "down")
    #expect(missing.missing == [down])
    #expect(missing.summary == "missing '\(down)'")
    let surplus = try #require(Mismatch(expected: without, found: native))
    #expect(surplus.kind == .surplusKey)
    #expect(surplus.description == "surplus  \(down)")
    let renamed = try StateDict(native.map { ($0 == down ? "model.layers.1.other" : $0, $1) })
    let both = try #require(compared(renamed))
    #expect(both.kind == .wrongKey)
    #expect(both.place(in: layout) == "down")
  }

  @Test("Keys in another order, unless order does not matter")
  func order() throws {
    var pairs = native.map { ($0, $1) }
    pairs.swapAt(2, 5)
    let found = try StateDict(pairs)
    let reordered = try #require(compared(found))
    #expect(reordered.kind == .keyOrder)
    #expect(reordered.order?.position == 2)
    #expect(reordered.order?.expected == native[2].name)
    #expect(reordered.order?.found == native[5].name)
    #expect(compared(found, ordered: false) == nil)
  }

  @Test("Another element type and another shape")
  func metadata() throws {
    let retyped = try changing(down) { try Tensor(.f16, $0.shape) { _ in 0 } }
    #expect(compared(retyped)?.kind == .dtype)
    #expect(compared(retyped)?.summary == "'\(down)': expected BF16, found F16")
    let reshaped = try changing(down) { try Tensor($0.dtype, [3, 4, 5]) { _ in 0 } }
    #expect(compared(reshaped)?.kind == .shape)
    #expect(compared(reshaped)?.summary == "'\(down)': expected [3, 5, 4], found [3, 4, 5]")
  }

  @Test("Elements: how many, where, which")
  func elements() throws {
    let found = try changing(down) { tensor in
      try bits(tensor) { $0 == 23 || $0 == 34 ? $1 ^ 1 : $1 }
    }
    let mismatch = try #require(compared(found))
    #expect(mismatch.kind == .elements)
    #expect(mismatch.place(in: layout) == "down")
    let tensor = try #require(mismatch.tensors.first)
    #expect(tensor.count == 2)
    #expect(tensor.share == 2.0 / 60)
    #expect(tensor.first.map(\.index) == [[1, 0, 3], [1, 3, 2]])
    #expect(tensor.first.map(\.ulps) == [1, 1])
    #expect(tensor.bounds == [1..<2, 0..<4, 2..<4])
    #expect(
      mismatch.summary.hasPrefix("'\(down)': 2 of 60 elements (3.4%) differ, first [1, 0, 3]"))
  }

  @Test("The place is the same on both sides, in any order of keys, and where more is wrong")
  func place() throws {
    let spec = try Sample.spec()
    let onDisk = try Checkpoint(spec).stateDict()
    func place(_ right: StateDict, _ text: String) throws -> String? {
      let wrong = try StateDict(
        right.map { name, tensor in
          (name, name.text.contains(text) ? try bits(tensor) { $1 ^ 1 } : tensor)
        })
      return Mismatch(expected: right, found: wrong)?.place(in: layout)
    }
    let reversed = try StateDict(native.reversed().map { ($0.name, $0.tensor) })
    for right in [native, onDisk, reversed] {
      #expect(try place(right, "experts.") == "gate and up")
    }
    #expect(try place(native, "down_projs") == "down")
    #expect(try place(onDisk, "experts.2.down_proj") == "down")
    #expect(try place(onDisk, "experts.2.up_proj") == "gate and up")
  }

  @Test("Zeros instead of other numbers are zeroed; a lost sign of zero is not")
  func zeroed() throws {
    #expect(compared(try changing(down) { try bits($0) { _, _ in 0 } })?.kind == .zeroed)
    let expected = try StateDict([(down, try Tensor(.bf16, [2]) { [0x8000, 1][$0] })])
    let found = try StateDict([(down, try Tensor(.bf16, [2]) { [0, 1][$0] })])
    #expect(Mismatch(expected: expected, found: found)?.kind == .elements)
  }

  @Test("Where a cast made a NaN, any other is as good")
  func castNaN() throws {
    let expected = try StateDict([(down, try Tensor(.bf16, [2]) { [0x7fc0, 0x3f80][$0] })])
    let found = try StateDict([(down, try Tensor(.bf16, [2]) { [0xffa1, 0x3f80][$0] })])
    #expect(Mismatch(expected: expected, found: found)?.kind == .elements)
    #expect(Mismatch(expected: expected, found: found, castTensors: [down]) == nil)
  }

  @Test("The description is aligned and short")
  func description() throws {
    let expected = try StateDict([
      (TensorName("a"), try Tensor(.bf16, [2, 2]) { [0x3f80, 0x4000, 0x4040, 0x7fc0][$0] }),
      (TensorName("b"), try Tensor(.u8, [1]) { _ in 200 }),
    ])
    let found = try StateDict([
      (TensorName("a"), try Tensor(.bf16, [2, 2]) { [0x3f80, 0x3fff, 0x4040, 0x0001][$0] }),
      (TensorName("b"), try Tensor(.u8, [1]) { _ in 0 }),
    ])
    let text = Mismatch(expected: expected, found: found)?.description
    #expect(
      text == """
        b
          U8 [1]: 1 of 1 elements (100%) are zero and should not be
          all within [0..<1]
          at   expected        found        ulps
          [0]  200       0xc8  0      0x00  -
        a: 2 of 4 elements (50%) differ, first [0, 1]: expected 2.0 (0x4000), found 1.9921875 (0x3fff)
        """)
    let all = try StateDict(native.map { ($0, try bits($1) { $1 ^ 1 }) })
    let lines = compared(all)?.description.split(separator: "\n") ?? []
    #expect(lines.count == 20)
    #expect(lines.last?.hasSuffix("more tensors") == true)
  }
}
