// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import CheckpointGenerators
import Tensors
import Testing

@Suite("The alphabet of tracers")
struct TracerAlphabetTests {
  /// The patterns of the digits 0...63.
  private func alphabet(_ dtype: DType) -> [UInt64] {
    let info = TensorInfo("t", dtype, [64])
    return (0..<64).map { TensorContents(.tracer(digit: 0)).bits(of: info, address: 0, at: $0) }
  }

  @Test("Floats have the same 64 numbers in every type", arguments: signedFloats)
  func numbers(dtype: DType) {
    let numbers = alphabet(dtype).map { DecodedFloat($0, dtype).value }
    let expected = (0..<64).map { digit in
      var number = 1 + Double(digit % 4) / 4
      for _ in 0..<(digit / 4 % 8) { number *= 2 }
      return digit < 32 ? number : -number
    }
    #expect(numbers == expected)
    #expect(Set(numbers).count == 64)
  }

  @Test("Digits survive every cast", arguments: signedFloats, signedFloats)
  func casts(source: DType, target: DType) throws {
    let cast = try Cast(from: source, to: target)
    let back = try Cast(from: target, to: source)
    for (digit, bits) in alphabet(source).enumerated() {
      let there = cast(bits: bits)
      #expect(TensorContents.digit(of: there, target) == digit, "\(hex(bits)) -> \(hex(there))")
      #expect(back(bits: there) == bits)
    }
  }

  @Test("F8_E8M0 has 64 powers of two, integers 1...64, BOOL both values")
  func otherTypes() {
    #expect(alphabet(.f8E8M0) == Array(95...158))
    for dtype in DType.allCases where !dtype.isFloatingPoint && dtype != .bool {
      #expect(alphabet(dtype) == Array(1...64), "\(dtype)")
    }
    #expect(alphabet(.bool) == (0..<64).map { $0 % 2 })
  }

  @Test("Patterns outside the alphabet have no digit", arguments: DType.allCases)
  func inverse(dtype: DType) {
    let alphabet = alphabet(dtype)
    let digits = Dictionary(
      zip(alphabet, 0..<64), uniquingKeysWith: { first, _ in first })
    // Neighbors in each field, and everything of the narrow types.
    var patterns = alphabet.flatMap { bits in (0..<64).map { bits ^ 1 << UInt64($0) } } + alphabet
    patterns += Array(0...0xffff) + SpecialPatterns.of(dtype) + [.max, 1 << 63]
    let wrong = patterns.first { TensorContents.digit(of: $0, dtype) != digits[$0] }
    #expect(wrong.map(hex) == nil)
  }

  @Test("An address is told by as many digits as its number needs")
  func digitCount() {
    for (elements, count) in [
      (0, 1), (1, 1), (64, 1), (65, 2), (4096, 2), (4097, 3), (1 << 60, 10), (1 << 60 + 1, 11),
      (.max, 11),
    ] as [(UInt64, Int)] {
      #expect(TensorContents.digitCount(elements: elements) == count, "\(elements) elements")
    }
  }

  @Test("The digits of a tracer are the address", arguments: [DType.bf16, .f64, .f8E4M3, .i8])
  func address(dtype: DType) throws {
    let addresses: [UInt64] = [0, 63, 1 << 40 - 3, .max - 2]
    for first in addresses {
      let info = TensorInfo("t", dtype, [2, 3])
      var found = [UInt64](repeating: 0, count: 6)
      for digit in 0..<TensorContents.digitCount(elements: .max) {
        let tensor = try TensorContents(.tracer(digit: digit)).tensor(info, address: first)
        for index in 0..<6 {
          let value = try #require(TensorContents.digit(of: tensor.bits(at: index), dtype))
          found[index] |= UInt64(value) << UInt64(6 * digit)
        }
      }
      #expect(found == (0..<6).map { first &+ $0 })
    }
  }
}
