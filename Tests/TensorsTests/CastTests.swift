// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Foundation
import Tensors
import Testing

private let floats = DType.allCases.filter(\.isFloatingPoint)
private let targets = floats.filter { $0 != .f8E8M0 }
private let eightBit: [DType] = [.f8E4M3, .f8E5M2, .f8E8M0]

@Suite("Casts between element types")
struct CastTests {
  @Test("Every result on an 8-bit pattern is torch's", arguments: eightBit)
  func eightBitSources(source: DType) throws {
    for target in targets where target != source {
      let cast = try Cast(from: source, to: target)
      let expected = try Fixture.words("\(source).\(target)", width: target.byteCount)
      let mismatch = (0..<256).first {
        canonical(cast(bits: UInt64($0)), target) != expected[$0]
      }
      #expect(mismatch.map(hex) == nil, "\(source) -> \(target)")
    }
  }

  @Test("Every result on a 16-bit pattern is torch's", arguments: [DType.bf16, .f16], targets)
  func sixteenBitSources(source: DType, target: DType) throws {
    guard source != target else { return }
    let cast = try Cast(from: source, to: target)
    let expected = try Fixture.words("\(source).\(target)", width: 8)
    let width = target.byteCount
    let mismatch = (0..<256).first { block in
      var hash: UInt64 = 0xcbf2_9ce4_8422_2325
      for pattern in block * 256..<block * 256 + 256 {
        var result = canonical(cast(bits: UInt64(pattern)), target)
        for _ in 0..<width {
          hash = (hash ^ (result & 0xff)) &* 0x100_0000_01b3
          result >>= 8
        }
      }
      return hash != expected[block]
    }
    #expect(mismatch.map { hex($0 * 256) } == nil, "the block of 256 patterns from here")
  }

  @Test(
    "Results on F32 and F64 at ties, limits and random places are torch's",
    arguments: [DType.f32, .f64])
  func wideSources(source: DType) throws {
    let inputs = try Fixture.words("\(source).inputs", width: source.byteCount)
    #expect(inputs.count > 3000)
    for target in targets where target != source {
      let cast = try Cast(from: source, to: target)
      let expected = try Fixture.words("\(source).\(target)", width: target.byteCount)
      #expect(expected.count == inputs.count)
      let mismatch = zip(inputs, expected).first { canonical(cast(bits: $0), target) != $1 }
      #expect(mismatch.map { hex($0.0) } == nil, "\(source) -> \(target)")
    }
  }

  @Test("F64 is rounded to F32 before it is rounded to a narrower type")
  func twoRoundings() throws {
    // Just above the tie between 1 and the next BF16; F32 rounds it to the tie.
    let value = (1 + 0x1p-8 + 0x1p-50).bitPattern
    #expect(try Cast(from: .f64, to: .bf16)(bits: value) == 0x3f80)
    let rounded = Float(1 + 0x1p-8 + 0x1p-23).bitPattern
    #expect(try Cast(from: .f32, to: .bf16)(bits: UInt64(rounded)) == 0x3f81)
  }

  @Test("F8_E4M3 saturates, the others overflow to infinity")
  func overflow() throws {
    for (value, expected) in [
      (Float(448), 0x7e), (464, 0x7e), (465, 0x7e), (480, 0x7e), (.infinity, 0x7e),
      (-.infinity, 0xfe), (-1e9, 0xfe),
    ] as [(Float, UInt64)] {
      #expect(try Cast(from: .f32, to: .f8E4M3)(bits: UInt64(value.bitPattern)) == expected)
    }
    for (target, infinity) in [(.bf16, 0x7f80), (.f16, 0x7c00), (.f8E5M2, 0x7c)]
      as [(DType, UInt64)]
    {
      let largest = UInt64(Float.greatestFiniteMagnitude.bitPattern)
      #expect(try Cast(from: .f32, to: target)(bits: largest) == infinity)
    }
  }

  @Test("A type's cast to itself changes no bit", arguments: DType.allCases)
  func identity(type: DType) throws {
    let cast = try Cast(from: type, to: type)
    #expect(cast.isIdentity)
    var random = Random(seed: 1)
    for _ in 0..<1000 {
      let bits = random.next() & mask(type)
      #expect(cast(bits: bits) == bits)
    }
  }

  @Test("Only floating-point types are cast, and none to F8_E8M0")
  func unsupported() throws {
    for source in DType.allCases {
      for target in DType.allCases where source != target {
        let isSupported = source.isFloatingPoint && targets.contains(target)
        #expect(Cast.isSupported(from: source, to: target) == isSupported)
        if isSupported {
          #expect(try Cast(from: source, to: target).isIdentity == false)
        } else {
          #expect(throws: TensorError.unsupportedCast(from: source, to: target)) {
            try Cast(from: source, to: target)
          }
        }
      }
    }
  }
}

private func mask(_ type: DType) -> UInt64 { ~0 >> (64 - 8 * UInt64(type.byteCount)) }

private func canonical(_ bits: UInt64, _ type: DType) -> UInt64 {
  NaNFields(type).isNaN(bits) ? NaNFields(type).quietNaN : bits
}
