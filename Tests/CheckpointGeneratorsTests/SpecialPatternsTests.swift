// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import CheckpointGenerators
import Tensors
import Testing

@Suite("Special patterns")
struct SpecialPatternsTests {
  @Test("Every type has distinct patterns of its width, +0 first", arguments: DType.allCases)
  func tables(dtype: DType) throws {
    let patterns = SpecialPatterns.of(dtype)
    #expect(patterns.first == 0)
    #expect(Set(patterns).count == patterns.count)
    #expect(patterns.allSatisfy { $0 <= .max >> UInt64(64 - 8 * dtype.byteCount) })
    #expect(patterns.count == 256 || patterns.count <= 106, "\(patterns.count) patterns")
    let expected = try #require(try ContentsFixture.read().specialPatterns[dtype.rawValue])
    #expect(patterns.map { String($0, radix: 16) } == expected)
  }

  @Test("Floats have every class with both signs", arguments: signedFloats)
  func classes(dtype: DType) {
    let numbers = SpecialPatterns.of(dtype).map { DecodedFloat($0, dtype) }
    #expect(numbers.prefix(3).map(\.value.description) == ["0.0", "1.0", "-0.0"])
    for isNegative in [false, true] {
      let found = numbers.filter { $0.isNegative == isNegative }
      let missing = DecodedFloat.Class.allCases.filter { wanted in
        !found.contains { $0.numberClass == wanted }
      }
      #expect(missing == (dtype == .f8E4M3 ? [.infinity, .signallingNaN] : []))
      // Payloads in the order of the documentation, the canonical NaN first.
      let quiet = found.filter { $0.numberClass == .quietNaN }.map(\.payload)
      let signalling = found.filter { $0.numberClass == .signallingNaN }.map(\.payload)
      let largest: UInt64 =
        switch dtype {
        case .bf16: 0x3f
        case .f16: 0x1ff
        case .f32: 0x3f_ffff
        case .f64: 0x7_ffff_ffff_ffff
        default: 1
        }
      let isSmall = dtype == .f8E5M2 || dtype == .f8E4M3
      let middle = (largest + 1) / 2
      #expect(quiet == (dtype == .f8E4M3 ? [3] : isSmall ? [0, 1] : [0, middle, largest]))
      #expect(signalling == (dtype == .f8E4M3 ? [] : isSmall ? [1] : [1, middle, largest]))
    }
  }

  @Test("The ends of each class are there, of both signs")
  func ends() {
    for (dtype, numbers) in [
      (.bf16, [0x1p-133, 0x1.fcp-127, 0x1p-126, 0x1.fep127]),
      (.f16, [0x1p-24, 0x1.ff8p-15, 0x1p-14, 65504]),
      (.f32, [0x1p-149, 0x1.fffffcp-127, 0x1p-126, 0x1.fffffep127]),
      (
        .f64,
        [.leastNonzeroMagnitude, .leastNormalMagnitude.nextDown, 0x1p-1022, 0x1.fffffffffffffp1023]
      ),
      (.f8E4M3, [0x1p-9, 0x1.cp-7, 0x1p-6, 448]),
      (.f8E5M2, [0x1p-16, 0x1.8p-15, 0x1p-14, 57344]),
    ] as [(DType, [Double])] {
      let found = Set(SpecialPatterns.of(dtype).map { DecodedFloat($0, dtype).value })
      #expect((numbers + numbers.map(-)).filter { !found.contains($0) } == [], "\(dtype)")
    }
  }

  @Test("Ties of rounding and limits of narrower types are there")
  func ties() {
    for (source, numbers) in [
      // Towards BF16, F16, E4M3, E5M2: near 1, below the smallest subnormal, at the smallest normal,
      // the largest finite, the overflow.
      (
        .f32,
        [
          0x1.01p0, 0x1.03p0, 0x1p-134, 0x1.fep-127, 0x1.fep127, 0x1.ffp127,
          0x1.002p0, 0x1.006p0, 0x1p-25, 0x1.ffcp-15, 65504, 65520,
          0x1.1p0, 0x1.3p0, 0x1p-10, 0x1.ep-7, 448, 464, 240,
          0x1.2p0, 0x1.6p0, 0x1p-17, 0x1.cp-15, 57344, 61440,
        ]
      ),
      (.f64, [0x1.000001p0, 0x1.000003p0, 0x1p-150, 0x1.fffffep-127, 0x1.fffffep127, 65520]),
      (.f16, [0x1.01p0, 0x1.03p0, 0x1.1p0, 0x1.3p0, 0x1p-10, 448, 464, 240, 0x1.2p0, 61440]),
      // BF16 has neither 65504 nor 65520, but the numbers around.
      (.bf16, [65280, 65536, 0x1p-25, 0x1.1p0, 0x1p-10, 464, 240, 0x1p-17, 57344, 61440]),
    ] as [(DType, [Double])] {
      let found = Set(SpecialPatterns.of(source).map { abs(DecodedFloat($0, source).value) })
      #expect(numbers.filter { !found.contains($0) } == [], "\(source)")
    }
  }

  @Test("The numbers next to a tie round apart from each other")
  func roundApart() throws {
    // Five ties of each target. F8_E4M3 saturates at the last of them; BF16 and F16, each wider than
    // the other in one field, have few of each other's.
    for (source, target, count) in [
      (.f64, .f32, 5),
      (.f32, .bf16, 5), (.f32, .f16, 5), (.f32, .f8E4M3, 4), (.f32, .f8E5M2, 5),
      (.f16, .bf16, 2), (.f16, .f8E4M3, 4), (.f16, .f8E5M2, 5),
      (.bf16, .f16, 1), (.bf16, .f8E4M3, 4), (.bf16, .f8E5M2, 5),
    ] as [(DType, DType, Int)] {
      let cast = try Cast(from: source, to: target)
      let patterns = SpecialPatterns.of(source)
      let present = Set(patterns)
      let apart = patterns.filter { bits in
        [.subnormal, .normal].contains(DecodedFloat(bits, source).numberClass)
          && present.contains(bits + 1) && present.contains(bits - 1)
          && cast(bits: bits + 1) != cast(bits: bits - 1)
      }
      #expect(apart.count >= count, "\(source) -> \(target): \(apart.map(hex))")
    }
  }

  @Test("Integers have their ends, bools both values, F8_E8M0 everything")
  func integers() {
    #expect(SpecialPatterns.of(.i8) == [0, 1, 0xff, 0x80, 0x7f, 0xaa, 0x55])
    #expect(SpecialPatterns.of(.u32).suffix(2) == [0xaaaa_aaaa, 0x5555_5555])
    #expect(SpecialPatterns.of(.i64).contains(UInt64(bitPattern: .min)))
    #expect(SpecialPatterns.of(.u64).contains(.max))
    #expect(SpecialPatterns.of(.bool) == [0, 1])
    for dtype in [DType.f8E4M3, .f8E5M2, .f8E8M0] {
      #expect(SpecialPatterns.of(dtype).sorted() == Array(0...255), "\(dtype)")
    }
    #expect(SpecialPatterns.of(.f8E8M0).prefix(4) == [0, 127, 255, 1])
  }
}
