// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import Synchronization

/// Copies a box of elements between two tensors' bytes, permuting axes and casting as the layouts
/// and types say.
public struct StridedCopy: Sendable {
  private(set) var axes: [CopyAxis]
  private let pattern: Pattern
  let cast: Cast
  private(set) var source: Region
  private(set) var destination: Region

  /// The part of a tensor that a box touches.
  struct Region: Sendable {
    /// The position in bytes of the first element.
    var start: Int
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
    /// Neither; the axis of this index is copied along, and for each of its pieces the other one's indices.
    case elements(along: Int, between: Int?)
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
    let row = axes.count - 1
    if last.destination == 1 && last.source == 1 { return .rows }
    guard last.destination == 1, let column = axes.firstIndex(where: { $0.source == 1 }) else {
      return .elements(along: row, between: nil)
    }
    let (rows, columns) = (last.extent, axes[column].extent)
    guard min(rows, columns) < leastTileSide, max(rows, columns) >= leastLength else {
      return .transpose(column)
    }
    return rows < columns
      ? .elements(along: column, between: row) : .elements(along: row, between: column)
  }

  /// The size in bytes of what is written.
  public var byteCount: Int { axes.reduce(destination.width) { $0 * $1.extent } }

  /// The number of parts of about some size in bytes that the copy can be cut into, at least one.
  public func partCount(of byteCount: Int) -> Int {
    guard case .empty = pattern else {
      return max(1, min(axes[0].extent, self.byteCount / byteCount))
    }
    return 1
  }

  /// One of the parts that have no element in common and are all of the copy together.
  public func part(_ index: Int, of count: Int) -> StridedCopy {
    guard count > 1 else { return self }
    var part = self
    let first = axes[0].extent * index / count
    part.axes[0].extent = axes[0].extent * (index + 1) / count - first
    part.source.start += first * axes[0].source * source.width
    part.destination.start += first * axes[0].destination * destination.width
    return part
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
  ///
  /// - Parameter pastCache: Whether so much is written that none of it will be in the cache when it is read.
  @unsafe
  public func callAsFunction(
    from source: UnsafeRawBufferPointer, to destination: UnsafeMutableRawBufferPointer,
    pastCache: Bool = false
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
    case .rows: unsafe copyRows(first, target, pastCache: pastCache)
    case .transpose(let axis):
      unsafe transpose(first, target, columnAxis: axis, pastCache: pastCache)
    case .elements(let along, let between):
      unsafe copyElements(first, target, along: along, between: between, pastCache: pastCache)
    }
    // Stores past the cache are in no order with those by which threads agree that the work is done.
    if pastCache { atomicMemoryFence(ordering: .sequentiallyConsistent) }
  }
}
