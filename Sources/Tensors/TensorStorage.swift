// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

#if canImport(Glibc)
import Glibc
#else
import Musl
#endif

/// Immutable bytes shared by tensors: heap memory or a mapped file.
@safe
public final class TensorStorage: @unchecked Sendable {
  // Never written after init, so that sharing between threads is safe.
  private let base: UnsafeMutableRawPointer
  private let isMapped: Bool
  /// The size in bytes.
  public let count: Int

  @unsafe
  init(owning base: UnsafeMutableRawPointer, count: Int, isMapped: Bool) {
    unsafe self.base = base
    self.count = count
    self.isMapped = isMapped
  }

  deinit {
    unsafe Self.release(base, count: count, isMapped: isMapped)
  }

  @unsafe
  static func release(_ base: UnsafeMutableRawPointer, count: Int, isMapped: Bool) {
    if isMapped {
      _ = unsafe munmap(base, count)
    } else {
      unsafe free(base)
    }
  }

  /// Copies bytes to the heap.
  ///
  /// - Throws: `TensorError.outOfMemory`.
  public static func copying(_ bytes: RawSpan) throws(TensorError) -> TensorStorage {
    var buffer = try ByteBuffer(count: bytes.byteCount)
    unsafe buffer.withUnsafeMutableBytes { (target: UnsafeMutableRawBufferPointer) in
      unsafe bytes.withUnsafeBytes { unsafe target.copyMemory(from: $0) }
    }
    return buffer.freeze()
  }

  /// The bytes.
  public var bytes: RawSpan {
    @_lifetime(borrow self)
    get {
      // self owns the memory and is borrowed for the lifetime of the span.
      let span = unsafe RawSpan(_unsafeStart: base, byteCount: count)
      return unsafe _overrideLifetime(span, borrowing: self)
    }
  }

  /// Gives access to the bytes, which must not escape the closure.
  @unsafe
  public func withUnsafeBytes<R, E: Error>(
    _ body: (UnsafeRawBufferPointer) throws(E) -> R
  ) throws(E) -> R {
    try unsafe body(UnsafeRawBufferPointer(start: base, count: count))
  }
}
