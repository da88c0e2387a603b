// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Tensors

/// The bit patterns of a tensor of up to three axes, by index.
struct Cells {
  let depth: Int
  let rows: Int
  let columns: Int
  private var patterns: [UInt64]

  /// Creates cells of zeros.
  init(depth: Int = 1, rows: Int, columns: Int) {
    self.depth = depth
    self.rows = rows
    self.columns = columns
    patterns = [UInt64](repeating: 0, count: depth * rows * columns)
  }

  /// Reads a matrix or a stack of matrices; nil for tensors of other ranks.
  init?(_ tensor: Tensor) {
    let extents = tensor.shape.extents
    guard extents.count == 2 || extents.count == 3 else { return nil }
    depth = extents.count == 3 ? extents[0] : 1
    rows = extents[extents.count - 2]
    columns = extents[extents.count - 1]
    patterns = tensor.patterns
  }

  /// The number of cells.
  var count: Int { patterns.count }

  subscript(row: Int, column: Int) -> UInt64 {
    get { patterns[row * columns + column] }
    set { patterns[row * columns + column] = newValue }
  }

  subscript(slice: Int, row: Int, column: Int) -> UInt64 {
    get { patterns[(slice * rows + row) * columns + column] }
    set { patterns[(slice * rows + row) * columns + column] = newValue }
  }

  /// The cells with every pattern cast.
  func cast(_ cast: RoundingOracle) -> Cells {
    var result = self
    result.patterns = cast(patterns)
    return result
  }

  /// A matrix `[rows, columns]` of the patterns.
  func matrix(_ dtype: DType) -> Tensor { tensor(dtype, [rows, columns]) }

  /// A stack of matrices `[depth, rows, columns]` of the patterns.
  func stack(_ dtype: DType) -> Tensor { tensor(dtype, [depth, rows, columns]) }

  private func tensor(_ dtype: DType, _ shape: Shape) -> Tensor {
    do {
      return try Tensor(dtype, shape) { patterns[$0] }
    } catch {
      // The patterns themselves take as much memory, and an array without memory traps, too.
      preconditionFailure("\(error)")
    }
  }
}

extension Tensor {
  /// The bit patterns of all elements in row-major order.
  var patterns: [UInt64] {
    // The buffer holds the elements of the tensor, one behind the other, and is not kept.
    unsafe withUnsafeBytes { (bytes: UnsafeRawBufferPointer) in
      switch dtype.byteCount {
      case 1: unsafe bytes.map { UInt64($0) }
      case 2: unsafe Self.words(bytes, UInt16.self)
      case 4: unsafe Self.words(bytes, UInt32.self)
      default: unsafe Self.words(bytes, UInt64.self)
      }
    }
  }

  @unsafe
  private static func words<Word: FixedWidthInteger & BitwiseCopyable>(
    _ bytes: UnsafeRawBufferPointer, _: Word.Type
  ) -> [UInt64] {
    let width = MemoryLayout<Word>.size
    return (0..<bytes.count / width).map { position in
      // The offset leaves room for one word.
      let word = unsafe bytes.loadUnaligned(fromByteOffset: position * width, as: Word.self)
      return UInt64(truncatingIfNeeded: Word(littleEndian: word))
    }
  }
}
