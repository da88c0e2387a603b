// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Tensors
import Testing

@testable import AdapterLaws

@Suite("One differing element")
struct ElementMismatchTests {
  private func element(_ dtype: DType, _ expected: UInt64, _ found: UInt64) -> ElementMismatch {
    ElementMismatch(index: [0], dtype: dtype, expected: expected, found: found)
  }

  @Test("Units in the last place are counted through zero")
  func ulps() {
    #expect(element(.bf16, 0x3f80, 0x3f81).ulps == 1)
    #expect(element(.bf16, 0x8001, 0x0001).ulps == 2)
    #expect(element(.f16, 0x8000, 0x0000).ulps == 0)
    #expect(
      element(.f64, 0xffef_ffff_ffff_ffff, 0x7fef_ffff_ffff_ffff).ulps == 0xffdf_ffff_ffff_fffe)
    #expect(element(.f8E4M3, 0x7e, 0x7f).ulps == nil)
    #expect(element(.f32, 0x7fc0_0000, 0).ulps == nil)
    #expect(element(.i32, 1, 2).ulps == nil)
  }

  @Test("Numbers are shown as their type means them, and bits with all digits")
  func texts() {
    let cases: [(DType, UInt64, String, String)] = [
      (.bf16, 0x3fc0, "1.5", "0x3fc0"), (.f16, 0x0001, "5.960464477539063e-08", "0x0001"),
      (.f8E4M3, 0x7e, "448.0", "0x7e"), (.f8E8M0, 0x7f, "1.0", "0x7f"),
      (.f32, 0x3dcc_cccd, "0.1", "0x3dcccccd"), (.f32, 0xff80_0000, "-inf", "0xff800000"),
      (.f64, 0x7ff8_0000_0000_0000, "nan", "0x7ff8000000000000"),
      (.i8, 0xff, "-1", "0xff"), (.u16, 0xffff, "65535", "0xffff"), (.bool, 1, "true", "0x01"),
    ]
    for (dtype, bits, decimal, hexadecimal) in cases {
      let one = element(dtype, bits, bits)
      #expect(one.decimal(bits) == decimal)
      #expect(one.hexadecimal(bits) == hexadecimal)
    }
  }
}
