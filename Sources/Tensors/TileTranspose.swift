// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// Transposition of one tile: rows packed closely become columns of a tensor.
///
/// The caller vouches for the memory of all elements of the tile on both sides. Distances between
/// rows, called pitches, are in bytes; no memory need be aligned.
@unsafe
struct TileTranspose {
  let source: UnsafeRawPointer
  let sourcePitch: Int
  let destination: UnsafeMutableRawPointer
  let pitch: Int

  /// Transposes a tile of elements of 1, 2, 4 or 8 bytes.
  func run(rows: Int, columns: Int, width: Int) {
    switch width {
    case 1: unsafe run(UInt8.self, rows, columns)
    case 2: unsafe run(UInt16.self, rows, columns)
    case 4: unsafe run(UInt32.self, rows, columns)
    default: unsafe run(UInt64.self, rows, columns)
    }
  }

  @inline(__always)
  private func run<Element: TileElement>(_: Element.Type, _ rows: Int, _ columns: Int) {
    let blockRows = 16 / MemoryLayout<Element>.size
    let (wholeRows, wholeColumns) = (rows / blockRows &* blockRows, columns & ~7)
    var column = 0
    while column < wholeColumns {
      var from = unsafe source + column &* MemoryLayout<Element>.size
      var to = unsafe destination + column &* pitch
      let end = unsafe to + wholeRows &* MemoryLayout<Element>.size
      while unsafe to < end {
        let upper = unsafe Element.words(from, sourcePitch)
        let lower = unsafe Element.words(from + blockRows / 2 &* sourcePitch, sourcePitch)
        for column in 0..<8 {
          unsafe to.storeBytes(
            of: SIMD2(upper[column], lower[column]), toByteOffset: column &* pitch,
            as: SIMD2<UInt64>.self)
        }
        unsafe from += blockRows &* sourcePitch
        unsafe to += 16
      }
      column &+= 8
    }
    unsafe run(Element.self, rows: wholeRows..<rows, columns: 0..<wholeColumns)
    unsafe run(Element.self, rows: 0..<rows, columns: wholeColumns..<columns)
  }

  /// Writes one destination row after the other, element by element.
  @inline(__always)
  private func run<Element: TileElement>(
    _: Element.Type, rows: Range<Int>, columns: Range<Int>
  ) {
    let width = MemoryLayout<Element>.size
    for column in columns {
      let from = unsafe source + column &* width
      let to = unsafe destination + column &* pitch
      for row in rows {
        let element = unsafe from.loadUnaligned(
          fromByteOffset: row &* sourcePitch, as: Element.self)
        unsafe to.storeBytes(of: element, toByteOffset: row &* width, as: Element.self)
      }
    }
  }
}

/// An element of which blocks are transposed in registers.
protocol TileElement: BitwiseCopyable {
  /// The elements of eight columns, those of as many rows as fill eight bytes in one word.
  @unsafe
  static func words(_ rows: UnsafeRawPointer, _ pitch: Int) -> SIMD8<UInt64>
}

extension UInt64: TileElement {
  @inline(__always)
  static func words(_ rows: UnsafeRawPointer, _ pitch: Int) -> SIMD8<UInt64> {
    unsafe rows.loadUnaligned(as: SIMD8<UInt64>.self)
  }
}

extension UInt32: TileElement {
  @inline(__always)
  static func words(_ rows: UnsafeRawPointer, _ pitch: Int) -> SIMD8<UInt64> {
    unsafe zipped(
      rows.loadUnaligned(as: SIMD8<UInt32>.self),
      (rows + pitch).loadUnaligned(as: SIMD8<UInt32>.self))
  }
}

extension UInt16: TileElement {
  @inline(__always)
  static func words(_ rows: UnsafeRawPointer, _ pitch: Int) -> SIMD8<UInt64> {
    unsafe zipped(pairs(rows, pitch), pairs(rows + 2 &* pitch, pitch))
  }

  @inline(__always)
  private static func pairs(_ rows: UnsafeRawPointer, _ pitch: Int) -> SIMD8<UInt32> {
    unsafe zipped(
      rows.loadUnaligned(as: SIMD8<UInt16>.self),
      (rows + pitch).loadUnaligned(as: SIMD8<UInt16>.self))
  }
}

extension UInt8: TileElement {
  @inline(__always)
  static func words(_ rows: UnsafeRawPointer, _ pitch: Int) -> SIMD8<UInt64> {
    unsafe zipped(quadruples(rows, pitch), quadruples(rows + 4 &* pitch, pitch))
  }

  @inline(__always)
  private static func quadruples(_ rows: UnsafeRawPointer, _ pitch: Int) -> SIMD8<UInt32> {
    unsafe zipped(pairs(rows, pitch), pairs(rows + 2 &* pitch, pitch))
  }

  @inline(__always)
  private static func pairs(_ rows: UnsafeRawPointer, _ pitch: Int) -> SIMD8<UInt16> {
    unsafe zipped(
      rows.loadUnaligned(as: SIMD8<UInt8>.self),
      (rows + pitch).loadUnaligned(as: SIMD8<UInt8>.self))
  }
}

/// Elements in turn, those of a pair as one of twice the width.
///
/// The change of the type keeps the compiler from fusing the steps to a worse one.
@inline(__always)
private func zipped<Narrow: SIMDScalar, Wide: SIMDScalar>(
  _ even: SIMD8<Narrow>, _ odd: SIMD8<Narrow>
) -> SIMD8<Wide> {
  var both = SIMD16<Narrow>()
  both.evenHalf = even
  both.oddHalf = odd
  // The callers' wide elements are as large as two narrow ones, and vectors have no padding.
  return unsafe unsafeBitCast(both, to: SIMD8<Wide>.self)
}
