// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
public import Tensors

/// How one tensor differs from what it should be.
public struct TensorMismatch: Sendable {
  /// The ways, most serious first.
  public enum Kind: String, Sendable, Hashable, CaseIterable {
    /// The element type is another.
    case dtype
    /// The shape is another.
    case shape
    /// All places that differ hold zeros instead of other numbers.
    case zeroed
    /// Elements differ.
    case elements

    /// The way in which a law fails by it.
    var ofViolation: Violation.Kind {
      switch self {
      case .dtype: .dtype
      case .shape: .shape
      case .zeroed: .zeroed
      case .elements: .elements
      }
    }
  }

  /// The name of both.
  public let name: TensorName
  /// The tensor that should be there.
  public let expected: Tensor
  /// The tensor that is there.
  public let found: Tensor
  /// Whether any NaN will do where one is expected, since a cast made it.
  public let isCast: Bool
  /// How they differ.
  public let kind: Kind
  /// The number of elements that differ, where element type and shape are equal.
  public let count: Int
  /// The first places that differ, in row-major order.
  public let first: [ElementMismatch]
  /// The range along each axis in which all places lie that differ.
  public let bounds: [Range<Int>]

  /// The number of places listed in `first`.
  public static let listed = 8

  /// Compares two tensors; gives nil if they are equal.
  ///
  /// - Complexity: O(bytes) if they are equal, else O(elements).
  public init?(_ name: TensorName, expected: Tensor, found: Tensor, isCast: Bool = false) {
    if expected == found { return nil }
    self.name = name
    self.expected = expected
    self.found = found
    self.isCast = isCast
    guard expected.dtype == found.dtype, expected.shape == found.shape else {
      kind = expected.dtype != found.dtype ? .dtype : .shape
      (count, first, bounds) = (0, [], [])
      return
    }
    var walk = Walk(expected)
    Self.forEachDifference(expected, found, isCast) { walk.add($0, $1, $2) }
    if walk.count == 0 { return nil }
    kind = walk.isZeroed ? .zeroed : .elements
    (count, first, bounds) = (walk.count, walk.first, walk.bounds)
  }

  /// The share of elements that differ, of one.
  public var share: Double { Double(count) / Double(max(1, expected.shape.elementCount)) }

  /// Calls a closure with the row-major position and both patterns of each place that differs.
  static func forEachDifference(
    _ expected: Tensor, _ found: Tensor, _ isCast: Bool, _ body: (Int, UInt64, UInt64) -> Void
  ) {
    let (dtype, ours, theirs) = (expected.dtype, expected.patterns, found.patterns)
    for position in ours.indices where ours[position] != theirs[position] {
      if isCast, dtype.isNaN(ours[position]), dtype.isNaN(theirs[position]) { continue }
      body(position, ours[position], theirs[position])
    }
  }

  private struct Walk {
    let dtype: DType
    let shape: Shape
    var count = 0
    var isZeroed = true
    var first: [ElementMismatch] = []
    var bounds: [Range<Int>] = []

    init(_ tensor: Tensor) {
      dtype = tensor.dtype
      shape = tensor.shape
    }

    mutating func add(_ position: Int, _ expected: UInt64, _ found: UInt64) {
      let index = shape.indices(at: position)
      bounds =
        count == 0
        ? index.map { $0..<$0 + 1 }
        : zip(bounds, index).map { min($0.lowerBound, $1)..<max($0.upperBound, $1 + 1) }
      if count < TensorMismatch.listed {
        first.append(
          ElementMismatch(index: index, dtype: dtype, expected: expected, found: found))
      }
      isZeroed = isZeroed && found == 0 && dtype.number(expected) != 0
      count += 1
    }
  }
}

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

  /// How many numbers of the type lie between the two, counting one of them; nil for types other than
  /// floating-point and where one is a NaN.
  public var ulps: UInt64? {
    guard let layout = FloatLayout(dtype), !dtype.isNaN(expected), !dtype.isNaN(found) else {
      return nil
    }
    // Patterns of one sign are in the order of the numbers; both zeros are the same number.
    let (one, other) = (layout.magnitude(expected), layout.magnitude(found))
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
