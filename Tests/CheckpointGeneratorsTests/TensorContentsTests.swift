// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import CheckpointGenerators
import Tensors
import Testing

@Suite("Contents of tensors")
struct TensorContentsTests {
  @Test("Contents of every kind and type are NumPy's")
  func fixture() throws {
    let tensors = try ContentsFixture.read().tensors
    #expect(tensors.count == 352)
    for expected in tensors {
      let dtype = try #require(DType(rawValue: expected.dtype))
      let kind: TensorContents.Kind =
        switch expected.kind {
        case "constant": .constant(pattern: expected.parameter)
        case "tracer": .tracer(digit: expected.parameter)
        case "iota": .iota
        case "random": .random
        default: .special
        }
      #expect(kind.name == expected.kind)
      let contents = TensorContents(kind, seed: try word(expected.seed))
      let info = TensorInfo(TensorName(expected.name), dtype, try Shape([expected.count]))
      let tensor = try contents.tensor(info, address: try word(expected.address))
      #expect(expected.described(tensor) == expected.expected, "\(kind) \(info)")
    }
  }

  @Test("An element alone is the element of the tensor", arguments: DType.allCases, kinds)
  func elements(dtype: DType, kind: TensorContents.Kind) throws {
    let contents = TensorContents(kind, seed: 5)
    let info = TensorInfo("model.norm.weight", dtype, [3, 7])
    let tensor = try contents.tensor(info, address: 60)
    let alone = (0..<21).map { contents.bits(of: info, address: 60, at: $0) }
    #expect(alone == (0..<21).map { tensor.bits(at: $0) })
  }

  @Test("An element does not depend on the shape", arguments: DType.allCases, kinds)
  func prefixes(dtype: DType, kind: TensorContents.Kind) throws {
    let contents = TensorContents(kind, seed: 5)
    let whole = try contents.tensor(TensorInfo("t", dtype, [40]), address: 9)
    for shape in [[], [0], [1], [5], [2, 3], [3, 2], [1, 11], [2, 2, 8], [33]] {
      let info = TensorInfo("t", dtype, try Shape(shape))
      let part = try contents.tensor(info, address: 9)
      let isPrefix = (0..<info.shape.elementCount).allSatisfy {
        part.bits(at: $0) == whole.bits(at: $0)
      }
      #expect(isPrefix, "\(info.shape)")
    }
  }

  @Test("Kinds depend on the address, or on seed and name, and on nothing else", arguments: kinds)
  func dependencies(kind: TensorContents.Kind) throws {
    let base = try make(kind, seed: 1, "a", address: 0)
    let ofAddress: Bool
    let ofStream: Bool
    switch kind {
    case .constant: (ofAddress, ofStream) = (false, false)
    case .tracer, .iota: (ofAddress, ofStream) = (true, false)
    case .random, .special: (ofAddress, ofStream) = (false, true)
    }
    #expect(try (make(kind, seed: 1, "a", address: 640) != base) == ofAddress)
    #expect(try (make(kind, seed: 2, "a", address: 0) != base) == ofStream)
    #expect(try (make(kind, seed: 1, "b", address: 0) != base) == ofStream)
  }

  private func make(
    _ kind: TensorContents.Kind, seed: UInt64, _ name: TensorName, address: UInt64
  ) throws -> Tensor {
    try TensorContents(kind, seed: seed).tensor(TensorInfo(name, .f32, [32]), address: address)
  }

  @Test("Iota has every pattern of a 16-bit type, NaNs included")
  func iota() throws {
    let tensor = try TensorContents(.iota).tensor(
      TensorInfo("t", .bf16, [256, 256]), address: 0x7fff_ff00)
    let wrong = stride(from: 0, to: 65536, by: 251).first {
      tensor.bits(at: $0) != UInt64(0xff00 + $0) % 65536
    }
    #expect(wrong == nil)
  }

  @Test("Bools are 0 or 1 in every kind, and both in random ones")
  func bools() throws {
    for kind in kinds {
      let tensor = try TensorContents(kind).tensor(TensorInfo("t", .bool, [77]), address: 3)
      let values = Set((0..<77).map { tensor.bits(at: $0) })
      #expect(values.isSubset(of: [0, 1]), "\(kind)")
      if kind == .random { #expect(values.count == 2) }
    }
  }

  @Test("A constant is counted modulo the number of patterns, in both directions")
  func constants() throws {
    let info = TensorInfo("t", .u8, [])
    let patterns = SpecialPatterns.of(.u8)
    for number in [-8, -7, -1, 0, 1, 7, 15, .max, .min] {
      let bits = TensorContents(.constant(pattern: number)).bits(of: info, address: 0, at: 0)
      let expected = patterns[((number % 7) + 7) % 7]
      #expect(bits == expected, "pattern \(number)")
    }
  }

  @Test("Digits that an address does not have are 0", arguments: [-1, 11, .max, .min])
  func digitsBeyond(digit: Int) throws {
    let info = TensorInfo("t", .u8, [2])
    let tensor = try TensorContents(.tracer(digit: digit)).tensor(info, address: .max)
    #expect([tensor.bits(at: 0), tensor.bits(at: 1)] == [1, 1])
  }
}
