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
    switch dtype {
    case .f64: (exponentBits, mantissaBits, isFiniteOnly) = (11, 52, false)
    case .f32: (exponentBits, mantissaBits, isFiniteOnly) = (8, 23, false)
    case .bf16: (exponentBits, mantissaBits, isFiniteOnly) = (8, 7, false)
    case .f16: (exponentBits, mantissaBits, isFiniteOnly) = (5, 10, false)
    case .f8E5M2: (exponentBits, mantissaBits, isFiniteOnly) = (5, 2, false)
    case .f8E4M3: (exponentBits, mantissaBits, isFiniteOnly) = (4, 3, true)
    default: return nil
    }
  }

  /// The bit of the sign.
  var sign: UInt64 { 1 << UInt64(exponentBits + mantissaBits) }

  /// The bit that quiet NaNs have and signalling ones have not.
  var quietBit: UInt64 { 1 << UInt64(mantissaBits - 1) }

  /// The pattern of the largest finite magnitude; that after it is infinity, or the only NaN.
  var largestFinite: UInt64 { isFiniteOnly ? sign - 2 : sign - (1 << UInt64(mantissaBits)) - 1 }

  /// A positive NaN.
  var someNaN: UInt64 {
    isFiniteOnly ? sign - 1 : largestFinite + 1 + quietBit
  }

  /// The pattern without its sign.
  func magnitude(_ bits: UInt64) -> UInt64 { bits & ~sign }

  /// Whether a pattern is a NaN.
  func isNaN(_ bits: UInt64) -> Bool {
    magnitude(bits) > (isFiniteOnly ? largestFinite : largestFinite + 1)
  }

  /// Whether a pattern is an infinity.
  func isInfinity(_ bits: UInt64) -> Bool {
    !isFiniteOnly && magnitude(bits) == largestFinite + 1
  }

  /// Whether a pattern is a number of less than full precision.
  func isSubnormal(_ bits: UInt64) -> Bool {
    magnitude(bits) != 0 && magnitude(bits) < 1 << UInt64(mantissaBits)
  }

  /// The value of the exponent and mantissa of a magnitude, as if all exponents were of numbers.
  func number(_ bits: UInt64) -> Double {
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
      let magnitude = layout.magnitude(bits)
      let value: Double =
        layout.isNaN(bits)
        ? .nan : magnitude > layout.largestFinite ? .infinity : layout.number(magnitude)
      return bits == magnitude ? value : -value
    }
  }

  /// Whether a bit pattern is a NaN of this type.
  func isNaN(_ bits: UInt64) -> Bool {
    self == .f8E8M0 ? bits == 0xff : FloatLayout(self)?.isNaN(bits) ?? false
  }
}

extension Tensor {
  /// The bit patterns of all elements in row-major order.
  var patterns: [UInt64] {
    // The buffer holds the elements of the tensor, one after the other, and is not kept.
    unsafe withUnsafeBytes { (bytes: UnsafeRawBufferPointer) in
      switch dtype.byteCount {
      case 1: unsafe bytes.map { UInt64($0) }
      case 2: unsafe Self.words(bytes, UInt16.self)
      case 4: unsafe Self.words(bytes, UInt32.self)
      default: unsafe Self.words(bytes, UInt64.self)
      }
    }
  }

  @unsafe
  private static func words<Word: FixedWidthInteger & BitwiseCopyable>(
    _ bytes: UnsafeRawBufferPointer, _: Word.Type
  ) -> [UInt64] {
    let width = MemoryLayout<Word>.size
    return (0..<bytes.count / width).map { position in
      // The offset leaves room for one word.
      let word = unsafe bytes.loadUnaligned(fromByteOffset: position * width, as: Word.self)
      return UInt64(truncatingIfNeeded: Word(littleEndian: word))
    }
  }

  /// The tensor of some bit patterns in row-major order, as many as the shape has elements.
  init(_ dtype: DType, _ extents: [Int], patterns: [UInt64]) {
    do {
      try self.init(dtype, Shape(extents)) { patterns[$0] }
    } catch {
      // The patterns themselves take as much memory, and an array without memory traps, too.
      preconditionFailure("\(error)")
    }
  }
}
