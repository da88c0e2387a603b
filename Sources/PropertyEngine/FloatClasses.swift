// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// Which special numbers a float generator may draw besides ordinary ones.
public struct FloatClasses: OptionSet, Hashable, Sendable {
  /// One bit for each class.
  public let rawValue: UInt8

  /// The classes of `rawValue`.
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// Infinities.
  public static let infinite = FloatClasses(rawValue: 1)
  /// Quiet NaNs with any payload.
  public static let quietNaN = FloatClasses(rawValue: 2)
  /// Signalling NaNs with any payload.
  public static let signallingNaN = FloatClasses(rawValue: 4)
  /// Numbers below the least normal one.
  public static let subnormal = FloatClasses(rawValue: 8)
  /// The zero with a sign.
  public static let negativeZero = FloatClasses(rawValue: 16)
  /// Every bit pattern.
  public static let all: FloatClasses = [
    .infinite, .quietNaN, .signallingNaN, .subnormal, .negativeZero,
  ]
  /// Finite numbers, subnormals and both zeros.
  public static let finite: FloatClasses = [.subnormal, .negativeZero]
}

extension Constraint {
  /// Bit patterns of `format` between two finite or infinite patterns, with some special numbers.
  public static func float(
    _ format: FloatFormat, lower: UInt64, upper: UInt64, classes: FloatClasses
  ) -> Constraint {
    let limit = format.firstNonFinite - 1
    let low = format.isFinite(lower) ? lower : limit | format.signBit
    let high = format.isFinite(upper) ? upper : limit
    precondition(format.ordinal(low) <= format.ordinal(high), "a range of floats is upside down")
    return Constraint(
      kind: .float, flags: classes.rawValue, format: format, lower: lower, upper: upper,
      anchor: format.simplest(in: format.ordinal(low)...format.ordinal(high)))
  }

  @usableFromInline func permitsFloat(_ bits: UInt64) -> Bool {
    let classes = FloatClasses(rawValue: flags)
    guard bits <= format.signBit | (format.signBit - 1) else { return false }
    if format.isNaN(bits) {
      return classes.contains(format.isSignalling(bits) ? .signallingNaN : .quietNaN)
    }
    let place = format.ordinal(bits)
    guard place >= format.ordinal(lower), place <= format.ordinal(upper) else { return false }
    if format.isInfinite(bits) { return classes.contains(.infinite) }
    if bits == anchor { return true }
    if format.isSubnormal(bits) { return classes.contains(.subnormal) }
    return bits != format.signBit || classes.contains(.negativeZero)
  }
}
