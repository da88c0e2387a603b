// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// Transposition of one tile: rows packed closely become columns of a tensor.
///
/// The caller vouches for the memory of all elements of the tile on both sides. Distances between
/// rows, called pitches, are in bytes; the destination need not be aligned.
enum TileTranspose {
  /// Transposes a tile of elements of 1, 2, 4 or 8 bytes.
  @unsafe
  static func run(
    _ source: UnsafeRawPointer, pitch: Int, to destination: UnsafeMutableRawPointer,
    pitch destinationPitch: Int, rows: Int, columns: Int, width: Int
  ) {
    switch width {
    case 1:
      unsafe Elements<UInt8>(source, pitch, destination, destinationPitch)
        .transpose(rows: 0..<rows, columns: 0..<columns)
    case 2:
      let tile = unsafe Elements<UInt16>(source, pitch, destination, destinationPitch)
      let (wholeRows, wholeColumns) = (rows & ~7, columns & ~7)
      unsafe tile.transposeBlocks(rows: wholeRows, columns: wholeColumns)
      unsafe tile.transpose(rows: wholeRows..<rows, columns: 0..<wholeColumns)
      unsafe tile.transpose(rows: 0..<rows, columns: wholeColumns..<columns)
    case 4:
      unsafe Elements<UInt32>(source, pitch, destination, destinationPitch)
        .transpose(rows: 0..<rows, columns: 0..<columns)
    default:
      unsafe Elements<UInt64>(source, pitch, destination, destinationPitch)
        .transpose(rows: 0..<rows, columns: 0..<columns)
    }
  }
}

@unsafe
private struct Elements<Element: BitwiseCopyable> {
  let source: UnsafeRawPointer
  let sourcePitch: Int
  let destination: UnsafeMutableRawPointer
  let destinationPitch: Int

  init(
    _ source: UnsafeRawPointer, _ sourcePitch: Int, _ destination: UnsafeMutableRawPointer,
    _ destinationPitch: Int
  ) {
    unsafe self.source = source
    unsafe self.sourcePitch = sourcePitch
    unsafe self.destination = destination
    unsafe self.destinationPitch = destinationPitch
  }

  /// Writes one destination row after the other, element by element.
  @inline(__always)
  func transpose(rows: Range<Int>, columns: Range<Int>) {
    let width = MemoryLayout<Element>.size
    for column in columns {
      let from = unsafe source + column &* width
      let to = unsafe destination + column &* destinationPitch
      for row in rows {
        let element = unsafe from.loadUnaligned(
          fromByteOffset: row &* sourcePitch, as: Element.self)
        unsafe to.storeBytes(of: element, toByteOffset: row &* width, as: Element.self)
      }
    }
  }
}

extension Elements<UInt16> {
  /// Transposes blocks of 8 x 8 elements in registers; both numbers are multiples of 8.
  @inline(__always)
  func transposeBlocks(rows: Int, columns: Int) {
    var column = 0
    while column < columns {
      var from = unsafe source + column &* 2
      var to = unsafe destination + column &* destinationPitch
      let end = unsafe to + rows &* 2
      while unsafe to < end {
        unsafe transposeBlock(from, to)
        unsafe from += 8 &* sourcePitch
        unsafe to += 16
      }
      column &+= 8
    }
  }

  /// Interleaves rows as 16-bit, pairs as 32-bit and quadruples as 64-bit elements.
  ///
  /// The change of the element type keeps the compiler from fusing the three steps to a worse one.
  @inline(__always)
  private func transposeBlock(_ from: UnsafeRawPointer, _ to: UnsafeMutableRawPointer) {
    let rows01 = unsafe pairs(from, from + sourcePitch)
    let rows23 = unsafe pairs(from + 2 &* sourcePitch, from + 3 &* sourcePitch)
    let rows45 = unsafe pairs(from + 4 &* sourcePitch, from + 5 &* sourcePitch)
    let rows67 = unsafe pairs(from + 6 &* sourcePitch, from + 7 &* sourcePitch)
    let rows0to3 = unsafe quadruples(rows01, rows23)
    let rows4to7 = unsafe quadruples(rows45, rows67)
    for column in 0..<8 {
      unsafe to.storeBytes(
        of: SIMD2(rows0to3[column], rows4to7[column]), toByteOffset: column &* destinationPitch,
        as: SIMD2<UInt64>.self)
    }
  }

  @inline(__always)
  private func pairs(_ even: UnsafeRawPointer, _ odd: UnsafeRawPointer) -> SIMD8<UInt32> {
    var zipped = SIMD16<UInt16>()
    unsafe zipped.evenHalf = even.loadUnaligned(as: SIMD8<UInt16>.self)
    unsafe zipped.oddHalf = odd.loadUnaligned(as: SIMD8<UInt16>.self)
    // Vectors of equal size without padding.
    return unsafe unsafeBitCast(zipped, to: SIMD8<UInt32>.self)
  }

  @inline(__always)
  private func quadruples(_ even: SIMD8<UInt32>, _ odd: SIMD8<UInt32>) -> SIMD8<UInt64> {
    var zipped = SIMD16<UInt32>()
    zipped.evenHalf = even
    zipped.oddHalf = odd
    // Vectors of equal size without padding.
    return unsafe unsafeBitCast(zipped, to: SIMD8<UInt64>.self)
  }
}
