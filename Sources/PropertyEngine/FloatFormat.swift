// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// A binary floating-point format by the widths of its fields: sign, exponent, significand.
public struct FloatFormat: Hashable, Sendable, BitwiseCopyable {
  /// Width of the exponent field in bits.
  public let exponentBits: UInt8
  /// Width of the stored significand in bits.
  public let significandBits: UInt8
  /// Whether the top exponent is infinity and NaN; if not, only all ones is NaN (OCP E4M3).
  public let hasInfinity: Bool

  /// A format of `exponentBits` and `significandBits`, with a sign at most 64 bits wide.
  public init(exponentBits: Int, significandBits: Int, hasInfinity: Bool = true) {
    precondition(
      exponentBits >= 2 && exponentBits <= 15 && significandBits >= 1
        && exponentBits + significandBits <= 63, "a float choice holds at most 64 bits")
    self.exponentBits = UInt8(exponentBits)
    self.significandBits = UInt8(significandBits)
    self.hasInfinity = hasInfinity
  }

  private init() {
    exponentBits = 0
    significandBits = 0
    hasInfinity = false
  }

  /// The format of choices that are not floats.
  @usableFromInline static let none = FloatFormat()
  /// IEEE binary64.
  public static let double = FloatFormat(exponentBits: 11, significandBits: 52)
  /// IEEE binary32.
  public static let float = FloatFormat(exponentBits: 8, significandBits: 23)
  /// IEEE binary16.
  public static let float16 = FloatFormat(exponentBits: 5, significandBits: 10)
  /// The upper half of a binary32.
  public static let bfloat16 = FloatFormat(exponentBits: 8, significandBits: 7)
  /// OCP FP8 E5M2.
  public static let float8E5M2 = FloatFormat(exponentBits: 5, significandBits: 2)
  /// OCP FP8 E4M3: no infinities, one NaN of each sign.
  public static let float8E4M3 = FloatFormat(
    exponentBits: 4, significandBits: 3, hasInfinity: false)

  package var magnitudeBits: UInt64 { UInt64(exponentBits) + UInt64(significandBits) }
  package var signBit: UInt64 { 1 << magnitudeBits }
  var significandMask: UInt64 { (1 << UInt64(significandBits)) - 1 }
  var topExponent: UInt64 { (1 << UInt64(exponentBits)) - 1 }
  package var bias: Int { (1 << (Int(exponentBits) - 1)) - 1 }
  /// Magnitude of infinity, or of the NaN where there is no infinity.
  package var firstNonFinite: UInt64 {
    hasInfinity ? topExponent << UInt64(significandBits) : signBit - 1
  }

  func isNegative(_ bits: UInt64) -> Bool { bits & signBit != 0 }
  func magnitude(_ bits: UInt64) -> UInt64 { bits & (signBit - 1) }
  func exponentField(_ bits: UInt64) -> UInt64 { magnitude(bits) >> UInt64(significandBits) }
  func isNaN(_ bits: UInt64) -> Bool {
    magnitude(bits) > firstNonFinite || (!hasInfinity && magnitude(bits) == firstNonFinite)
  }
  func isInfinite(_ bits: UInt64) -> Bool { hasInfinity && magnitude(bits) == firstNonFinite }
  func isFinite(_ bits: UInt64) -> Bool { magnitude(bits) < firstNonFinite }
  func isSubnormal(_ bits: UInt64) -> Bool {
    exponentField(bits) == 0 && magnitude(bits) != 0
  }
  /// A signalling NaN has its first significand bit clear.
  func isSignalling(_ bits: UInt64) -> Bool {
    hasInfinity && isNaN(bits) && bits >> UInt64(significandBits - 1) & 1 == 0
  }

  /// Place on the number line from -infinity to infinity, -0 just below +0.
  func ordinal(_ bits: UInt64) -> Int128 {
    isNegative(bits) ? -1 - Int128(magnitude(bits)) : Int128(magnitude(bits))
  }

  /// The pattern at a place on the number line.
  func bits(ordinal: Int128) -> UInt64 {
    ordinal < 0 ? signBit | UInt64(-1 - ordinal) : UInt64(ordinal)
  }

  /// The exponent of two of a finite, non-zero number's leading field (subnormals as the least).
  func exponent(_ bits: UInt64) -> Int { max(1, Int(exponentField(bits))) - bias }

  /// The magnitude as an integer below 2^56, if it is one.
  func integer(_ bits: UInt64) -> UInt64? {
    guard isFinite(bits) else { return nil }
    let magnitude = magnitude(bits)
    if magnitude == 0 { return 0 }
    guard exponentField(bits) != 0 else { return nil }
    let power = exponent(bits)
    guard power >= 0, power < 56 else { return nil }
    let width = Int(significandBits)
    let significand = (bits & significandMask) | (1 << UInt64(significandBits))
    if power >= width { return significand << UInt64(power - width) }
    let fraction = UInt64(width - power)
    return significand & ((1 << fraction) - 1) == 0 ? significand >> fraction : nil
  }

  /// The pattern of a non-negative integer, if the format has it exactly.
  func bits(integer value: UInt64) -> UInt64? {
    if value == 0 { return 0 }
    let power = 63 - value.leadingZeroBitCount
    guard power <= Int(topExponent) - bias, power < 63 else { return nil }
    let width = Int(significandBits)
    let rest = value & ~(1 << UInt64(power))
    let field: UInt64
    if power <= width {
      field = rest << UInt64(width - power)
    } else {
      let lost = UInt64(power - width)
      guard rest & ((1 << lost) - 1) == 0 else { return nil }
      field = rest >> lost
    }
    guard power + bias >= 1 else { return nil }
    let bits = UInt64(power + bias) << UInt64(significandBits) | field
    return isFinite(bits) ? bits : nil
  }
}
