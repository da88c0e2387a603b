// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// Copies a box of elements between two tensors' bytes, permuting axes and casting as the layouts
/// and types say.
public struct StridedCopy: Sendable {
  let axes: [CopyAxis]
  private let pattern: Pattern
  let cast: Cast
  let source: Region
  let destination: Region

  /// The part of a tensor that a box touches.
  struct Region: Sendable {
    /// The position in bytes of the first element.
    let start: Int
    /// The bytes the tensor must have at least.
    let end: Int
    /// The size in bytes of one element.
    let width: Int
  }

  /// How the innermost axes lie in memory.
  private enum Pattern {
    case empty
    /// The last axis is contiguous in both tensors.
    case rows
    /// The last axis is contiguous in the destination, the one of this index in the source.
    case transpose(Int)
    case elements
  }

  /// Plans a copy; layouts of another rank than `extents`, or a destination in which two elements
  /// share a place because of a stride of zero, are programming errors.
  ///
  /// - Throws: `TensorError.unsupportedCast`, or `TensorError.invalidShape` if an extent is
  ///   negative or a position overflows.
  public init(
    extents: [Int], source: StridedLayout, sourceType: DType, destination: StridedLayout,
    destinationType: DType
  ) throws(TensorError) {
    precondition(
      source.strides.count == extents.count && destination.strides.count == extents.count,
      "the layouts \(source) and \(destination) do not have \(extents.count) axes")
    cast = try Cast(from: sourceType, to: destinationType)
    let (sourceWidth, destinationWidth) = (sourceType.byteCount, destinationType.byteCount)
    guard try Shape(extents).elementCount > 0 else {
      (axes, pattern) = ([], .empty)
      self.source = Region(start: 0, end: 0, width: sourceWidth)
      self.destination = Region(start: 0, end: 0, width: destinationWidth)
      return
    }
    let sourceEnd = try source.byteCount(holding: extents, of: sourceType)
    let destinationEnd = try destination.byteCount(holding: extents, of: destinationType)
    self.source = Region(start: source.offset * sourceWidth, end: sourceEnd, width: sourceWidth)
    self.destination = Region(
      start: destination.offset * destinationWidth, end: destinationEnd, width: destinationWidth)

    var axes: [CopyAxis] = []
    for axis in extents.indices {
      let entry = CopyAxis(
        extent: extents[axis], source: source.strides[axis],
        destination: destination.strides[axis])
      precondition(
        entry.extent == 1 || entry.destination > 0, "axis \(axis) of the destination has stride 0")
      axes.append(entry)
    }
    axes = CopyAxis.normalized(axes)
    pattern = Self.pattern(of: &axes)
    self.axes = axes
  }

  private static func pattern(of axes: inout [CopyAxis]) -> Pattern {
    guard let last = axes.last else {
      axes = [CopyAxis(extent: 1, source: 1, destination: 1)]
      return .rows
    }
    guard last.destination == 1 else { return .elements }
    if last.source == 1 { return .rows }
    return axes.firstIndex { $0.source == 1 }.map { .transpose($0) } ?? .elements
  }

  /// Copies the box between the bytes of two tensors.
  ///
  /// A tensor that is too small for its layout is a programming error.
  public func callAsFunction(from source: RawSpan, to destination: inout MutableRawSpan) {
    unsafe source.withUnsafeBytes { from in
      unsafe destination.withUnsafeMutableBytes { to in
        // The spans are valid here, and writing one exclusively keeps them apart.
        unsafe self(from: from, to: to)
      }
    }
  }

  /// Copies the box between the memory of two tensors, which must not overlap.
  ///
  /// Several threads may fill boxes of one destination that have no element in common. A tensor
  /// that is too small for its layout is a programming error.
  @unsafe
  public func callAsFunction(
    from source: UnsafeRawBufferPointer, to destination: UnsafeMutableRawBufferPointer
  ) {
    precondition(
      self.source.end <= source.count,
      "the box needs \(self.source.end) bytes of source, but there are \(source.count)")
    precondition(
      self.destination.end <= destination.count,
      "the box needs \(self.destination.end) bytes of destination, but there are "
        + "\(destination.count)")
    guard let from = source.baseAddress, let to = destination.baseAddress else { return }
    // From here on positions are those of elements in the box, all within the sizes just checked.
    let first = unsafe from + self.source.start
    let target = unsafe to + self.destination.start
    switch pattern {
    case .empty: break
    case .rows: unsafe copyRows(first, target)
    case .transpose(let axis): unsafe transpose(first, target, columnAxis: axis)
    case .elements: unsafe copyElements(first, target)
    }
  }
}
