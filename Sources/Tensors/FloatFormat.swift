// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// A floating-point type whose bit patterns turn into F32 bit patterns: exactly, but for F64.
protocol CastSource: SendableMetatype {
  associatedtype Bits: FixedWidthInteger & UnsignedInteger & BitwiseCopyable & Sendable
  static func toF32(_ bits: Bits) -> UInt32
}

/// A floating-point type whose bit patterns are made from F32 bit patterns in one rounding.
protocol CastTarget: SendableMetatype {
  associatedtype Bits: FixedWidthInteger & UnsignedInteger & BitwiseCopyable & Sendable
  static func fromF32(_ bits: UInt32) -> Bits
}

/// A type of sign, exponent and mantissa with at most the exponents of F32.
///
/// Both directions are free of branches in effect, so that a loop over them is vectorized.
protocol NarrowFloat: CastSource, CastTarget {
  static var exponentBits: UInt32 { get }
  static var mantissaBits: UInt32 { get }
  /// The magnitude that everything too large becomes: infinity, or the largest finite value of a
  /// type without infinity.
  static var overflow: UInt32 { get }
}

/// The fields of F32.
enum F32Fields {
  static let sign: UInt32 = 0x8000_0000
  static let infinity: UInt32 = 0x7f80_0000
  static let quietNaN: UInt32 = 0x7fc0_0000
  static let payload: UInt32 = 0x007f_ffff
  static let mantissaBits: UInt32 = 23
  static let bias: UInt32 = 127
}

extension NarrowFloat {
  @inline(__always) static var bias: UInt32 { (1 &<< (exponentBits &- 1)) &- 1 }
  @inline(__always) static var exponentMask: UInt32 {
    ((1 &<< exponentBits) &- 1) &<< mantissaBits
  }
  /// Whether the largest exponent is one of numbers, with a single NaN at its end.
  @inline(__always) static var isFiniteOnly: Bool { overflow > exponentMask }
  @inline(__always) static var shift: UInt32 { F32Fields.mantissaBits &- mantissaBits }
  @inline(__always) static var signShift: UInt32 { 31 &- exponentBits &- mantissaBits }

  @inline(__always) static func toF32(_ bits: Bits) -> UInt32 {
    let bits = UInt32(truncatingIfNeeded: bits)
    let magnitude = bits & ((1 &<< (exponentBits &+ mantissaBits)) &- 1)
    let sign = (bits ^ magnitude) &<< signShift
    let aligned = magnitude &<< shift
    if bias == F32Fields.bias { return sign | aligned }

    // With the fields in place, one exact multiplication corrects the exponent, subnormals too.
    let scale = Float(bitPattern: (2 &* F32Fields.bias &- bias) &<< F32Fields.mantissaBits)
    let number = (Float(bitPattern: aligned) * scale).bitPattern
    let isSpecial = isFiniteOnly ? magnitude > overflow : magnitude >= exponentMask
    let special = isFiniteOnly ? F32Fields.quietNaN : aligned | F32Fields.infinity
    return sign | (isSpecial ? special : number)
  }

  @inline(__always) static func fromF32(_ bits: UInt32) -> Bits {
    let magnitude = bits & ~F32Fields.sign
    let sign = (bits & F32Fields.sign) &>> signShift

    // Adding just under half a unit, and the last kept bit, rounds to nearest, ties to even.
    let half: UInt32 = 1 &<< (shift &- 1)
    let rounded = magnitude &+ (half &- 1) &+ ((magnitude &>> shift) & 1)
    var number = (rounded &>> shift) &- ((F32Fields.bias &- bias) &<< mantissaBits)

    // With F32's own exponents, the sum has already carried into infinity or a subnormal.
    if bias < F32Fields.bias {
      number = number < overflow ? number : overflow
      // Where the result is subnormal, adding the float whose last bit weighs as much as the
      // result's last bit lets the hardware round.
      let smallestNormal = (F32Fields.bias &+ 1 &- bias) &<< F32Fields.mantissaBits
      let magic =
        (F32Fields.bias &+ 1 &+ F32Fields.mantissaBits &- bias &- mantissaBits)
        &<< F32Fields.mantissaBits
      let sum = Float(bitPattern: magnitude) + Float(bitPattern: magic)
      number = magnitude < smallestNormal ? sum.bitPattern &- magic : number
    }

    let payload = (magnitude & F32Fields.payload) &>> shift
    let quiet: UInt32 = 1 &<< (mantissaBits &- 1)
    let nan = isFiniteOnly ? overflow &+ 1 : exponentMask | (payload == 0 ? quiet : payload)
    return Bits(truncatingIfNeeded: sign | (magnitude > F32Fields.infinity ? nan : number))
  }
}

enum BF16Format: NarrowFloat {
  typealias Bits = UInt16
  @inline(__always) static var exponentBits: UInt32 { 8 }
  @inline(__always) static var mantissaBits: UInt32 { 7 }
  @inline(__always) static var overflow: UInt32 { 0x7f80 }
}

enum F16Format: NarrowFloat {
  typealias Bits = UInt16
  @inline(__always) static var exponentBits: UInt32 { 5 }
  @inline(__always) static var mantissaBits: UInt32 { 10 }
  @inline(__always) static var overflow: UInt32 { 0x7c00 }
}

enum F8E5M2Format: NarrowFloat {
  typealias Bits = UInt8
  @inline(__always) static var exponentBits: UInt32 { 5 }
  @inline(__always) static var mantissaBits: UInt32 { 2 }
  @inline(__always) static var overflow: UInt32 { 0x7c }
}

enum F8E4M3Format: NarrowFloat {
  typealias Bits = UInt8
  @inline(__always) static var exponentBits: UInt32 { 4 }
  @inline(__always) static var mantissaBits: UInt32 { 3 }
  @inline(__always) static var overflow: UInt32 { 0x7e }
}

enum F8E8M0Format: CastSource {
  @inline(__always) static func toF32(_ bits: UInt8) -> UInt32 {
    switch bits {
    case 0: 0x0040_0000  // 2^-127 is subnormal in F32.
    case 0xff: F32Fields.quietNaN
    default: UInt32(bits) &<< F32Fields.mantissaBits
    }
  }
}

enum F32Format: CastSource, CastTarget {
  @inline(__always) static func toF32(_ bits: UInt32) -> UInt32 { bits }
  @inline(__always) static func fromF32(_ bits: UInt32) -> UInt32 { bits }
}

/// The hardware converts numbers as wanted, but would set the quiet bit of a NaN.
enum F64Format: CastSource, CastTarget {
  private static let infinity: UInt64 = 0x7ff0_0000_0000_0000
  private static let shift: UInt64 = 29

  @inline(__always) static func toF32(_ bits: UInt64) -> UInt32 {
    let magnitude = bits & ~(1 &<< 63)
    guard magnitude > infinity else { return Float(Double(bitPattern: bits)).bitPattern }
    let payload = UInt32(truncatingIfNeeded: (magnitude &- infinity) &>> shift)
    let sign = UInt32(truncatingIfNeeded: bits &>> 32) & F32Fields.sign
    return sign | (payload == 0 ? F32Fields.quietNaN : F32Fields.infinity | payload)
  }

  @inline(__always) static func fromF32(_ bits: UInt32) -> UInt64 {
    let magnitude = bits & ~F32Fields.sign
    guard magnitude > F32Fields.infinity else {
      return Double(Float(bitPattern: bits)).bitPattern
    }
    let payload = UInt64(magnitude & F32Fields.payload) &<< shift
    return UInt64(bits & F32Fields.sign) &<< 32 | infinity | payload
  }
}
