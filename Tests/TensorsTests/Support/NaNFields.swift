// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Tensors

/// Where the bits of a floating-point type are, written down apart from the code under test.
struct NaNFields {
  let sign: UInt64
  /// The pattern of infinity, or 0 in a type without.
  let infinity: UInt64
  let quietNaN: UInt64
  let mantissaBits: UInt64

  init(_ type: DType) {
    (sign, infinity, quietNaN, mantissaBits) =
      switch type {
      case .bf16: (0x8000, 0x7f80, 0x7fc0, 7)
      case .f16: (0x8000, 0x7c00, 0x7e00, 10)
      case .f32: (0x8000_0000, 0x7f80_0000, 0x7fc0_0000, 23)
      case .f64: (1 << 63, 0x7ff0_0000_0000_0000, 0x7ff8_0000_0000_0000, 52)
      case .f8E5M2: (0x80, 0x7c, 0x7e, 2)
      case .f8E4M3: (0x80, 0, 0x7f, 3)
      default: (0, 0, 0xff, 0)
      }
  }

  func isNaN(_ bits: UInt64) -> Bool {
    infinity > 0 ? bits & ~sign > infinity : bits & ~sign == quietNaN
  }

  /// All NaNs of both signs, or of the wide types those with at most two payload bits.
  var patterns: [UInt64] {
    guard infinity > 0 else { return [quietNaN, quietNaN | sign] }
    var payloads: [UInt64] = []
    if mantissaBits <= 10 {
      payloads = Array(1..<(1 << mantissaBits))
    } else {
      for high in 0..<mantissaBits {
        for low in 0...high { payloads.append(1 << high | 1 << low) }
      }
      payloads.append((1 << mantissaBits) - 1)
    }
    return payloads.flatMap { [infinity | $0, infinity | $0 | sign] }
  }
}
