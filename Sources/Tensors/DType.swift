// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// An element type of a tensor, named as the safetensors format names it.
public enum DType: String, Sendable, Hashable, CaseIterable, CustomStringConvertible {
  /// A byte that is 0 or 1.
  case bool = "BOOL"
  /// An unsigned integer of 8 bits.
  case u8 = "U8"
  /// A signed integer of 8 bits.
  case i8 = "I8"
  /// A float of 8 bits with 2 of mantissa, and infinities.
  case f8E5M2 = "F8_E5M2"
  /// The finite-only variant of E4M3: no infinities, one NaN for each sign.
  case f8E4M3 = "F8_E4M3"
  /// A power of two without sign or mantissa, used for block scales.
  case f8E8M0 = "F8_E8M0"
  /// A signed integer of 16 bits.
  case i16 = "I16"
  /// An unsigned integer of 16 bits.
  case u16 = "U16"
  /// IEEE 754's float of 16 bits, with 10 of mantissa.
  case f16 = "F16"
  /// The upper half of a float of 32 bits, with 7 of mantissa.
  case bf16 = "BF16"
  /// A signed integer of 32 bits.
  case i32 = "I32"
  /// An unsigned integer of 32 bits.
  case u32 = "U32"
  /// IEEE 754's float of 32 bits.
  case f32 = "F32"
  /// IEEE 754's float of 64 bits.
  case f64 = "F64"
  /// A signed integer of 64 bits.
  case i64 = "I64"
  /// An unsigned integer of 64 bits.
  case u64 = "U64"

  /// The size of one element in bytes.
  public var byteCount: Int {
    switch self {
    case .bool, .u8, .i8, .f8E5M2, .f8E4M3, .f8E8M0: 1
    case .i16, .u16, .f16, .bf16: 2
    case .i32, .u32, .f32: 4
    case .f64, .i64, .u64: 8
    }
  }

  /// Whether elements are floating-point numbers.
  public var isFloatingPoint: Bool {
    switch self {
    case .f8E5M2, .f8E4M3, .f8E8M0, .f16, .bf16, .f32, .f64: true
    default: false
    }
  }

  /// The text shown to people.
  public var description: String { rawValue }
}
