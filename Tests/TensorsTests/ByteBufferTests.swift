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

  @Test("Memory that a tensor has left is taken again, zeroed unless it is overwritten")
  func warmMemory() throws {
    let memory = WarmMemory()
    func make(_ count: Int, isOverwritten: Bool, fill: UInt8? = nil) throws -> (UInt8, UInt) {
      var buffer = try ByteBuffer(count: count, from: memory, isOverwritten: isOverwritten)
      #expect(buffer.count == count)
      return unsafe buffer.withUnsafeMutableBytes { bytes in
        let place = UInt(bitPattern: bytes.baseAddress)
        let last = unsafe bytes[count - 1]
        if let fill { for index in 0..<count { unsafe bytes[index] = fill } }
        return (last, place)
      }
    }
    for count in [1 << 20, 5 << 20] {
      let first = try make(count, isOverwritten: false, fill: 9)
      let again = try make(count - 1, isOverwritten: true)
      let zeroed = try make(count, isOverwritten: false)
      #expect(first.0 == 0 && again == (9, first.1) && zeroed == (0, first.1))
      // What is left is too small, and then too large.
      #expect(try make(count + 1, isOverwritten: true).0 == 0)
      #expect(try make(count / 3, isOverwritten: true).0 == 0)
    }
    // What would be too much is not kept, nor what is small.
    for (most, count) in [(1 << 20, 2 << 20), (.max, 10)] {
      let none = WarmMemory(mostByteCount: most)
      for _ in 0..<2 {
        var buffer = try ByteBuffer(count: count, from: none, isOverwritten: true)
        #expect(unsafe buffer.withUnsafeMutableBytes { unsafe $0.allSatisfy { $0 == 0 } })
        unsafe buffer.withUnsafeMutableBytes { unsafe $0[9] = 1 }
      }
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
