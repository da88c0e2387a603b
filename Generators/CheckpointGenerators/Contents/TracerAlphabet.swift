// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import PropertyEngine
public import Tensors

/// The 64 patterns of an element type that stand for the digits 0...63 of an address.
///
/// Floating-point types with a sign have the same 64 numbers: digit `32 * s + 4 * e + m` is
/// `(1 + m / 4) * 2^e`, negative if s is 1, from 1 to 224, exact and distinct in every such type, so
/// that a digit survives every cast. F8_E8M0 has `2^(digit - 32)`; integers have `digit + 1`; BOOL
/// has the digit's lowest bit only.
struct TracerAlphabet {
  /// The digit's part below the sign is added to `base` and shifted into place.
  private let base: UInt64
  private let mask: UInt64
  private let shift: UInt64
  private let signMask: UInt64
  private let signShift: UInt64

  init(_ dtype: DType) {
    if let format = FloatFormat(dtype) {
      base = UInt64(format.bias) * 4
      mask = 31
      shift = UInt64(format.significandBits - 2)
      signMask = 32
      signShift = format.magnitudeBits - 5
    } else {
      base = dtype == .bool ? 0 : dtype == .f8E8M0 ? 127 - 32 : 1
      mask = dtype == .bool ? 1 : 63
      shift = 0
      signMask = 0
      signShift = 0
    }
  }

  /// The pattern of a digit in 0...63.
  @inline(__always)
  func bits(of digit: UInt64) -> UInt64 {
    (base &+ (digit & mask)) &<< shift | (digit & signMask) &<< signShift
  }

  /// The digit of a pattern, nil outside the alphabet.
  func digit(of bits: UInt64) -> Int? {
    let sign = (bits >> signShift) & signMask
    let magnitude = bits ^ (sign << signShift)
    let rank = (magnitude >> shift) &- base
    guard rank <= mask, (rank &+ base) << shift == magnitude else { return nil }
    return Int(sign | rank)
  }
}

extension TensorContents {
  /// The digit 0...63 that a pattern of `Kind.tracer` stands for, nil for a pattern outside the
  /// alphabet of its element type; of BOOL, the lowest bit of the digit.
  public static func digit(of bits: UInt64, _ dtype: DType) -> Int? {
    TracerAlphabet(dtype).digit(of: bits)
  }

  /// The number of base-64 digits, at least 1, that tell the addresses `0..<elements` apart.
  public static func digitCount(elements: UInt64) -> Int {
    let last = elements == 0 ? 0 : elements - 1
    return max(1, (64 - last.leadingZeroBitCount + 5) / 6)
  }
}
