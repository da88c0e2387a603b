// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Tensors

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
  private let copy: StridedCopy
  private let source: Tensor
  /// Where the boxes read and written begin, in bytes.
  private let sourceByte, byte: Int

  /// Prepares a move whose destination elements start at an offset of the buffer to be filled.
  init(
    _ move: TensorMove, from source: Tensor, to dtype: DType, startingAt element: Int = 0
  ) throws(TensorError) {
    copy = try MoveGeometry(move, from: source.dtype, to: dtype).copy
    self.source = source
    sourceByte = move.sourceRegion.offset * source.dtype.byteCount
    byte = (move.destinationRegion.offset - element) * dtype.byteCount
  }

  /// Copies the elements into a buffer.
  @unsafe
  func run(into bytes: UnsafeMutableRawBufferPointer) {
    unsafe source.withUnsafeBytes { (data: UnsafeRawBufferPointer) in
      unsafe copy(
        from: UnsafeRawBufferPointer(rebasing: data[sourceByte...]),
        to: UnsafeMutableRawBufferPointer(rebasing: bytes[byte...]))
    }
  }

  /// The result of a move that fills a whole tensor.
  func tensor(_ info: TensorInfo) throws(TensorError) -> Tensor {
    var buffer = try ByteBuffer(count: info.shape.byteCount(of: info.dtype))
    // The buffer is this call's alone.
    unsafe buffer.withUnsafeMutableBytes { (bytes: UnsafeMutableRawBufferPointer) in
      unsafe run(into: bytes)
    }
    return try Tensor(info.dtype, info.shape, storage: buffer.freeze())
  }
}
