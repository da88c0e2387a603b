// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Tensors

/// A box of elements in a row-major view of a tensor.
///
/// The view's extents multiply to the tensor's element count; it differs from the tensor's shape
/// where an axis must be split, or where a unit axis must be added.
public struct Region: Sendable, Hashable, CustomStringConvertible {
  /// One object, because plans copy their moves about and each array would be counted each time.
  private final class Axes: Sendable {
    let view, lower, extents: [Int]

    init(_ view: [Int], _ lower: [Int], _ extents: [Int]) {
      self.view = view
      self.lower = lower
      self.extents = extents
    }
  }

  private let axes: Axes

  /// The extents of the view.
  public var view: [Int] { axes.view }
  /// The first index along each axis.
  public var lower: [Int] { axes.lower }
  /// The number of indices along each axis.
  public var extents: [Int] { axes.extents }

  /// Creates a box in a view.
  public init(view: [Int], lower: [Int], extents: [Int]) {
    axes = Axes(view, lower, extents)
  }

  /// Whether both are the same box of the same view.
  public static func == (lhs: Region, rhs: Region) -> Bool {
    lhs.axes === rhs.axes
      || lhs.view == rhs.view && lhs.lower == rhs.lower && lhs.extents == rhs.extents
  }

  /// Feeds the three lists to the hasher.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(view)
    hasher.combine(lower)
    hasher.combine(extents)
  }

  /// Creates the region of a whole tensor seen through a view.
  public init(whole view: [Int]) {
    self.init(view: view, lower: Array(repeating: 0, count: view.count), extents: view)
  }

  /// The index after the last along each axis.
  public var upper: [Int] { zip(lower, extents).map { $0 + $1 } }

  /// The number of elements in the box.
  public var elementCount: Int { extents.contains(0) ? 0 : extents.reduce(1, *) }

  /// Whether the view fits the tensor and the box fits the view, without overflow.
  public func isInside(_ shape: Shape) -> Bool {
    guard view.count == lower.count, view.count == extents.count,
      let viewShape = try? Shape(view), viewShape.elementCount == shape.elementCount
    else { return false }
    return zip(view, zip(lower, extents)).allSatisfy { extent, range in
      range.0 >= 0 && range.1 >= 0 && range.0 <= extent && range.1 <= extent - range.0
    }
  }

  /// The part common to two boxes of one view, or nil if they are disjoint.
  func intersection(_ other: Region) -> Region? {
    guard view == other.view else { return nil }
    let lower = zip(self.lower, other.lower).map(max)
    let upper = zip(self.upper, other.upper).map(min)
    guard zip(lower, upper).allSatisfy({ $0 < $1 }) else { return nil }
    return Region(view: view, lower: lower, extents: zip(lower, upper).map { $1 - $0 })
  }

  /// The position of the box's first element in the tensor; zero where the box has none.
  var offset: Int {
    // Without elements, the first index need not lie inside the tensor.
    extents.contains(0) ? 0 : zip(view, lower).reduce(0) { $0 &* $1.0 &+ $1.1 }
  }

  /// The positions in the tensor from the box's first element to its last.
  var span: Range<Int> {
    guard !extents.contains(0) else { return 0..<0 }
    let (first, strides) = (offset, strides)
    return first..<extents.indices.reduce(first) { $0 + (extents[$1] - 1) * strides[$1] } + 1
  }

  /// The distance in the tensor's elements between neighbors along each axis of the view.
  var strides: [Int] {
    var strides = [Int](repeating: 1, count: view.count)
    for axis in stride(from: view.count - 2, through: 0, by: -1) {
      // Only strides of an empty view can overflow.
      strides[axis] = strides[axis + 1] &* view[axis + 1]
    }
    return strides
  }

  /// The text shown to people, such as `[3, 0..<768, 0..<2048]`.
  public var description: String {
    let axes = zip(lower, extents).map { $1 == 1 ? "\($0)" : "\($0)..<\($0 + $1)" }
    return "[" + axes.joined(separator: ", ") + "]"
  }
}

/// One copy from a region of a source to a region of a destination.
public struct TensorMove: Sendable, Hashable {
  /// The position of the source tensor in the plan.
  public var source: Int
  /// The elements read.
  public var sourceRegion: Region
  /// The position of the destination tensor in the plan.
  public var destination: Int
  /// The elements written.
  public var destinationRegion: Region
  /// For each axis of the destination region, the axis of the source region that runs along it.
  public var permutation: [Int]
  /// Whether another move reads the same elements for another destination.
  public var isRepeat: Bool

  /// Creates a move.
  public init(
    source: Int, _ sourceRegion: Region, destination: Int, _ destinationRegion: Region,
    permutation: [Int], isRepeat: Bool = false
  ) {
    self.source = source
    self.sourceRegion = sourceRegion
    self.destination = destination
    self.destinationRegion = destinationRegion
    self.permutation = permutation
    self.isRepeat = isRepeat
  }

  /// Whether the axes run in one order on both sides.
  var keepsAxes: Bool { permutation.indices.allSatisfy { permutation[$0] == $0 } }

  /// Whether the extents of both regions agree under the permutation.
  var isConsistent: Bool {
    let rank = sourceRegion.extents.count
    return destinationRegion.extents.count == rank && permutation.count == rank
      && permutation.sorted() == Array(0..<rank)
      && permutation.enumerated().allSatisfy { axis, source in
        destinationRegion.extents[axis] == sourceRegion.extents[source]
      }
  }

  /// The same move, of the part of the destination that lies in a box of its view.
  func restricted(toDestination box: Region) -> TensorMove? {
    if box == destinationRegion { return self }
    guard let part = destinationRegion.intersection(box) else { return nil }
    var lower = sourceRegion.lower
    var extents = sourceRegion.extents
    for (axis, source) in permutation.enumerated() {
      lower[source] += part.lower[axis] - destinationRegion.lower[axis]
      extents[source] = part.extents[axis]
    }
    var move = self
    move.sourceRegion = Region(view: sourceRegion.view, lower: lower, extents: extents)
    move.destinationRegion = part
    return move
  }
}

/// The copy of all moves that differ in nothing but where their boxes begin.
final class MoveGeometry: Sendable {
  /// Copies boxes from and to the memory that begins at their first elements.
  let copy: StridedCopy
  private let source, destination: DType
  private let sourceView, view, extents, permutation: [Int]

  init(_ move: TensorMove, from source: DType, to destination: DType) throws(TensorError) {
    sourceView = move.sourceRegion.view
    view = move.destinationRegion.view
    extents = move.destinationRegion.extents
    permutation = move.permutation
    self.source = source
    self.destination = destination
    let sourceStrides = move.sourceRegion.strides
    copy = try StridedCopy(
      extents: extents,
      source: StridedLayout(offset: 0, strides: permutation.map { sourceStrides[$0] }),
      sourceType: source,
      destination: StridedLayout(offset: 0, strides: move.destinationRegion.strides),
      destinationType: destination)
  }

  /// Whether another move has this geometry.
  func fits(_ other: TensorMove, from source: DType, to destination: DType) -> Bool {
    source == self.source && destination == self.destination
      && other.permutation == permutation && other.sourceRegion.view == sourceView
      && other.destinationRegion.view == view && other.destinationRegion.extents == extents
  }
}

/// A move ready to run on a source tensor's data.
struct MoveCopy: Sendable {
  private let geometry: MoveGeometry
  /// Which part of so many is copied.
  private let part, partCount: Int
  private let source: Tensor
  /// Where the boxes read and written begin, in bytes.
  private let sourceByte, byte: Int

  /// Prepares a part of a move into a buffer in which its destination begins at some byte, before it or
  /// after.
  init(
    _ move: TensorMove, _ geometry: MoveGeometry, part: Int, of partCount: Int,
    from source: Tensor, to dtype: DType, at start: Int
  ) {
    self.geometry = geometry
    (self.part, self.partCount) = (part, partCount)
    self.source = source
    sourceByte = move.sourceRegion.offset * source.dtype.byteCount
    byte = start + move.destinationRegion.offset * dtype.byteCount
  }

  /// Prepares a move whose destination elements start at an offset of the buffer to be filled, from the
  /// elements of a source that start at another.
  init(
    _ move: TensorMove, from source: Tensor, element first: Int = 0, to dtype: DType,
    startingAt element: Int = 0
  ) throws(TensorError) {
    geometry = try MoveGeometry(move, from: source.dtype, to: dtype)
    (part, partCount) = (0, 1)
    self.source = source
    sourceByte = (move.sourceRegion.offset - first) * source.dtype.byteCount
    byte = (move.destinationRegion.offset - element) * dtype.byteCount
  }

  /// Copies the elements into a buffer, past the cache where the buffer is larger than that.
  @unsafe
  func run(into bytes: UnsafeMutableRawBufferPointer, pastCache: Bool = false) {
    unsafe source.withUnsafeBytes { (data: UnsafeRawBufferPointer) in
      let from = unsafe UnsafeRawBufferPointer(rebasing: data[sourceByte...])
      let to = unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[byte...])
      // Most moves are small, and a part is a copy of its own.
      if partCount == 1 { return unsafe geometry.copy(from: from, to: to, pastCache: pastCache) }
      unsafe geometry.copy.part(part, of: partCount)(from: from, to: to, pastCache: pastCache)
    }
  }

  /// The result of a move that fills a whole tensor.
  func tensor(_ info: TensorInfo, memory: WarmMemory) throws(TensorError) -> Tensor {
    let byteCount = try info.shape.byteCount(of: info.dtype)
    var buffer = try ByteBuffer(
      count: byteCount, from: memory, isOverwritten: geometry.copy.byteCount == byteCount)
    // The buffer is this call's alone.
    unsafe buffer.withUnsafeMutableBytes { (bytes: UnsafeMutableRawBufferPointer) in
      unsafe run(into: bytes)
    }
    return try Tensor(info.dtype, info.shape, storage: buffer.freeze())
  }
}
