// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Tensors
import Testing

@Suite("Shapes")
struct ShapeTests {
  @Test("The element count is the product of the extents")
  func elementCount() throws {
    #expect(try Shape([]).elementCount == 1)
    #expect(try Shape([5]).elementCount == 5)
    #expect(try Shape([2, 3, 4]).elementCount == 24)
    #expect(try Shape([.max, 1]).elementCount == .max)
    let shape: Shape = [2, 3]
    #expect(try shape == Shape([2, 3]))
    #expect(try shape != Shape([3, 2]))
    #expect(shape.rank == 2)
    #expect(shape[1] == 3)
    #expect(shape.description == "[2, 3]")
  }

  @Test("A zero extent makes a shape empty however large the others are")
  func zeroExtent() throws {
    #expect(try Shape([.max, .max, 0]).elementCount == 0)
    #expect(try Shape([0, .max, 3]).elementCount == 0)
    #expect(try Shape([.max, .max, 0]).byteCount(of: .f64) == 0)
    _ = try Shape([0, .max, .max]).strides
  }

  @Test("Negative extents and overflowing products are errors that name them")
  func invalid() {
    for extents in [[-1], [0, -1], [-1, 0], [.min, 2], [.max, 2, -3]] {
      #expect(throws: TensorError.self, "\(extents)") { try Shape(extents) }
    }
    // The second product wraps around to zero.
    for extents in [[.max, 2], [1 << 32, 1 << 32], [1 << 62, 2, 3], [3, .max, 5]] {
      let reason = "the element count overflows 64 bits"
      #expect(throws: TensorError.invalidShape(extents: extents, reason: reason)) {
        try Shape(extents)
      }
    }
  }

  @Test("The size in bytes is checked for overflow")
  func byteCount() throws {
    #expect(try Shape([3, 5]).byteCount(of: .bf16) == 30)
    #expect(try Shape([.max]).byteCount(of: .u8) == .max)
    for type in DType.allCases where type.byteCount > 1 {
      #expect(throws: TensorError.self, "\(type)") { try Shape([.max]).byteCount(of: type) }
    }
  }

  @Test("Strides are row-major")
  func strides() throws {
    #expect(try Shape([]).strides == [])
    #expect(try Shape([7]).strides == [1])
    #expect(try Shape([2, 3, 4]).strides == [12, 4, 1])
  }

  @Test("A literal with a negative extent stops the program")
  func negativeLiteral() async {
    await #expect(processExitsWith: .failure) {
      let shape: Shape = [2, -1]
      print(shape)
    }
  }
}
