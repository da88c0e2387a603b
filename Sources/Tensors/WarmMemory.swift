// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import Glibc
internal import Synchronization

/// A piece of memory that was allocated or mapped.
@safe
struct Allocation: @unchecked Sendable {
  // Whoever has the allocation vouches for its use; it is released by one owner.
  let base: UnsafeMutableRawPointer
  /// The size in bytes.
  let count: Int
  private let isMapped: Bool

  /// From this size on, memory is mapped in huge pages where the system offers them: a page fault
  /// every 4 KiB would cost more than the copy it serves.
  private static let mappingThreshold = 4 << 20

  /// A mapped file.
  @unsafe
  init(mapped base: UnsafeMutableRawPointer, count: Int) {
    (unsafe self.base, self.count, isMapped) = (unsafe base, count, true)
  }

  init(zeroed count: Int) throws(TensorError) {
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

  func release() {
    if isMapped {
      _ = unsafe munmap(base, count)
    } else {
      unsafe free(base)
    }
  }
}

/// Keeps the memory of tensors that are gone for the next ones, because new memory costs as much as the
/// copy it serves.
///
/// It is given to conversions that follow each other; what it keeps is released with it. Small pieces come from
/// the heap, which keeps them itself.
public final class WarmMemory: Sendable {
  private let left = Mutex<[Allocation]>([])
  private let mostByteCount: Int
  /// Few enough of these are kept that looking through them costs less than a page fault.
  static let leastByteCount = 256 << 10

  /// Creates a memory that keeps nothing yet, and never more than so many bytes.
  public init(mostByteCount: Int = .max) {
    self.mostByteCount = mostByteCount
  }

  deinit {
    left.withLock { for allocation in $0 { allocation.release() } }
  }

  /// The first allocation that holds so many bytes and is not more than twice as large.
  func take(_ count: Int) -> Allocation? {
    guard count >= Self.leastByteCount else { return nil }
    return left.withLock { left in
      let fitting = left.firstIndex { $0.count >= count && $0.count / 2 <= count }
      return fitting.map { left.remove(at: $0) }
    }
  }

  func give(_ allocation: Allocation) {
    let isKept =
      allocation.count >= Self.leastByteCount
      && left.withLock { left in
        let byteCount = left.reduce(allocation.count) { $0 &+ $1.count }
        if byteCount <= mostByteCount { left.append(allocation) }
        return byteCount <= mostByteCount
      }
    if !isKept { allocation.release() }
  }
}
