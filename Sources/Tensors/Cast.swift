// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import Glibc

/// A conversion of bit patterns between two element types.
///
/// From a type to itself, every type has the identity. All else is between floating-point types,
/// F8_E8M0 only as source, and gives on every number the bits that torch 2.13 gives on a CPU:
///
/// - A value is rounded once, to nearest, ties to even; subnormals and the sign of zero are kept.
///   F64 is the exception: it is rounded to F32 first, and from there to a narrower type.
/// - A value too large for the target becomes infinity. F8_E4M3 has none and saturates: infinities
///   and everything that would round beyond 448 become 448. (`ml_dtypes` makes them NaN, and so
///   did older versions of torch.)
/// - A NaN stays a NaN of the same sign with the leading bits of its payload, of which the quiet bit
///   is the first; widening appends zeros. The quiet bit is set only where the payload would else
///   be zero, which is the pattern of infinity. So narrowing undoes widening on every pattern.
///   F8_E4M3 has one NaN for each sign, which widens to a NaN with the quiet bit alone, as does
///   the positive NaN of F8_E8M0. (Torch keeps payloads so from BF16 to F32; elsewhere it sets the
///   quiet bit or loses payload and sign, differently in vector and scalar code.)
@safe
public struct Cast: Sendable {
  /// Converts a number of elements from one address to another, neither necessarily aligned.
  typealias Row = @Sendable (UnsafeRawPointer, UnsafeMutableRawPointer, Int) -> Void

  /// The element type converted from.
  public let source: DType
  /// The element type converted to.
  public let destination: DType
  private let row: Row

  /// Chooses the conversion between two types.
  ///
  /// - Throws: `TensorError.unsupportedCast` if the types differ and one is not a floating-point
  ///   type, or the target is F8_E8M0.
  public init(from source: DType, to destination: DType) throws(TensorError) {
    self.source = source
    self.destination = destination
    if source == destination {
      unsafe row = Self.identityRow(width: source.byteCount)
    } else if let row = unsafe Self.row(from: source, to: destination) {
      unsafe self.row = row
    } else {
      throw .unsupportedCast(from: source, to: destination)
    }
  }

  /// Whether there is a conversion between two types.
  public static func isSupported(from source: DType, to destination: DType) -> Bool {
    source == destination
      || source.isFloatingPoint && destination.isFloatingPoint && destination != .f8E8M0
  }

  /// Whether the bits stay as they are.
  public var isIdentity: Bool { source == destination }

  /// Converts one bit pattern, given and returned in the low bits.
  public func callAsFunction(bits: UInt64) -> UInt64 {
    var input = bits.littleEndian
    var output: UInt64 = 0
    // Both variables are as wide as the widest element, of which the row has one.
    unsafe row(&input, &output, 1)
    return UInt64(littleEndian: output)
  }

  /// Converts a contiguous row of elements.
  ///
  /// The memory read and written must hold `count` elements of the two types and not overlap; it
  /// need not be aligned.
  @unsafe
  @inline(__always)
  func convertRow(
    from source: UnsafeRawPointer, to destination: UnsafeMutableRawPointer, count: Int
  ) {
    unsafe row(source, destination, count)
  }
}

/// The choice of the loop, once for each row instead of once for each element.
///
/// Loops capture nothing, because a context would be an allocation for each conversion.
extension Cast {
  private static func identityRow(width: Int) -> Row {
    switch width {
    case 1: { unsafe memcpy($1, $0, $2) }
    case 2: { unsafe memcpy($1, $0, $2 &* 2) }
    case 4: { unsafe memcpy($1, $0, $2 &* 4) }
    default: { unsafe memcpy($1, $0, $2 &* 8) }
    }
  }

  private static func row(from source: DType, to target: DType) -> Row? {
    switch source {
    case .bf16: unsafe row(from: BF16Format.self, to: target)
    case .f16: unsafe row(from: F16Format.self, to: target)
    case .f32: unsafe row(from: F32Format.self, to: target)
    case .f64: unsafe row(from: F64Format.self, to: target)
    case .f8E4M3: unsafe row(from: F8E4M3Format.self, to: target)
    case .f8E5M2: unsafe row(from: F8E5M2Format.self, to: target)
    case .f8E8M0: unsafe row(from: F8E8M0Format.self, to: target)
    case .bool, .u8, .i8, .i16, .u16, .i32, .u32, .i64, .u64: nil
    }
  }

  private static func row<Source: CastSource>(from: Source.Type, to target: DType) -> Row? {
    switch target {
    case .bf16: unsafe row(Source.self, BF16Format.self)
    case .f16: unsafe row(Source.self, F16Format.self)
    case .f32: unsafe row(Source.self, F32Format.self)
    case .f64: unsafe row(Source.self, F64Format.self)
    case .f8E4M3: unsafe row(Source.self, F8E4M3Format.self)
    case .f8E5M2: unsafe row(Source.self, F8E5M2Format.self)
    case .bool, .u8, .i8, .f8E8M0, .i16, .u16, .i32, .u32, .i64, .u64: nil
    }
  }

  private static func row<Source: CastSource, Target: CastTarget>(
    _: Source.Type, _: Target.Type
  ) -> Row {
    { source, target, count in
      let sourceStride = MemoryLayout<Source.Bits>.size
      let targetStride = MemoryLayout<Target.Bits>.size
      for index in 0..<count {
        // The caller of the row vouches for `count` elements at both addresses.
        let bits = unsafe source.loadUnaligned(
          fromByteOffset: index &* sourceStride, as: Source.Bits.self)
        let result = Target.fromF32(Source.toF32(Source.Bits(littleEndian: bits)))
        unsafe target.storeBytes(
          of: result.littleEndian, toByteOffset: index &* targetStride, as: Target.Bits.self)
      }
    }
  }
}
