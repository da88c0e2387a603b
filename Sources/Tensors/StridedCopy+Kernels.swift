// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// The loops behind a strided copy.
///
/// Pointers are those of the box's first element. The public call has checked that all elements
/// lie within the memory of both tensors; positions computed from the axes are theirs.
extension StridedCopy {
  /// The size of a tile in a transposition: it fits the first-level cache, and what is read and
  /// written without a jump are whole cache lines.
  private static let (tileRows, tilePitch) = (128, 256)
  /// The size in bytes up to which a matrix fits the first-level cache as it lies, jumps included.
  private static let smallByteCount = 8 << 10

  @unsafe
  func copyRows(_ from: UnsafeRawPointer, _ to: UnsafeMutableRawPointer) {
    let (sourceWidth, width) = (source.width, destination.width)
    let count = axes[axes.count - 1].extent
    axes.dropLast().forEachOffset { sourceOffset, offset in
      unsafe cast.convertRow(
        from: from + sourceOffset &* sourceWidth, to: to + offset &* width, count: count)
    }
  }

  /// Copies a matrix whose rows are contiguous in the source and its columns in the destination.
  ///
  /// Each tile is cast to a packed buffer first, also where types are equal: rows a power of two
  /// apart share few places of a cache and would drive each other out between two columns.
  @unsafe
  func transpose(_ from: UnsafeRawPointer, _ to: UnsafeMutableRawPointer, columnAxis: Int) {
    let (sourceWidth, width) = (source.width, destination.width)
    let (column, row) = (axes[columnAxis], axes[axes.count - 1])
    let (sourcePitch, pitch) = (row.source &* sourceWidth, column.destination &* width)
    if axes.count == 2, cast.isIdentity, (row.extent &- 1) &* sourcePitch < Self.smallByteCount {
      unsafe TileTranspose.run(
        from, pitch: sourcePitch, to: to, pitch: pitch, rows: row.extent, columns: column.extent,
        width: width)
      return
    }
    let tileColumns = Self.tilePitch / width
    var outer = axes.dropLast()
    outer.remove(at: columnAxis)
    // The buffer is used within the closure only, and each tile writes what it reads.
    unsafe withUnsafeTemporaryAllocation(
      byteCount: Self.tileRows * Self.tilePitch, alignment: 64
    ) { scratch in
      guard let packed = scratch.baseAddress else { return }
      outer.forEachOffset { sourceOffset, offset in
        for firstRow in stride(from: 0, to: row.extent, by: Self.tileRows) {
          let rows = min(Self.tileRows, row.extent &- firstRow)
          for firstColumn in stride(from: 0, to: column.extent, by: tileColumns) {
            let columns = min(tileColumns, column.extent &- firstColumn)
            let source = unsafe from + (sourceOffset &+ firstColumn) &* sourceWidth
            for index in 0..<rows {
              unsafe cast.convertRow(
                from: source + (firstRow &+ index) &* sourcePitch,
                to: packed + index &* Self.tilePitch, count: columns)
            }
            unsafe TileTranspose.run(
              packed, pitch: Self.tilePitch,
              to: to + (offset &+ firstRow) &* width + firstColumn &* pitch, pitch: pitch,
              rows: rows, columns: columns, width: width)
          }
        }
      }
    }
  }

  /// Copies element by element.
  @unsafe
  func copyElements(_ from: UnsafeRawPointer, _ to: UnsafeMutableRawPointer) {
    let (sourceWidth, width) = (source.width, destination.width)
    axes[...].forEachOffset { sourceOffset, offset in
      unsafe cast.convertRow(
        from: from + sourceOffset &* sourceWidth, to: to + offset &* width, count: 1)
    }
  }
}
