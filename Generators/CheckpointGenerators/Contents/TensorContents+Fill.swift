// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Tensors

extension TensorContents {
  /// Writes the bytes of a tensor with these contents, whose first element has an address.
  ///
  /// The memory must have the size of the tensor; it need not be aligned.
  ///
  /// - Complexity: O(bytes), without allocating.
  @unsafe
  public func fill(
    _ bytes: UnsafeMutableRawBufferPointer, of info: TensorInfo, address: UInt64
  ) {
    let dtype = info.dtype
    // Dividing the size that exists cannot overflow, as multiplying the element count might.
    precondition(
      bytes.count % dtype.byteCount == 0
        && bytes.count / dtype.byteCount == info.shape.elementCount,
      "\(bytes.count) bytes for \(info)")
    guard let start = bytes.baseAddress, bytes.count > 0 else { return }
    // All four write bytes.count / dtype.byteCount elements from the start of the memory.
    switch dtype.byteCount {
    case 1: unsafe fill(start, as: UInt8.self, of: info, address: address)
    case 2: unsafe fill(start, as: UInt16.self, of: info, address: address)
    case 4: unsafe fill(start, as: UInt32.self, of: info, address: address)
    default: unsafe fill(start, as: UInt64.self, of: info, address: address)
    }
  }

  private func fill<Bits: FixedWidthInteger & UnsignedInteger & BitwiseCopyable>(
    _ start: UnsafeMutableRawPointer, as: Bits.Type, of info: TensorInfo, address: UInt64
  ) {
    let count = info.shape.elementCount
    let dtype = info.dtype
    switch kind {
    case .constant(let pattern):
      let bits = Bits(truncatingIfNeeded: Self.constant(pattern, dtype))
      for index in 0..<count { unsafe start.store(bits, at: index) }
    case .tracer(let digit):
      let alphabet = TracerAlphabet(dtype)
      let shift = Self.shift(ofDigit: digit)
      for index in 0..<count {
        let digit = (address &+ UInt64(index)) >> shift & 63
        unsafe start.store(Bits(truncatingIfNeeded: alphabet.bits(of: digit)), at: index)
      }
    case .iota:
      let mask = Self.mask(of: dtype)
      for index in 0..<count {
        let bits = (address &+ UInt64(index)) & mask
        unsafe start.store(Bits(truncatingIfNeeded: bits), at: index)
      }
    case .random:
      let stream = Philox4x64(seed: seed, name: info.name)
      // A word of eight bools keeps the lowest bit of each byte.
      let mask: UInt64 = dtype == .bool ? 0x0101_0101_0101_0101 : .max
      unsafe Self.fill(start, byteCount: count * dtype.byteCount, from: stream, mask: mask)
    case .special:
      let stream = Philox4x64(seed: seed, name: info.name)
      unsafe Self.fill(start, as: Bits.self, count: count, from: stream, SpecialPatterns.of(dtype))
    }
  }

  /// Writes a stream's words as little-endian bytes, the last word in part.
  private static func fill(
    _ start: UnsafeMutableRawPointer, byteCount: Int, from stream: Philox4x64, mask: UInt64
  ) {
    let whole = byteCount / 32
    for block in 0..<whole {
      let words = stream.block(UInt64(block))
      unsafe start.store(words.0 & mask, at: block * 4)
      unsafe start.store(words.1 & mask, at: block * 4 + 1)
      unsafe start.store(words.2 & mask, at: block * 4 + 2)
      unsafe start.store(words.3 & mask, at: block * 4 + 3)
    }
    guard whole * 32 < byteCount else { return }
    let last = stream.block(UInt64(whole))
    for byte in whole * 32..<byteCount {
      let word =
        switch (byte % 32) / 8 {
        case 0: last.0
        case 1: last.1
        case 2: last.2
        default: last.3
        }
      unsafe start.store(UInt8(truncatingIfNeeded: (word & mask) >> UInt64(byte % 8 * 8)), at: byte)
    }
  }

  /// Writes a pattern for each word of a stream.
  private static func fill<Bits: FixedWidthInteger & UnsignedInteger & BitwiseCopyable>(
    _ start: UnsafeMutableRawPointer, as: Bits.Type, count: Int, from stream: Philox4x64,
    _ patterns: [UInt64]
  ) {
    func store(_ word: UInt64, _ index: Int) {
      guard index < count else { return }
      let bits = patterns[Int(word % UInt64(patterns.count))]
      unsafe start.store(Bits(truncatingIfNeeded: bits), at: index)
    }
    for first in stride(from: 0, to: count, by: 4) {
      let words = stream.block(UInt64(first / 4))
      store(words.0, first)
      store(words.1, first + 1)
      store(words.2, first + 2)
      store(words.3, first + 3)
    }
  }
}

extension UnsafeMutableRawPointer {
  /// Stores a little-endian value at a multiple of its size, which must lie in the memory.
  @unsafe
  @inline(__always)
  fileprivate func store<Bits: FixedWidthInteger & BitwiseCopyable>(_ bits: Bits, at index: Int) {
    unsafe storeBytes(
      of: bits.littleEndian, toByteOffset: index &* MemoryLayout<Bits>.size, as: Bits.self)
  }
}
