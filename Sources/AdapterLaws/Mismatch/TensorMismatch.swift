// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Tensors

/// How one tensor differs from what it should be.
public struct TensorMismatch: Sendable {
  /// The ways, most serious first.
  public enum Kind: String, Sendable, Hashable, CaseIterable {
    case dtype
    case shape
    /// All places that differ hold zeros instead of other numbers.
    case zeroed
    case elements
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
    let extents: [Int]
    var count = 0
    var isZeroed = true
    var first: [ElementMismatch] = []
    var bounds: [Range<Int>] = []

    init(_ tensor: Tensor) {
      dtype = tensor.dtype
      extents = tensor.shape.extents
    }

    mutating func add(_ position: Int, _ expected: UInt64, _ found: UInt64) {
      let index = index(of: position)
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

    private func index(of position: Int) -> [Int] {
      var rest = position
      var index = [Int](repeating: 0, count: extents.count)
      for axis in extents.indices.reversed() {
        index[axis] = rest % extents[axis]
        rest /= extents[axis]
      }
      return index
    }
  }
}
