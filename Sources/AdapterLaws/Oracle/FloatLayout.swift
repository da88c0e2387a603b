// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Tensors

/// What the bits of a floating-point type of sign, exponent and mantissa mean.
struct FloatLayout: Sendable {
  let exponentBits: Int
  let mantissaBits: Int
  /// Whether the largest exponent is one of numbers, but for a single NaN at its end.
  let isFiniteOnly: Bool

  /// The layout of a type, or nil for integers and for F8_E8M0, which has no sign.
  init?(_ dtype: DType) {
    let (exponentBits, mantissaBits, isFiniteOnly): (Int, Int, Bool)
    switch dtype {
    case .f64: (exponentBits, mantissaBits, isFiniteOnly) = (11, 52, false)
    case .f32: (exponentBits, mantissaBits, isFiniteOnly) = (8, 23, false)
    case .bf16: (exponentBits, mantissaBits, isFiniteOnly) = (8, 7, false)
    case .f16: (exponentBits, mantissaBits, isFiniteOnly) = (5, 10, false)
    case .f8E5M2: (exponentBits, mantissaBits, isFiniteOnly) = (5, 2, false)
    case .f8E4M3: (exponentBits, mantissaBits, isFiniteOnly) = (4, 3, true)
    default: return nil
    }
    self.exponentBits = exponentBits
    self.mantissaBits = mantissaBits
    self.isFiniteOnly = isFiniteOnly
  }

  /// The bit of the sign.
  var sign: UInt64 { 1 << UInt64(exponentBits + mantissaBits) }

  /// The pattern of the largest finite magnitude; that behind it is infinity, or the only NaN.
  var largestFinite: UInt64 { isFiniteOnly ? sign - 2 : sign - (1 << UInt64(mantissaBits)) - 1 }

  /// A positive NaN.
  var someNaN: UInt64 {
    isFiniteOnly ? sign - 1 : largestFinite + 1 + (1 << UInt64(mantissaBits - 1))
  }

  /// Whether a pattern is a NaN.
  func isNaN(_ bits: UInt64) -> Bool {
    (bits & ~sign) > (isFiniteOnly ? largestFinite : largestFinite + 1)
  }

  /// The value of the exponent and mantissa of a magnitude, as if all exponents were of numbers.
  func magnitude(_ bits: UInt64) -> Double {
    let mantissa = Double(bits & ((1 << UInt64(mantissaBits)) - 1))
    let field = Int(bits >> UInt64(mantissaBits))
    let bias = (1 << (exponentBits - 1)) - 1
    let unit = 1 << mantissaBits
    let (exponent, significand) =
      field == 0 ? (1 - bias, mantissa) : (field - bias, mantissa + Double(unit))
    return Double(sign: .plus, exponent: exponent - mantissaBits, significand: significand)
  }
}

extension DType {
  /// The number that a bit pattern of a floating-point type means, exactly; nil for other types.
  func number(_ bits: UInt64) -> Double? {
    switch self {
    case .f64: return Double(bitPattern: bits)
    case .f32: return Double(Float(bitPattern: UInt32(truncatingIfNeeded: bits)))
    case .f8E8M0:
      return bits == 0xff ? .nan : Double(sign: .plus, exponent: Int(bits) - 127, significand: 1)
    default:
      guard let layout = FloatLayout(self) else { return nil }
      let magnitude = bits & ~layout.sign
      let value: Double =
        layout.isNaN(bits)
        ? .nan : magnitude > layout.largestFinite ? .infinity : layout.magnitude(magnitude)
      return bits == magnitude ? value : -value
    }
  }

  /// Whether a bit pattern is a NaN of this type.
  func isNaN(_ bits: UInt64) -> Bool {
    self == .f8E8M0 ? bits == 0xff : FloatLayout(self)?.isNaN(bits) ?? false
  }
}
