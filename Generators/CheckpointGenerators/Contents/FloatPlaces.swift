// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import PropertyEngine
internal import Tensors

/// Numbers of a floating-point type with a sign, and places between them.
extension FloatFormat {
  /// The format of an element type, nil for integers and for F8_E8M0, which has an exponent only.
  init?(_ dtype: DType) {
    switch dtype {
    case .bf16: self = .bfloat16
    case .f16: self = .float16
    case .f32: self = .float
    case .f64: self = .double
    case .f8E5M2: self = .float8E5M2
    case .f8E4M3: self = .float8E4M3
    case .f8E8M0, .bool, .u8, .i8, .i16, .u16, .i32, .u32, .i64, .u64: return nil
    }
  }

  private var mantissaBits: Int { Int(significandBits) }
  /// The exponent of the smallest normal number and of all subnormal ones.
  private var lowestExponent: Int { 1 - bias }
  var one: UInt64 { UInt64(bias) << mantissaBits }
  var smallestNormal: UInt64 { 1 << mantissaBits }
  /// The largest exponent with mantissa 0: infinity where there is one.
  var topBinade: UInt64 { signBit - smallestNormal }
  var largestFinite: UInt64 { firstNonFinite - 1 }

  /// A place on the positive number line: `significand * 2^exponent`.
  struct Place {
    let significand: UInt64
    let exponent: Int

    /// Half a unit of the significand farther from zero.
    var halfwayToNext: Place {
      Place(significand: 2 * significand + 1, exponent: exponent - 1)
    }
  }

  /// The place of a positive finite pattern.
  func place(of bits: UInt64) -> Place {
    let field = bits >> mantissaBits
    let mantissa = bits & (smallestNormal - 1)
    return Place(
      significand: field == 0 ? mantissa : mantissa | smallestNormal,
      exponent: lowestExponent - mantissaBits + Int(max(field, 1)) - 1)
  }

  /// The largest finite pattern not above a place, and whether it is the place itself; nil for a
  /// place beyond the largest finite number.
  func pattern(atOrBelow place: Place) -> (bits: UInt64, isExact: Bool)? {
    let leading = place.exponent + 63 - place.significand.leadingZeroBitCount
    let exponent = max(leading, lowestExponent)
    let surplus = exponent - mantissaBits - place.exponent
    // Shifts as far as or beyond the width give zero, so the significand may be lost altogether.
    let significand = place.significand >> surplus
    let bits = UInt64(exponent - lowestExponent) << mantissaBits + significand
    return bits > largestFinite ? nil : (bits, significand << surplus == place.significand)
  }
}
