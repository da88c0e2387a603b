// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Tensors

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

  /// The tensor of some bit patterns in row-major order, as many as the shape has elements.
  init(_ dtype: DType, _ extents: [Int], patterns: [UInt64]) {
    do {
      try self.init(dtype, Shape(extents)) { patterns[$0] }
    } catch {
      // The patterns themselves take as much memory, and an array without memory traps, too.
      preconditionFailure("\(error)")
    }
  }
}
