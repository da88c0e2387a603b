// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import Glibc

/// Zeroed, writable heap memory with one owner, to be frozen into a tensor's storage.
@safe
public struct ByteBuffer: ~Copyable, @unchecked Sendable {
  private let base: UnsafeMutableRawPointer
  /// The size in bytes.
  public let count: Int
  private let isMapped: Bool

  /// From this size on, memory is mapped in huge pages where the system offers them: a page fault
  /// every 4 KiB would cost more than the copy it serves.
  private static let mappingThreshold = 4 << 20

  /// Allocates zeroed memory.
  ///
  /// - Throws: `TensorError.outOfMemory`.
  public init(count: Int) throws(TensorError) {
    precondition(count >= 0)
    self.count = count
    isMapped = count >= Self.mappingThreshold
    if isMapped {
      guard
        let pointer = unsafe mmap(
          nil, count, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
        unsafe pointer != MAP_FAILED
      else { throw .outOfMemory(byteCount: count) }
      _ = unsafe madvise(pointer, count, MADV_HUGEPAGE)
      unsafe base = pointer
    } else {
      guard let pointer = unsafe calloc(max(count, 1), 1) else {
        throw .outOfMemory(byteCount: count)
      }
      unsafe base = pointer
    }
  }

  deinit {
    unsafe TensorStorage.release(base, count: count, isMapped: isMapped)
  }

  /// Gives write access to the memory, which must not escape the closure.
  @unsafe
  public mutating func withUnsafeMutableBytes<R, E: Error>(
    _ body: (UnsafeMutableRawBufferPointer) throws(E) -> R
  ) throws(E) -> R {
    try unsafe body(UnsafeMutableRawBufferPointer(start: base, count: count))
  }

  /// Ends writing and hands the memory over to a shared, immutable storage.
  public consuming func freeze() -> TensorStorage {
    let storage = unsafe TensorStorage(owning: base, count: count, isMapped: isMapped)
    discard self
    return storage
  }
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
