// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Tensors

/// Where and by how much elements of two tensors of one type and shape differ, read row by row.
struct ElementScan {
  /// An element that differs.
  struct Change {
    let position: Int
    let expected: UInt64
    let found: UInt64
  }

  let dtype: DType
  let shape: Shape
  private(set) var count = 0
  private(set) var bounds: [Range<Int>] = []
  /// The largest distance of two numbers; nil of other types and where none are numbers.
  private(set) var ulps: UInt64?
  /// Whether all that differs is zero and should not be.
  private(set) var isZeroed = true
  /// The first changes, and some of later rows.
  private(set) var changes: [Change] = []

  private static let firstChanges = 64
  private static let mostChanges = 256

  /// Elements to look at together.
  static let chunk = 4 << 20

  init(_ dtype: DType, _ shape: Shape) {
    (self.dtype, self.shape) = (dtype, shape)
  }

  /// Scans two whole tensors.
  init(expected: Tensor, found: Tensor) {
    self.init(expected.dtype, expected.shape)
    add(expected: expected, found: found, at: 0)
  }

  /// Scans elements that begin at a row-major position, a multiple of the last extent.
  mutating func add(expected: Tensor, found: Tensor, at start: Int) {
    guard !expected.bytes.isEqual(to: found.bytes) else { return }
    switch dtype.byteCount {
    case 1: scan(expected, found, start, UInt8.self)
    case 2: scan(expected, found, start, UInt16.self)
    case 4: scan(expected, found, start, UInt32.self)
    default: scan(expected, found, start, UInt64.self)
    }
  }

  private mutating func scan<Word: FixedWidthInteger & BitwiseCopyable & UnsignedInteger>(
    _ expected: Tensor, _ found: Tensor, _ start: Int, _: Word.Type
  ) {
    let size = MemoryLayout<Word>.size
    let width = max(1, shape.extents.last ?? 1)
    let layout = FloatLayout(dtype)
    let rows = expected.shape.elementCount / width
    for row in 0..<rows {
      let bytes = row * width * size..<(row + 1) * width * size
      let (ours, theirs) = (expected.bytes.extracting(bytes), found.bytes.extracting(bytes))
      if ours.isEqual(to: theirs) { continue }
      var (first, last) = (width, 0)
      for column in 0..<width {
        // The loads check the offset, and any bytes are a word.
        let one = Word(
          littleEndian: unsafe ours.unsafeLoadUnaligned(
            fromByteOffset: column * size, as: Word.self))
        let other = Word(
          littleEndian: unsafe theirs.unsafeLoadUnaligned(
            fromByteOffset: column * size, as: Word.self))
        guard one != other else { continue }
        note(UInt64(one), UInt64(other), start + row * width + column, layout, first == width)
        first = min(first, column)
        last = column
      }
      widen(start / width + row, first..<last + 1)
    }
  }

  private mutating func note(
    _ one: UInt64, _ other: UInt64, _ position: Int, _ layout: FloatLayout?, _ isFirstOfRow: Bool
  ) {
    count += 1
    if let layout {
      let (a, b) = (layout.magnitude(one), layout.magnitude(other))
      if !layout.isNaN(one), !layout.isNaN(other) {
        let distance = (one ^ other) & layout.sign == 0 ? max(a, b) - min(a, b) : a + b
        ulps = max(ulps ?? 0, distance)
      }
      isZeroed = isZeroed && other == 0 && a != 0
    } else {
      isZeroed = isZeroed && other == 0
    }
    if changes.count < Self.firstChanges || isFirstOfRow && changes.count < Self.mostChanges {
      changes.append(Change(position: position, expected: one, found: other))
    }
  }

  private mutating func widen(_ row: Int, _ columns: Range<Int>) {
    let place = Array(shape.extents.dropLast()).indices(at: row).map { $0..<$0 + 1 }
    let own = shape.rank == 0 ? [] : place + [columns]
    bounds =
      bounds.isEmpty
      ? own
      : zip(bounds, own).map {
        min($0.lowerBound, $1.lowerBound)..<max($0.upperBound, $1.upperBound)
      }
  }

  /// The first changes with their places.
  func mismatches(_ limit: Int) -> [ElementMismatch] {
    changes.prefix(limit).map {
      ElementMismatch(
        index: shape.indices(at: $0.position), dtype: dtype, expected: $0.expected, found: $0.found)
    }
  }
}

extension Tensor {
  /// The elements as another type, or nil where there is no cast.
  func cast(to other: DType) -> Tensor? {
    guard other != dtype else { return self }
    let layout = StridedLayout(offset: 0, strides: [1])
    return rearranged(
      [shape.elementCount], source: layout, to: other, destination: layout, shape: shape)
  }

  /// The matrix with its axes exchanged, or nil of what is no matrix.
  var transposed: Tensor? {
    guard shape.rank == 2, let other = try? Shape([shape[1], shape[0]]) else { return nil }
    return rearranged(
      other.extents, source: StridedLayout(offset: 0, strides: [1, shape[1]]), to: dtype,
      destination: StridedLayout(offset: 0, strides: [shape[0], 1]), shape: other)
  }

  private func rearranged(
    _ extents: [Int], source: StridedLayout, to other: DType, destination: StridedLayout,
    shape: Shape
  ) -> Tensor? {
    guard
      let copy = try? StridedCopy(
        extents: extents, source: source, sourceType: dtype, destination: destination,
        destinationType: other),
      let count = try? shape.byteCount(of: other), var buffer = try? ByteBuffer(count: count)
    else { return nil }
    unsafe buffer.withUnsafeMutableBytes { (target: UnsafeMutableRawBufferPointer) in
      // The buffer is this call's alone and as large as the copy's destination.
      unsafe withUnsafeBytes { unsafe copy(from: $0, to: target) }
    }
    return try? Tensor(other, shape, storage: buffer.freeze())
  }
}
