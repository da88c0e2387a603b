// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// An element type of a tensor, named as the safetensors format names it.
public enum DType: String, Sendable, Hashable, CaseIterable, CustomStringConvertible {
  case bool = "BOOL"
  case u8 = "U8"
  case i8 = "I8"
  case f8E5M2 = "F8_E5M2"
  /// The finite-only variant of E4M3: no infinities, one NaN for each sign.
  case f8E4M3 = "F8_E4M3"
  /// A power of two without sign or mantissa, used for block scales.
  case f8E8M0 = "F8_E8M0"
  case i16 = "I16"
  case u16 = "U16"
  case f16 = "F16"
  case bf16 = "BF16"
  case i32 = "I32"
  case u32 = "U32"
  case f32 = "F32"
  case f64 = "F64"
  case i64 = "I64"
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
