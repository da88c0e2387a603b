// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Tensors
import Testing

@testable import AdapterLaws

@Suite("ValueChange")
struct DiagnosisValueChangeTests {
  /// A float32 that should have become one bfloat16 and became another.
  private func change(_ source: UInt64, _ expected: UInt64, _ found: UInt64) -> ValueChange {
    ValueChange(
      dtype: .bf16, expected: expected, found: found, source: (.f32, source), place: "x")
  }

  @Test("A tie that went up may be half up or half away from zero, and only the latter if negative")
  func ties() {
    #expect(
      change(0x3f80_8000, 0x3f80, 0x3f81).roundings == [.roundedHalfAwayFromZero, .roundedHalfUp])
    #expect(change(0xbf80_8000, 0xbf80, 0xbf81).roundings == [.roundedHalfAwayFromZero])
    #expect(change(0xbf81_8000, 0xbf82, 0xbf81).roundings == [.roundedTowardZero, .roundedHalfUp])
  }

  @Test("A number that lost its tail was rounded toward zero")
  func truncation() {
    #expect(change(0x3f80_c000, 0x3f81, 0x3f80).roundings == [.roundedTowardZero])
    #expect(change(0x3f80_c000, 0x3f81, 0x3f90).roundings.isEmpty)
  }

  @Test("A number that a narrower type changes is told by what it changes to")
  func narrowing() {
    let change = ValueChange(
      dtype: .f32, expected: 0x3f80_0001, found: 0x3f80_0000, source: nil, place: "x")
    #expect(change.isCast(through: .bf16))
    #expect(change.special == nil)
    #expect(change.text == "x is 0x3f800000 instead of 0x3f800001")
  }
}
