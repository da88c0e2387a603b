// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import Glibc

/// Immutable bytes shared by tensors: heap memory or a mapped file.
@safe
public final class TensorStorage: @unchecked Sendable {
  // Never written after it is shared, so that sharing between threads is safe.
  private let allocation: Allocation
  private let memory: WarmMemory?
  /// The size in bytes.
  public let count: Int

  init(owning allocation: Allocation, count: Int, leavingTo memory: WarmMemory? = nil) {
    self.allocation = allocation
    self.memory = memory
    self.count = count
  }

  deinit {
    if let memory { memory.give(allocation) } else { allocation.release() }
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
      let span = unsafe RawSpan(_unsafeStart: allocation.base, byteCount: count)
      return unsafe _overrideLifetime(span, borrowing: self)
    }
  }

  /// Gives access to the bytes, which must not escape the closure.
  @unsafe
  public func withUnsafeBytes<R, E: Error>(
    _ body: (UnsafeRawBufferPointer) throws(E) -> R
  ) throws(E) -> R {
    try unsafe body(UnsafeRawBufferPointer(start: allocation.base, count: count))
  }

  /// Gives write access to the bytes before the storage is shared.
  @unsafe
  func withUnsafeMutableBytes<R, E: Error>(
    _ body: (UnsafeMutableRawBufferPointer) throws(E) -> R
  ) throws(E) -> R {
    try unsafe body(UnsafeMutableRawBufferPointer(start: allocation.base, count: count))
  }
}

/// Mapping of whole files into memory.
extension TensorStorage {
  /// Maps a regular file read-only, without reading it.
  ///
  /// The file must not be truncated while it is mapped: the system ends a process that reads past
  /// the end of a file.
  ///
  /// - Throws: `TensorError.file` if the file cannot be opened or is not a regular file.
  public static func mapping(_ path: String) throws(TensorError) -> TensorStorage {
    // The system would end the path there and open another file.
    guard !path.utf8.contains(0) else {
      throw .file(path: path, operation: "open", reason: "the path contains a zero byte")
    }
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw .system(path, "open") }
    defer { close(descriptor) }
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else { throw .system(path, "read") }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw .file(path: path, operation: "map", reason: "it is not a regular file")
    }
    let count = Int(status.st_size)
    guard count > 0 else { return try ByteBuffer(count: 0).freeze() }
    guard let base = unsafe mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0),
      unsafe base != MAP_FAILED
    else { throw .system(path, "map") }
    return unsafe TensorStorage(owning: Allocation(mapped: base, count: count), count: count)
  }
}

extension TensorError {
  /// The error of the system call that has just failed.
  package static func system(_ path: String, _ operation: String) -> TensorError {
    .file(path: path, operation: operation, reason: unsafe String(cString: strerror(errno)))
  }
}
