// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// One axis of a box to copy: its extent and the distances in elements in both tensors.
struct CopyAxis: Sendable, Hashable {
  var extent: Int
  var source: Int
  var destination: Int

  /// The fewest axes that copy the same elements, those with small destination strides last.
  static func normalized(_ axes: [CopyAxis]) -> [CopyAxis] {
    var result: [CopyAxis] = []
    let sorted = axes.filter { $0.extent != 1 }.sorted {
      ($0.destination, $0.source) > ($1.destination, $1.source)
    }
    for axis in sorted {
      // A product that wraps around is negative, as no stride is: the last element's position fits.
      if let outer = result.last, outer.source == axis.source &* axis.extent,
        outer.destination == axis.destination &* axis.extent
      {
        result[result.count - 1] = CopyAxis(
          extent: outer.extent * axis.extent, source: axis.source, destination: axis.destination)
      } else {
        result.append(axis)
      }
    }
    return result
  }
}

extension ArraySlice<CopyAxis> {
  /// Visits the source and destination offset of each index, last axis fastest.
  @inline(__always)
  func forEachOffset(_ body: (_ source: Int, _ destination: Int) -> Void) {
    var index = [Int](repeating: 0, count: endIndex)
    var (source, destination) = (0, 0)
    var axis = endIndex
    repeat {
      body(source, destination)
      axis = endIndex - 1
      while axis >= startIndex {
        index[axis] += 1
        source += self[axis].source
        destination += self[axis].destination
        if index[axis] < self[axis].extent { break }
        source -= index[axis] * self[axis].source
        destination -= index[axis] * self[axis].destination
        index[axis] = 0
        axis -= 1
      }
    } while axis >= startIndex
  }
}

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
