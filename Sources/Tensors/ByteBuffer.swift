// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import Glibc

/// Writable heap memory with one owner, to be frozen into a tensor's storage.
@safe
public struct ByteBuffer: ~Copyable, Sendable {
  // Nothing else has it before it is frozen.
  private let storage: TensorStorage
  /// The size in bytes.
  public var count: Int { storage.count }

  /// Allocates zeroed memory.
  ///
  /// - Throws: `TensorError.outOfMemory`.
  public init(count: Int) throws(TensorError) {
    precondition(count >= 0)
    storage = try TensorStorage(owning: Allocation(zeroed: count), count: count)
  }

  /// Takes memory that tensors have left, or else allocates zeroed memory.
  ///
  /// - Parameter isOverwritten: Whether all bytes that will be read are written first; what tensors have
  ///   left is zeroed otherwise.
  /// - Throws: `TensorError.outOfMemory`.
  public init(
    count: Int, from memory: WarmMemory?, isOverwritten: Bool
  ) throws(TensorError) {
    guard let memory, let allocation = memory.take(count) else {
      storage = try TensorStorage(
        owning: Allocation(zeroed: count), count: count, leavingTo: memory)
      return
    }
    // Nothing else has the allocation.
    if !isOverwritten { unsafe memset(allocation.base, 0, count) }
    storage = TensorStorage(owning: allocation, count: count, leavingTo: memory)
  }

  /// Gives write access to the memory, which must not escape the closure.
  @unsafe
  public mutating func withUnsafeMutableBytes<R, E: Error>(
    _ body: (UnsafeMutableRawBufferPointer) throws(E) -> R
  ) throws(E) -> R {
    try unsafe storage.withUnsafeMutableBytes(body)
  }

  /// Ends writing and hands the memory over to a shared, immutable storage.
  public consuming func freeze() -> TensorStorage { storage }
}

extension RawSpan {
  /// The byte at an offset; an offset outside is a programming error.
  package func byte(at offset: Int) -> UInt8 {
    // The load checks the offset against the bounds of the span.
    unsafe unsafeLoad(fromByteOffset: offset, as: UInt8.self)
  }

  /// Whether both spans hold the same bytes.
  package func isEqual(to other: RawSpan) -> Bool {
    guard byteCount == other.byteCount else { return false }
    return unsafe withUnsafeBytes { mine in
      unsafe other.withUnsafeBytes { theirs in
        guard let a = mine.baseAddress, let b = theirs.baseAddress else { return true }
        return unsafe memcmp(a, b, mine.count) == 0
      }
    }
  }
}
