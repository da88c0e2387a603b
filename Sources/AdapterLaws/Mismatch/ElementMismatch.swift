// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Tensors

/// One place where two tensors differ.
public struct ElementMismatch: Sendable, Hashable {
  /// The position along each axis.
  public let index: [Int]
  /// The element type of both.
  public let dtype: DType
  /// The bit pattern that should be there.
  public let expected: UInt64
  /// The bit pattern that is there.
  public let found: UInt64

  /// Creates a difference.
  public init(index: [Int], dtype: DType, expected: UInt64, found: UInt64) {
    self.index = index
    self.dtype = dtype
    self.expected = expected
    self.found = found
  }

  /// How many numbers of the type lie between the two, counting one of them; nil for types other than
  /// floating-point and where one is a NaN.
  public var ulps: UInt64? {
    guard let layout = FloatLayout(dtype), !dtype.isNaN(expected), !dtype.isNaN(found) else {
      return nil
    }
    // Patterns of one sign are in the order of the numbers; both zeros are the same number.
    let (one, other) = (expected & ~layout.sign, found & ~layout.sign)
    let haveOneSign = (expected ^ found) & layout.sign == 0
    return haveOneSign ? max(one, other) - min(one, other) : one + other
  }

  /// A bit pattern with all digits of its type.
  public func hexadecimal(_ bits: UInt64) -> String {
    let digits = String(bits, radix: 16)
    return "0x" + String(repeating: "0", count: 2 * dtype.byteCount - digits.count) + digits
  }

  /// The number that a bit pattern means.
  public func decimal(_ bits: UInt64) -> String {
    switch dtype {
    case .bool: bits == 0 ? "false" : "true"
    case .i8: "\(Int8(truncatingIfNeeded: bits))"
    case .i16: "\(Int16(truncatingIfNeeded: bits))"
    case .i32: "\(Int32(truncatingIfNeeded: bits))"
    case .i64: "\(Int64(truncatingIfNeeded: bits))"
    case .u8, .u16, .u32, .u64: "\(bits)"
    case .f32: "\(Float(bitPattern: UInt32(truncatingIfNeeded: bits)))"
    case .f8E5M2, .f8E4M3, .f8E8M0, .f16, .bf16, .f64: dtype.number(bits).map { "\($0)" } ?? ""
    }
  }
}
