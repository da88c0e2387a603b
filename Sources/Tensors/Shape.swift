// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// The extents of a tensor, outermost axis first, whose product fits in `Int`.
///
/// A shape without axes is a scalar of one element.
public struct Shape: Sendable, Hashable, CustomStringConvertible, ExpressibleByArrayLiteral {
  /// The extents, outermost axis first.
  public let extents: [Int]

  /// The product of the extents.
  public let elementCount: Int

  /// Creates a shape from untrusted extents.
  ///
  /// - Throws: `TensorError.invalidShape` if an extent is negative or the product overflows.
  public init(_ extents: [Int]) throws(TensorError) {
    var count = 1
    var overflow = false
    for extent in extents {
      guard extent >= 0 else {
        throw .invalidShape(extents: extents, reason: "extent \(extent) is negative")
      }
      let (product, overflows) = count.multipliedReportingOverflow(by: extent)
      overflow = overflow || overflows
      count = product
    }
    // A zero extent makes the product zero however large the others are.
    if extents.contains(0) {
      count = 0
    } else if overflow {
      throw .invalidShape(extents: extents, reason: "the element count overflows 64 bits")
    }
    self.extents = extents
    self.elementCount = count
  }

  /// Creates a shape from extents known to the program; invalid ones are a programming error.
  public init(arrayLiteral elements: Int...) {
    var count = 1
    for extent in elements {
      precondition(extent >= 0, "shape \(elements) has a negative extent")
      count *= extent
    }
    self.extents = elements
    self.elementCount = count
  }

  /// The number of axes.
  public var rank: Int { extents.count }

  /// The extent of one axis.
  public subscript(axis: Int) -> Int { extents[axis] }

  /// The row-major distance in elements between neighbors along each axis.
  public var strides: [Int] {
    var strides = [Int](repeating: 1, count: rank)
    for axis in stride(from: rank - 2, through: 0, by: -1) {
      strides[axis] = strides[axis + 1] &* extents[axis + 1]
    }
    return strides
  }

  /// The size in bytes of a contiguous tensor of this shape.
  ///
  /// - Throws: `TensorError.invalidShape` if the size overflows.
  public func byteCount(of dtype: DType) throws(TensorError) -> Int {
    let (bytes, overflow) = elementCount.multipliedReportingOverflow(by: dtype.byteCount)
    guard !overflow else {
      throw .invalidShape(extents: extents, reason: "the size in bytes overflows 64 bits")
    }
    return bytes
  }

  /// The text shown to people.
  public var description: String {
    "[" + extents.map(String.init).joined(separator: ", ") + "]"
  }
}

extension Shape {
  /// The index along each axis of a row-major position.
  package func indices(at position: Int) -> [Int] { extents.indices(at: position) }
}

extension [Int] {
  /// The index along each axis of a row-major position, where the numbers are the extents of axes.
  package func indices(at position: Int) -> [Int] {
    var rest = position
    var result = [Int](repeating: 0, count: count)
    for axis in indices.reversed() where self[axis] > 0 {
      (rest, result[axis]) = rest.quotientAndRemainder(dividingBy: self[axis])
    }
    return result
  }
}
