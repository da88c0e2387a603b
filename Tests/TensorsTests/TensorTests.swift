// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Tensors
import Testing

@Suite("Tensors")
struct TensorTests {
  @Test("Elements are little-endian and row-major", arguments: DType.allCases)
  func layout(type: DType) throws {
    let pattern: UInt64 = 0x8877_6655_4433_2211
    let mask = ~0 >> (64 - 8 * UInt64(type.byteCount)) as UInt64
    let tensor = try Tensor(type, [2, 3]) { pattern &+ UInt64($0) }
    #expect(tensor.byteCount == 6 * type.byteCount)
    for index in 0..<6 { #expect(tensor.bits(at: index) == (pattern &+ UInt64(index)) & mask) }
    for byte in 0..<type.byteCount {
      #expect(tensor.bytes.byte(at: byte) == UInt8(0x11 * (byte + 1)))
    }
  }

  @Test("Bytes in are bytes out, and their number must fit")
  func bytes() throws {
    let bytes: [UInt8] = [1, 2, 3, 4, 5, 6]
    let tensor = try Tensor(.u16, [3], bytes: bytes)
    #expect((0..<3).map { tensor.bits(at: $0) } == [0x0201, 0x0403, 0x0605])
    #expect(unsafe tensor.withUnsafeBytes { unsafe Array($0) } == bytes)
    #expect(throws: TensorError.byteCountMismatch(expected: 8, found: 6)) {
      try Tensor(.u16, [4], bytes: bytes)
    }
    #expect(throws: TensorError.byteCountMismatch(expected: 4, found: 6)) {
      try Tensor(.u16, [2], bytes: bytes)
    }
  }

  @Test("A tensor may start anywhere in a storage but must end in it")
  func parts() throws {
    // Bytes have no padding that could be read uninitialized.
    let storage = unsafe try TensorStorage.copying([UInt8](0..<10).span.bytes)
    let tensor = try Tensor(.u32, [2], storage: storage, byteOffset: 1)
    #expect(tensor.bits(at: 0) == 0x0403_0201)
    #expect(tensor.bits(at: 1) == 0x0807_0605)
    #expect(tensor.bytes.byteCount == 8)
    let end = try Tensor(.u32, [0], storage: storage, byteOffset: 10)
    #expect(end.byteCount == 0)
    for offset in [-1, 3, 10, 11, .max, .min] {
      #expect(throws: TensorError.self, "\(offset)") {
        try Tensor(.u32, [2], storage: storage, byteOffset: offset)
      }
    }
    #expect(throws: TensorError.self) {
      try Tensor(.u32, try Shape([.max / 2]), storage: storage)
    }
  }

  @Test("Equality is that of type, shape and bits")
  func equality() throws {
    let zero = try Tensor(.f32, [2]) { _ in 0 }
    #expect(zero == zero)
    #expect(try zero != Tensor(.f32, [2]) { _ in 0x8000_0000 })
    #expect(try zero != Tensor(.i32, [2]) { _ in 0 })
    #expect(try zero != Tensor(.f32, [2, 1]) { _ in 0 })
    let nan = try Tensor(.f32, [2]) { _ in 0x7fc0_0000 }
    #expect(try nan == Tensor(.f32, [2]) { _ in 0x7fc0_0000 })
    #expect(try nan != Tensor(.f32, [2]) { 0x7fc0_0000 + UInt64($0) })
    let storage = unsafe try TensorStorage.copying([UInt8](repeating: 0, count: 9).span.bytes)
    #expect(try zero == Tensor(.f32, [2], storage: storage, byteOffset: 1))
    #expect(try Tensor(.f32, [0]) { _ in 0 } == Tensor(.f32, [0], bytes: []))
  }

  @Test("Reading an element outside stops the program")
  func outside() async {
    await #expect(processExitsWith: .failure) {
      _ = try Tensor(.u8, [2], bytes: [1, 2]).bits(at: 2)
    }
    await #expect(processExitsWith: .failure) {
      let tensor = try Tensor(.u8, [2], bytes: [1, 2])
      _ = tensor.bytes.byte(at: 2)
    }
  }
}
