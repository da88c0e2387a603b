// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import CSystem
internal import Glibc

/// The loops behind a strided copy.
///
/// Pointers are those of the box's first element. The public call has checked that all elements
/// lie within the memory of both tensors; positions computed from the axes are theirs.
extension StridedCopy {
  /// The size of a tile in a transposition: both its copies fit the first-level cache together, and what
  /// is read and written without a jump are whole cache lines.
  private static let (tileRows, tilePitch) = (64, 256)
  /// The size in bytes up to which a matrix fits the first-level cache as it lies, jumps included.
  private static let smallByteCount = 8 << 10
  /// The elements taken at a time where they are cast or lie apart.
  private static let rowPiece = 1024
  /// Transpositions with fewer rows or columns are copied along the others, if these are long.
  static let (leastTileSide, leastLength) = (8, 128)

  @unsafe
  func copyRows(_ from: UnsafeRawPointer, _ to: UnsafeMutableRawPointer, pastCache: Bool) {
    let (sourceWidth, width) = (source.width, destination.width)
    let count = axes[axes.count - 1].extent
    guard pastCache, count &* width >= Self.tilePitch else {
      axes.dropLast().forEachOffset { sourceOffset, offset in
        unsafe cast.convertRow(
          from: from + sourceOffset &* sourceWidth, to: to + offset &* width, count: count)
      }
      return
    }
    // The buffer is used within the closure only and holds a piece of the widest elements.
    unsafe withUnsafeTemporaryAllocation(byteCount: Self.rowPiece * 8, alignment: 64) { scratch in
      guard let packed = scratch.baseAddress else { return }
      axes.dropLast().forEachOffset { sourceOffset, offset in
        let row = unsafe from + sourceOffset &* sourceWidth
        let target = unsafe to + offset &* width
        guard !cast.isIdentity else { return unsafe Lines.store(row, target, count &* width) }
        for first in stride(from: 0, to: count, by: Self.rowPiece) {
          let piece = min(Self.rowPiece, count &- first)
          unsafe cast.convertRow(from: row + first &* sourceWidth, to: packed, count: piece)
          unsafe Lines.store(packed, target + first &* width, piece &* width)
        }
      }
    }
  }

  /// Copies a matrix whose rows are contiguous in the source and its columns in the destination.
  ///
  /// Each tile is cast to a packed buffer first, also where types are equal: rows a power of two
  /// apart share few places of a cache and would drive each other out between two columns.
  @unsafe
  func transpose(
    _ from: UnsafeRawPointer, _ to: UnsafeMutableRawPointer, columnAxis: Int, pastCache: Bool
  ) {
    let (sourceWidth, width) = (source.width, destination.width)
    let (column, row) = (axes[columnAxis], axes[axes.count - 1])
    let (sourcePitch, pitch) = (row.source &* sourceWidth, column.destination &* width)
    if axes.count == 2, cast.isIdentity, (row.extent &- 1) &* sourcePitch < Self.smallByteCount {
      unsafe TileTranspose(source: from, sourcePitch: sourcePitch, destination: to, pitch: pitch)
        .run(rows: row.extent, columns: column.extent, width: width)
      return
    }
    let tileRows = max(Self.tileRows, 128 / width)
    let tileColumns = Self.tilePitch / width
    // Room after each row keeps the rows of a block in different places of the cache.
    let packedPitch = Self.tilePitch + 64
    var outer = axes.dropLast()
    outer.remove(at: columnAxis)
    // The buffers are used within the closure only, and each tile writes what it reads.
    unsafe withUnsafeTemporaryAllocation(
      byteCount: tileRows * packedPitch + 8 * tileRows * width, alignment: 64
    ) { scratch in
      guard let packed = scratch.baseAddress else { return }
      let strip = unsafe packed + tileRows * packedPitch
      outer.forEachOffset { sourceOffset, offset in
        for firstRow in stride(from: 0, to: row.extent, by: tileRows) {
          let rows = min(tileRows, row.extent &- firstRow)
          for firstColumn in stride(from: 0, to: column.extent, by: tileColumns) {
            let columns = min(tileColumns, column.extent &- firstColumn)
            let source =
              unsafe from
              + ((sourceOffset &+ firstColumn) &* sourceWidth &+ firstRow &* sourcePitch)
            for index in 0..<rows {
              unsafe cast.convertRow(
                from: source + index &* sourcePitch, to: packed + index &* packedPitch,
                count: columns)
            }
            let target = unsafe to + ((offset &+ firstRow) &* width &+ firstColumn &* pitch)
            guard pastCache, rows &* width >= 64 else {
              unsafe TileTranspose(
                source: packed, sourcePitch: packedPitch, destination: target, pitch: pitch
              )
              .run(rows: rows, columns: columns, width: width)
              continue
            }
            var next = unsafe source + columns &* sourceWidth
            let nextByteCount =
              min(tileColumns, column.extent &- firstColumn &- columns) &* sourceWidth
            let share = (rows &* 8 &+ columns &- 1) / columns
            var unfetched = nextByteCount > 0 ? rows : 0
            for first in stride(from: 0, to: columns, by: 8) {
              // The next tile comes from memory while this one is turned.
              for _ in 0..<min(share, unfetched) {
                for byte in stride(from: 0, to: nextByteCount, by: 64) {
                  unsafe csystem_fetch(next + byte)
                }
                unsafe next += sourcePitch
              }
              unfetched = max(0, unfetched &- share)
              let stripColumns = min(8, columns &- first)
              let stripPitch = tileRows &* width
              unsafe TileTranspose(
                source: packed + first &* width, sourcePitch: packedPitch, destination: strip,
                pitch: stripPitch
              ).run(rows: rows, columns: stripColumns, width: width)
              for index in 0..<stripColumns {
                unsafe Lines.store(
                  strip + index &* stripPitch, target + (first &+ index) &* pitch, rows &* width)
              }
            }
          }
        }
      }
    }
  }

  /// Copies along one axis, whatever the distances, in pieces that stay in the cache for each index of a
  /// short axis that runs between them.
  @unsafe
  func copyElements(
    _ from: UnsafeRawPointer, _ to: UnsafeMutableRawPointer, along: Int, between: Int?,
    pastCache: Bool
  ) {
    let (sourceWidth, width) = (source.width, destination.width)
    let long = axes[along]
    let short = between.map { axes[$0] } ?? CopyAxis(extent: 1, source: 0, destination: 0)
    let outer = axes.indices.filter { $0 != along && $0 != between }.map { axes[$0] }[...]
    let (sourcePitch, pitch) = (long.source &* sourceWidth, long.destination &* width)
    let isPacked = long.destination == 1
    // The buffers are used within the closure only and hold a piece of the widest elements each.
    unsafe withUnsafeTemporaryAllocation(
      byteCount: 2 * Self.rowPiece * 8, alignment: 64
    ) { scratch in
      guard let packed = scratch.baseAddress else { return }
      let cast = unsafe packed + Self.rowPiece * 8
      outer.forEachOffset { sourceOffset, offset in
        for first in stride(from: 0, to: long.extent, by: Self.rowPiece) {
          let piece = min(Self.rowPiece, long.extent &- first)
          for index in 0..<short.extent {
            let source =
              unsafe from
              + ((sourceOffset &+ index &* short.source) &* sourceWidth &+ first &* sourcePitch)
            let target =
              unsafe to
              + ((offset &+ index &* short.destination) &* width &+ first &* pitch)
            if self.cast.isIdentity, !(isPacked && pastCache) {
              unsafe SpacedRow(
                source: source, sourcePitch: sourcePitch, destination: target, pitch: pitch
              ).copy(piece, width: width)
              continue
            }
            unsafe SpacedRow(
              source: source, sourcePitch: sourcePitch, destination: packed, pitch: sourceWidth
            )
            .copy(piece, width: sourceWidth)
            unsafe self.cast.convertRow(from: packed, to: cast, count: piece)
            if isPacked && pastCache {
              unsafe Lines.store(cast, target, piece &* width)
            } else {
              unsafe SpacedRow(source: cast, sourcePitch: width, destination: target, pitch: pitch)
                .copy(piece, width: width)
            }
          }
        }
      }
    }
  }
}

/// Whole cache lines written past the cache.
enum Lines {
  /// Copies bytes that nothing will read soon; parts of lines at both ends go through the cache.
  ///
  /// The caller vouches for the memory of both, which need not be aligned, and fences before another
  /// thread reads.
  @unsafe
  static func store(_ from: UnsafeRawPointer, _ to: UnsafeMutableRawPointer, _ count: Int) {
    var offset = min(count, -Int(bitPattern: to) & 63)
    if offset > 0 { unsafe memcpy(to, from, offset) }
    while offset &+ 64 <= count {
      for word in 0..<4 {
        let place = offset &+ 16 &* word
        unsafe csystem_store_past_cache(
          to + place, from.loadUnaligned(fromByteOffset: place, as: SIMD2<UInt64>.self))
      }
      offset &+= 64
    }
    if offset < count { unsafe memcpy(to + offset, from + offset, count &- offset) }
  }
}
