// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Tensors

/// Tensors made up from their names, for conversions without a checkpoint.
public enum SyntheticTensor {
  /// A tensor whose bits depend on its name and on the place of each element alone.
  ///
  /// Eight bytes at a time are SplitMix64's output for the FNV-1a hash of the name plus the place,
  /// so that any part of any tensor can be made again without the others.
  ///
  /// - Parameter memory: Where the tensor takes its memory from and leaves it to, or nil for new memory.
  /// - Throws: `TensorError.outOfMemory`.
  public static func make(
    _ info: TensorInfo, memory: WarmMemory? = nil
  ) throws(TensorError) -> Tensor {
    var buffer = try ByteBuffer(
      count: info.shape.byteCount(of: info.dtype), from: memory, isOverwritten: true)
    let seed = info.name.text.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) {
      ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3
    }
    unsafe buffer.withUnsafeMutableBytes { (bytes: UnsafeMutableRawBufferPointer) in
      let words = bytes.count / 8
      var state = seed
      for word in 0..<words {
        // The word ends before the buffer does.
        unsafe bytes.storeBytes(
          of: mixed(state).littleEndian, toByteOffset: word &* 8, as: UInt64.self)
        state &+= step
      }
      let rest = mixed(state)
      for byte in words * 8..<bytes.count {
        unsafe bytes[byte] = UInt8(truncatingIfNeeded: rest >> (8 * UInt64(byte - words * 8)))
      }
    }
    return try Tensor(info.dtype, info.shape, storage: buffer.freeze())
  }

  private static let step: UInt64 = 0x9e37_79b9_7f4a_7c15

  @inline(__always)
  private static func mixed(_ state: UInt64) -> UInt64 {
    var value = state
    value = (value ^ (value &>> 30)) &* 0xbf58_476d_1ce4_e5b9
    value = (value ^ (value &>> 27)) &* 0x94d0_49bb_1331_11eb
    return value ^ (value &>> 31)
  }
}
