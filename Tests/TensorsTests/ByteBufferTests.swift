// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Tensors
import Testing

@Suite("Byte buffers")
struct ByteBufferTests {
  /// Sizes around the one from which memory is mapped.
  @Test(
    "Memory starts zeroed and keeps what is written", arguments: [0, 1, 4095, 4 << 20, 5 << 20])
  func contents(count: Int) throws {
    var buffer = try ByteBuffer(count: count)
    #expect(buffer.count == count)
    let isZeroed = unsafe buffer.withUnsafeMutableBytes { bytes in
      guard let base = bytes.baseAddress, count > 0 else { return true }
      let first = unsafe base.load(as: UInt8.self)
      let last = unsafe base.load(fromByteOffset: count - 1, as: UInt8.self)
      return first == 0 && last == 0
    }
    #expect(isZeroed)
    if count > 0 {
      unsafe buffer.withUnsafeMutableBytes { unsafe $0[count - 1] = 7 }
    }
    let storage = buffer.freeze()
    #expect(storage.count == count)
    #expect(storage.bytes.byteCount == count)
    if count > 0 { #expect(storage.bytes.byte(at: count - 1) == 7) }
  }

  @Test("More memory than there is is an error, not a crash")
  func outOfMemory() {
    #expect(throws: TensorError.outOfMemory(byteCount: .max)) {
      _ = try ByteBuffer(count: .max).count
    }
  }

  @Test("Spans of equal bytes are equal, others are not")
  func comparison() {
    let (a, b): ([UInt8], [UInt8]) = ([1, 2, 3], [1, 2, 4])
    // Bytes have no padding that could be read uninitialized.
    let (equal, other) = unsafe (
      a.span.bytes.isEqual(to: a.span.bytes), a.span.bytes.isEqual(to: b.span.bytes)
    )
    let shorter = unsafe a.span.bytes.isEqual(to: a.span.bytes.extracting(0..<2))
    let empty = unsafe [UInt8]().span.bytes.isEqual(to: [UInt8]().span.bytes)
    #expect(equal && !other && !shorter && empty)
  }
}
