// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import Tensors

#if canImport(Glibc)
internal import Glibc
#else
internal import Musl
#endif

/// A new file open for writing, closed at the end of its life.
struct OutputFile: ~Copyable, Sendable {
  let path: String
  private let descriptor: Int32

  /// Creates a file that must not exist.
  init(path: String) throws(SafetensorsError) {
    descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw .system(path, "create the file") }
    self.path = path
  }

  deinit {
    close(descriptor)
  }

  /// Sets the size and reserves the space, so that a full disk shows now.
  func allocate(_ byteCount: Int) throws(SafetensorsError) {
    var number: Int32
    repeat { number = posix_fallocate(descriptor, 0, off_t(byteCount)) } while number == EINTR
    // Some file systems cannot reserve; there, writing reports a full disk.
    if number == EOPNOTSUPP || number == EINVAL {
      number = ftruncate(descriptor, off_t(byteCount)) == 0 ? 0 : errno
    }
    guard number == 0 else {
      throw .system(path, "reserve \(byteCount) bytes", code: number)
    }
  }

  /// Writes all bytes at an offset; several threads may write at once.
  func write(_ bytes: RawSpan, at offset: Int) throws(SafetensorsError) {
    // No system writes more than this at once.
    let largestWrite = 1 << 30
    // The pointers stay within the span, which outlives the call.
    let failure: Int32 = unsafe bytes.withUnsafeBytes { (buffer: UnsafeRawBufferPointer) in
      var done = 0
      while done < buffer.count {
        let part = unsafe UnsafeRawBufferPointer(
          rebasing: buffer[done..<min(done + largestWrite, buffer.count)])
        let written = unsafe pwrite(
          descriptor, part.baseAddress, part.count, off_t(offset + done))
        if written > 0 {
          done += written
        } else if written == 0 {
          return EIO
        } else if errno != EINTR {
          return errno
        }
      }
      return 0
    }
    guard failure == 0 else { throw .system(path, "write", code: failure) }
  }

  /// Makes the content durable.
  func sync() throws(SafetensorsError) {
    guard fsync(descriptor) == 0 else { throw .system(path, "make the file durable") }
  }

  /// Creates a file with this content, made durable.
  static func write(_ bytes: RawSpan, to path: String) throws(SafetensorsError) {
    let file = try OutputFile(path: path)
    try file.write(bytes, at: 0)
    try file.sync()
  }
}
