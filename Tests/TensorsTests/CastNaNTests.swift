// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Tensors
import Testing

private let targets: [DType] = [.bf16, .f16, .f32, .f64, .f8E4M3, .f8E5M2]

@Suite("Casts of NaN")
struct CastNaNTests {
  @Test("A NaN keeps its sign and the leading bits of its payload", arguments: targets, targets)
  func payload(source: DType, target: DType) throws {
    guard source != target else { return }
    let cast = try Cast(from: source, to: target)
    let (from, to) = (NaNFields(source), NaNFields(target))
    let mismatch = from.patterns.first { bits in
      let sign = (bits & from.sign) != 0 ? to.sign : 0
      return cast(bits: bits) != sign | expectedMagnitude(bits & ~from.sign, from, to)
    }
    #expect(mismatch.map(hex) == nil, "\(source) -> \(target)")
  }

  private func expectedMagnitude(_ bits: UInt64, _ from: NaNFields, _ to: NaNFields) -> UInt64 {
    guard from.infinity > 0, to.infinity > 0 else { return to.quietNaN }
    // Payloads are compared as fractions: both are moved to the top of a word.
    let fraction = (bits - from.infinity) << (64 - from.mantissaBits)
    let kept = fraction >> (64 - to.mantissaBits)
    return kept == 0 ? to.quietNaN : to.infinity | kept
  }

  @Test("Narrowing undoes widening on every pattern")
  func roundTrips() throws {
    for (narrow, wide) in [
      (.bf16, .f32), (.bf16, .f64), (.f16, .f32), (.f16, .f64), (.f8E5M2, .f16), (.f8E5M2, .bf16),
      (.f8E5M2, .f32), (.f8E4M3, .bf16), (.f8E4M3, .f16), (.f8E4M3, .f32), (.f8E4M3, .f64),
    ] as [(DType, DType)] {
      let (widen, shrink) = (try Cast(from: narrow, to: wide), try Cast(from: wide, to: narrow))
      let patterns = UInt64(1) << (8 * UInt64(narrow.byteCount))
      let mismatch = (0..<patterns).first { shrink(bits: widen(bits: $0)) != $0 }
      #expect(mismatch.map(hex) == nil, "\(narrow) -> \(wide) -> \(narrow)")
    }
  }

  @Test("The signalling NaN of F32 with the smallest payload goes through F64 unchanged")
  func signallingF32() throws {
    let wide = try Cast(from: .f32, to: .f64)(bits: 0x7f80_0001)
    #expect(wide == 0x7ff0_0000_2000_0000)
    #expect(try Cast(from: .f64, to: .f32)(bits: wide) == 0x7f80_0001)
    #expect(try Cast(from: .f32, to: .bf16)(bits: 0x7f80_0001) == 0x7fc0)
    #expect(try Cast(from: .f32, to: .bf16)(bits: 0xffa0_0001) == 0xffa0)
  }

  @Test("The NaN of F8_E8M0 becomes a positive quiet NaN", arguments: targets)
  func powerOfTwoNaN(target: DType) throws {
    #expect(try Cast(from: .f8E8M0, to: target)(bits: 0xff) == NaNFields(target).quietNaN)
  }
}
