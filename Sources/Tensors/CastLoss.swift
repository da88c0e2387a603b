// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// What casts lose.
extension Cast {
  /// Whether casting back restores every bit pattern.
  public var isLossless: Bool {
    isIdentity
      || destination.byteCount > source.byteCount && (source, destination) != (.f8E8M0, .f16)
  }

  /// How many elements get another value: those that casting back does not restore, bit for bit.
  ///
  /// - Throws: `TensorError.unsupportedCast` if nothing casts back, `TensorError.outOfMemory`.
  /// - Complexity: O(bytes).
  public func changedCount(in bytes: RawSpan) throws(TensorError) -> Int {
    if isLossless { return 0 }
    let back = try Cast(from: destination, to: source)
    let (width, block) = (source.byteCount, 4096)
    let count = bytes.byteCount / width
    var cast = try ByteBuffer(count: block * destination.byteCount)
    var restored = try ByteBuffer(count: block * width)
    var changed = 0
    for start in stride(from: 0, to: count, by: block) {
      let size = min(block, count - start)
      let original = bytes.extracting(start * width..<(start + size) * width)
      // All three hold a block of elements, and none of them leaves the closures.
      unsafe original.withUnsafeBytes { original in
        unsafe cast.withUnsafeMutableBytes { cast in
          unsafe restored.withUnsafeMutableBytes { restored in
            guard let a = original.baseAddress, let b = cast.baseAddress,
              let c = restored.baseAddress
            else { return }
            unsafe convertRow(from: a, to: b, count: size)
            unsafe back.convertRow(from: b, to: c, count: size)
            for element in 0..<size {
              var isSame = true
              for byte in element * width..<(element + 1) * width {
                isSame = unsafe isSame && original[byte] == restored[byte]
              }
              if !isSame { changed += 1 }
            }
          }
        }
      }
    }
    return changed
  }
}
