// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Tensors

extension TensorContents {
  /// A checkpoint of tensors with these contents, in order, in one allocation.
  ///
  /// Each tensor starts at a multiple of 64 bytes in memory. The first element of a tensor has the
  /// address given for it, one for each tensor, or by default the number of elements before it.
  ///
  /// - Throws: `TensorError.invalidShape` or `TensorError.outOfMemory` for sizes beyond 64 bits or
  ///   the memory there is, `TensorError.duplicateName`.
  public static func stateDict(
    _ infos: [TensorInfo], contents: TensorContents, addresses: [UInt64]? = nil
  ) throws(TensorError) -> StateDict {
    precondition(addresses.map { $0.count == infos.count } ?? true, "an address for each tensor")
    var offsets: [Int] = []
    offsets.reserveCapacity(infos.count)
    var end = 0
    for info in infos {
      offsets.append(end)
      end = try Self.end(of: info, from: end)
    }

    var buffer = try ByteBuffer(count: end + alignment)
    let start = unsafe buffer.withUnsafeMutableBytes { (bytes: UnsafeMutableRawBufferPointer) in
      // The allocator aligns less, and the room at the end lets everything move up.
      let start = -Int(bitPattern: bytes.baseAddress) & (alignment - 1)
      var address: UInt64 = 0
      for (number, info) in infos.enumerated() {
        let first = start + offsets[number]
        let size = info.shape.elementCount * info.dtype.byteCount
        let part = unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[first..<first + size])
        unsafe contents.fill(part, of: info, address: addresses?[number] ?? address)
        address &+= UInt64(info.shape.elementCount)
      }
      return start
    }

    let storage = buffer.freeze()
    var result = StateDict()
    for (number, info) in infos.enumerated() {
      let tensor = try Tensor(
        info.dtype, info.shape, storage: storage, byteOffset: start + offsets[number])
      try result.insert(tensor, named: info.name)
    }
    return result
  }

  /// A cache line.
  private static let alignment = 64

  /// The first aligned offset after a tensor.
  private static func end(of info: TensorInfo, from offset: Int) throws(TensorError) -> Int {
    let size = try info.shape.byteCount(of: info.dtype)
    let (end, overflow) = size.addingReportingOverflow(offset)
    guard !overflow, end <= Int.max - 2 * alignment else { throw .outOfMemory(byteCount: size) }
    return (end + alignment - 1) & -alignment
  }
}
