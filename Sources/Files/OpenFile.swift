// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import Glibc

// Calls with paths are safe: the system is handed a copy that ends with a NUL, and none has another.

/// An open file or folder, closed at the end of its life.
public struct OpenFile: ~Copyable, Sendable {
  /// The path as given.
  public let path: String
  /// The system's number of the file, valid as long as the value lives.
  public let descriptor: Int32

  private init(_ path: String, _ descriptor: Int32) {
    self.path = path
    self.descriptor = descriptor
  }

  private static func number(
    _ path: String, _ flags: Int32, _ operation: String
  ) throws(FileError) -> Int32 {
    // The system would end the path there and open another file.
    guard !path.utf8.contains(0) else {
      throw FileError(path, operation, code: EINVAL, reason: "a path that contains NUL")
    }
    let descriptor = unsafe open(path, flags | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw FileError(path, operation) }
    return descriptor
  }

  /// Opens a regular file for reading.
  public init(reading path: String, followingLinks: Bool = true) throws(FileError) {
    // Pipes must not hold up the opening.
    let flags = O_RDONLY | O_NONBLOCK | (followingLinks ? 0 : O_NOFOLLOW)
    let descriptor = try Self.number(path, flags, "open the file")
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      close(descriptor)
      throw FileError(path, "open the file", reason: "it is not a regular file")
    }
    self.init(path, descriptor)
  }

  /// Creates a file that must not exist, for reading and writing.
  public init(creating path: String) throws(FileError) {
    self.init(path, try Self.number(path, O_RDWR | O_CREAT | O_EXCL, "create the file"))
  }

  /// Opens a file for reading and writing, which is created where it is missing.
  public init(changing path: String) throws(FileError) {
    self.init(path, try Self.number(path, O_RDWR | O_CREAT, "open the file"))
  }

  /// Opens a folder, to lock it or to make its names durable.
  public init(folder path: String) throws(FileError) {
    self.init(path, try Self.number(path, O_RDONLY | O_DIRECTORY, "open the folder"))
  }

  deinit { close(descriptor) }

  /// The size in bytes.
  public func byteCount() throws(FileError) -> Int {
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else { throw FileError(path, "read the file") }
    return Int(status.st_size)
  }

  /// Reads from the start to the end of the file, but not more bytes than the limit.
  public func contents(atMost limit: Int) throws(FileError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: min(limit, try byteCount()))
    // What is read lies within the buffer, which does not leave the closure.
    let done = unsafe bytes.withUnsafeMutableBytes { unsafe fill($0, at: 0) }
    guard let done else { throw FileError(path, "read the file") }
    // Another process may have cut the file off.
    return Array(bytes[..<done])
  }

  /// Fills a buffer with the bytes from an offset on; several threads may read at once.
  ///
  /// - Throws: `FileError`, also where another process has cut the file off.
  @unsafe
  public func read(
    into buffer: UnsafeMutableRawBufferPointer, at offset: Int
  ) throws(FileError) {
    let operation = "read \(buffer.count) bytes from byte \(offset) on"
    guard let done = unsafe fill(buffer, at: offset) else { throw FileError(path, operation) }
    guard done == buffer.count else {
      let end = (try? byteCount()) ?? offset + done
      throw FileError(
        path, operation, reason: "that it was cut off while it was read and ends at byte \(end)",
        remedy: "put the whole file back, let nothing write to it, and run this again")
    }
  }

  /// How many bytes could be read, fewer only at the end of the file; nil if the system failed.
  private func fill(_ buffer: UnsafeMutableRawBufferPointer, at offset: Int) -> Int? {
    // No system reads more than this at once.
    let largestRead = 1 << 30
    var done = 0
    while done < buffer.count {
      // What is read lies within the buffer, which outlives the call.
      let part = unsafe UnsafeMutableRawBufferPointer(
        rebasing: buffer[done..<min(done + largestRead, buffer.count)])
      let count = unsafe pread(descriptor, part.baseAddress, part.count, off_t(offset + done))
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { return nil }
      if count == 0 { break }
      done += count
    }
    return done
  }

  /// Writes all bytes at an offset; several threads may write at once.
  public func write(_ bytes: RawSpan, at offset: Int = 0) throws(FileError) {
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
    guard failure == 0 else { throw FileError(path, "write", code: failure) }
  }

  /// Sets the size and reserves the space, so that a full disk shows now.
  public func allocate(_ byteCount: Int) throws(FileError) {
    var number: Int32
    repeat { number = posix_fallocate(descriptor, 0, off_t(byteCount)) } while number == EINTR
    // Some file systems cannot reserve; there, writing reports a full disk.
    if number == EOPNOTSUPP || number == EINVAL { return try cut(to: byteCount) }
    guard number == 0 else {
      throw FileError(path, "reserve \(byteCount) bytes", code: number)
    }
  }

  /// Gives the file another size.
  public func cut(to byteCount: Int) throws(FileError) {
    guard ftruncate(descriptor, off_t(byteCount)) == 0 else {
      throw FileError(path, "make the file \(byteCount) bytes long")
    }
  }

  /// Makes the content, or the names in a folder, durable.
  public func synchronize() throws(FileError) {
    guard fsync(descriptor) == 0 else { throw FileError(path, "make it durable") }
  }

  /// Whether no other process or descriptor held the lock; it is held from now on.
  public func tryLock() -> Bool { flock(descriptor, LOCK_EX | LOCK_NB) == 0 }

  /// Whether the path still leads to this file.
  public var isLinked: Bool {
    var mine = stat()
    var named = stat()
    return unsafe fstat(descriptor, &mine) == 0 && stat(path, &named) == 0
      && mine.st_ino == named.st_ino && mine.st_dev == named.st_dev
  }
}
