// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Tensors

/// Numbers of floating-point types, decoded with arithmetic and with fields written down apart from
/// the code under test.
struct DecodedFloat: Equatable {
  enum Class: Hashable, CaseIterable {
    case zero, subnormal, normal, infinity, quietNaN, signallingNaN
  }

  let isNegative: Bool
  let numberClass: Class
  /// The mantissa of a NaN without the quiet bit.
  let payload: UInt64
  /// The number, NaN for NaNs.
  let value: Double

  init(_ bits: UInt64, _ dtype: DType) {
    let (exponentBits, mantissaBits): (UInt64, UInt64) =
      switch dtype {
      case .bf16: (8, 7)
      case .f16: (5, 10)
      case .f32: (8, 23)
      case .f64: (11, 52)
      case .f8E4M3: (4, 3)
      default: (5, 2)
      }
    let mantissas = UInt64(1) << mantissaBits
    let exponents = UInt64(1) << exponentBits
    let mantissa = bits % mantissas
    let exponent = bits / mantissas % exponents
    isNegative = bits / mantissas / exponents == 1
    let isNaN =
      dtype == .f8E4M3
      ? mantissa == mantissas - 1 && exponent == exponents - 1
      : mantissa != 0 && exponent == exponents - 1
    if isNaN {
      numberClass = mantissa < mantissas / 2 ? .signallingNaN : .quietNaN
      payload = mantissa % (mantissas / 2)
      value = .nan
      return
    }
    payload = 0
    if dtype != .f8E4M3, exponent == exponents - 1 {
      numberClass = .infinity
      value = isNegative ? -.infinity : .infinity
      return
    }
    let bias = Int(exponents / 2) - 1
    let significand = (exponent == 0 ? 0 : 1) + Double(mantissa) / Double(mantissas)
    let power = max(Int(exponent), 1) - bias
    value =
      (isNegative ? -1 : 1) * significand * Double(sign: .plus, exponent: power, significand: 1)
    numberClass = exponent > 0 ? .normal : mantissa > 0 ? .subnormal : .zero
  }
}
