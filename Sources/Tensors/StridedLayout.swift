// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// Where the elements of a box lie in a tensor: an offset and a distance per axis, in elements.
public struct StridedLayout: Sendable, Hashable {
  /// The position of the box's first element.
  public let offset: Int
  /// The distance between neighbors along each axis of the box, not negative.
  public let strides: [Int]

  /// Creates a layout; a negative number is a programming error.
  public init(offset: Int, strides: [Int]) {
    precondition(offset >= 0, "the offset \(offset) is negative")
    precondition(strides.allSatisfy { $0 >= 0 }, "a stride of \(strides) is negative")
    self.offset = offset
    self.strides = strides
  }

  /// The number of bytes a tensor needs to hold a box that is not empty.
  func byteCount(holding extents: [Int], of dtype: DType) throws(TensorError) -> Int {
    var (last, overflow) = (offset, false)
    for (extent, stride) in zip(extents, strides) {
      let (distance, tooFar) = (extent - 1).multipliedReportingOverflow(by: stride)
      let (sum, tooLarge) = last.addingReportingOverflow(distance)
      last = sum
      overflow = overflow || tooFar || tooLarge
    }
    let (count, tooMany) = last.addingReportingOverflow(1)
    let (bytes, tooLarge) = count.multipliedReportingOverflow(by: dtype.byteCount)
    guard !overflow, !tooMany, !tooLarge else {
      throw .invalidShape(extents: extents, reason: "a box with strides \(strides) overflows")
    }
    return bytes
  }
}
