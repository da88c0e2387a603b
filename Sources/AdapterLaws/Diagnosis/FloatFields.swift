// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Tensors

/// The fields of a floating-point pattern, to tell kinds of values apart.
struct FloatFields {
  let dtype: DType
  private let exponentBits: Int
  let mantissaBits: Int

  /// The fields of a type with a sign, or nil for other types.
  init?(_ dtype: DType) {
    self.dtype = dtype
    switch dtype {
    case .f8E5M2: (exponentBits, mantissaBits) = (5, 2)
    case .f8E4M3: (exponentBits, mantissaBits) = (4, 3)
    case .f16: (exponentBits, mantissaBits) = (5, 10)
    case .bf16: (exponentBits, mantissaBits) = (8, 7)
    case .f32: (exponentBits, mantissaBits) = (8, 23)
    case .f64: (exponentBits, mantissaBits) = (11, 52)
    default: return nil
    }
  }

  var sign: UInt64 { 1 << UInt64(exponentBits + mantissaBits) }
  var quietBit: UInt64 { 1 << UInt64(mantissaBits - 1) }
  private var infinity: UInt64 { (1 << UInt64(exponentBits) - 1) << UInt64(mantissaBits) }

  func magnitude(_ bits: UInt64) -> UInt64 { bits & (sign - 1) }

  func isNaN(_ bits: UInt64) -> Bool {
    dtype == .f8E4M3 ? magnitude(bits) == 0x7f : magnitude(bits) > infinity
  }

  func isInfinity(_ bits: UInt64) -> Bool { dtype != .f8E4M3 && magnitude(bits) == infinity }

  func isSubnormal(_ bits: UInt64) -> Bool {
    magnitude(bits) != 0 && magnitude(bits) < 1 << UInt64(mantissaBits)
  }

  /// The number that a pattern means, exactly.
  func value(_ bits: UInt64) -> Double {
    guard let cast = try? Cast(from: dtype, to: .f64) else { return .nan }
    return Double(bitPattern: cast(bits: bits))
  }
}
