// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import PropertyEngine
public import Tensors

/// The bit patterns of each element type at which conversions and comparisons go wrong.
public enum SpecialPatterns {
  /// The special patterns of an element type, without repetition, in an order that is fixed for ever
  /// because stored examples refer to it.
  ///
  /// For floating-point types with a sign:
  ///
  /// 1. +0, 1, -0.
  /// 2. Smallest subnormal, largest subnormal, smallest normal, largest finite, infinity; each of
  ///    both signs, the positive one first, as are the following.
  /// 3. NaNs: quiet with payload 0 (the canonical one), middle, largest; signalling with payload 1,
  ///    middle, largest. F8_E4M3 has one NaN of each sign and no infinity.
  /// 4. For each type with fewer exponents or a shorter mantissa (BF16, F16, F32, F8_E4M3, F8_E5M2),
  ///    ties of its rounding, each with one unit of the source above and one below: near 1 above an
  ///    even neighbor and above an odd one, between 0 and the smallest subnormal, between the
  ///    largest subnormal and the smallest normal, beyond the largest finite number, where results
  ///    overflow. Then the largest finite number, and for F8_E4M3 240, that of its variant with
  ///    infinity. Signs alternate. Where the source lacks a number, its two neighbors take its place.
  /// 5. For 8-bit types all other patterns, ascending.
  ///
  /// F8_E8M0, which has neither zero nor sign: 2^-127 (pattern 0), 1, its NaN, then all others.
  /// Integers: 0, 1, all ones (-1 or the largest), the highest bit alone (the smallest of signed
  /// types), all bits but that, 1010..., 0101.... BOOL: 0, 1.
  public static func of(_ dtype: DType) -> [UInt64] {
    switch dtype {
    case .bf16: bf16
    case .f16: f16
    case .f32: f32
    case .f64: f64
    case .f8E4M3: f8E4M3
    case .f8E5M2: f8E5M2
    case .f8E8M0: f8E8M0
    case .bool: bool
    case .u8, .i8: integers8
    case .u16, .i16: integers16
    case .u32, .i32: integers32
    case .u64, .i64: integers64
    }
  }

  private static let bf16 = floats(.bf16)
  private static let f16 = floats(.f16)
  private static let f32 = floats(.f32)
  private static let f64 = floats(.f64)
  private static let f8E4M3 = floats(.f8E4M3)
  private static let f8E5M2 = floats(.f8E5M2)
  private static let f8E8M0 = distinct([0, 0x7f, 0xff] + Array(0...0xff))
  private static let bool: [UInt64] = [0, 1]
  private static let integers8 = integers(bitWidth: 8)
  private static let integers16 = integers(bitWidth: 16)
  private static let integers32 = integers(bitWidth: 32)
  private static let integers64 = integers(bitWidth: 64)

  private static func integers(bitWidth: Int) -> [UInt64] {
    let ones = UInt64.max >> (64 - bitWidth)
    let high = ones ^ (ones >> 1)
    return [0, 1, ones, high, ones ^ high, ones / 3 * 2, ones / 3]
  }

  private static func floats(_ dtype: DType) -> [UInt64] {
    guard let format = FloatFormat(dtype) else { return [] }
    let rest = dtype.byteCount == 1 ? Array(0...0xff) : roundingPlaces(format)
    return distinct(classes(format) + rest)
  }

  /// One of each class of numbers and NaNs.
  private static func classes(_ format: FloatFormat) -> [UInt64] {
    var magnitudes = [1, format.smallestNormal - 1, format.smallestNormal, format.largestFinite]
    if !format.hasInfinity {
      magnitudes.append(format.signBit - 1)
    } else {
      let quiet = format.smallestNormal / 2
      let payloads = [0, quiet, quiet + quiet / 2, quiet + (quiet - 1), 1, quiet / 2, quiet - 1]
      magnitudes += payloads.map { format.topBinade | $0 }
    }
    return [0, format.one, format.signBit] + magnitudes.flatMap { [$0, $0 | format.signBit] }
  }

  /// Patterns at which rounding to the types narrower in exponent or mantissa changes.
  private static func roundingPlaces(_ source: FloatFormat) -> [UInt64] {
    let targets = ([.bf16, .f16, .f32, .f8E4M3, .f8E5M2] as [DType]).compactMap { FloatFormat($0) }
      .filter {
        $0.exponentBits < source.exponentBits || $0.significandBits < source.significandBits
      }
    var patterns: [UInt64] = []
    for (number, target) in targets.enumerated() {
      let lowerNeighbors = [
        target.one, target.one + 1, 0, target.smallestNormal - 1, target.largestFinite,
      ]
      var groups = lowerNeighbors.map {
        triple(around: target.place(of: $0).halfwayToNext, in: source)
      }
      var limits = [target.largestFinite]
      if !target.hasInfinity { limits.append(target.topBinade - 1) }
      groups += limits.map { triple(around: target.place(of: $0), in: source, isTie: false) }
      for (place, group) in groups.enumerated() {
        let sign = (number + place).isMultiple(of: 2) ? 0 : source.signBit
        patterns += group.map { $0 | sign }
      }
    }
    return patterns
  }

  /// The pattern at a place, and for ties those above and below it; both neighbors where the source
  /// does not have the place; nothing beyond the source's range.
  private static func triple(
    around place: FloatFormat.Place, in source: FloatFormat, isTie: Bool = true
  ) -> [UInt64] {
    guard let (bits, isExact) = source.pattern(atOrBelow: place) else { return [] }
    if !isExact { return [bits, bits + 1] }
    return isTie ? [bits, bits + 1, bits - 1] : [bits]
  }

  private static func distinct(_ patterns: [UInt64]) -> [UInt64] {
    var seen: Set<UInt64> = []
    return patterns.filter { seen.insert($0).inserted }
  }
}
