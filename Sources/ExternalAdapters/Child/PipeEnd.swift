// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import Glibc

/// One end of a pipe, closed at the end of its life; no other process inherits it by chance.
struct PipeEnd: ~Copyable {
  let descriptor: Int32

  deinit {
    close(descriptor)
  }

  /// Makes reading and writing return at once.
  func setNonBlocking() {
    _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
  }

  /// What a read or a write came to.
  enum Transfer {
    case bytes(Int)
    case wouldBlock
    /// The other end is closed.
    case end
  }

  /// Reads what is there into a buffer that is not empty.
  @unsafe
  func read(into buffer: UnsafeMutableRawBufferPointer) -> Transfer {
    while true {
      // The kernel writes within the buffer.
      let count = unsafe Glibc.read(descriptor, buffer.baseAddress, buffer.count)
      if count > 0 { return .bytes(count) }
      if count == 0 { return .end }
      if errno == EAGAIN { return .wouldBlock }
      if errno != EINTR { return .end }
    }
  }

  /// Some of the bytes that are there.
  func available(_ limit: Int) -> [UInt8] {
    unsafe withUnsafeTemporaryAllocation(byteCount: limit, alignment: 8) { buffer in
      // What is read lies within the buffer.
      guard case .bytes(let count) = unsafe read(into: buffer) else { return [] }
      return unsafe Array(buffer[..<count])
    }
  }

  /// Writes what fits; a closed other end sends no signal.
  @unsafe
  func write(_ buffer: UnsafeRawBufferPointer) -> Transfer {
    while true {
      // The kernel reads within the buffer.
      let count = BrokenPipe.ignored {
        unsafe Glibc.write(descriptor, buffer.baseAddress, buffer.count)
      }
      if count >= 0 { return .bytes(count) }
      if errno == EAGAIN { return .wouldBlock }
      if errno != EINTR { return .end }
    }
  }
}

extension PipeEnd? {
  /// The descriptor, -1 of a closed end.
  var descriptorOrNone: Int32 {
    switch self {
    case .some(let end): end.descriptor
    case .none: -1
    }
  }
}

/// A new pipe.
struct Pipe: ~Copyable {
  let reading: PipeEnd
  let writing: PipeEnd

  /// Creates a pipe, or nothing if the system has no descriptors left.
  init?() {
    var ends: (Int32, Int32) = (-1, -1)
    // Two descriptors are written to two numbers that lie one after the other.
    let status = unsafe withUnsafeMutableBytes(of: &ends) { bytes in
      unsafe pipe(bytes.assumingMemoryBound(to: Int32.self).baseAddress)
    }
    guard status == 0 else { return nil }
    // Swift cannot see pipe2.
    _ = fcntl(ends.0, F_SETFD, FD_CLOEXEC)
    _ = fcntl(ends.1, F_SETFD, FD_CLOEXEC)
    reading = PipeEnd(descriptor: ends.0)
    writing = PipeEnd(descriptor: ends.1)
  }
}

/// Keeps SIGPIPE from a thread that writes to pipes, without changing what the process does about
/// its own output.
enum BrokenPipe {
  /// Calls a closure; a signal that comes of it is taken away.
  static func ignored<R>(_ body: () -> R) -> R {
    var signals = sigset_t()
    var previous = sigset_t()
    var now = timespec()
    // The sets live as long as the calls.
    _ = unsafe sigemptyset(&signals)
    _ = unsafe sigaddset(&signals, SIGPIPE)
    _ = unsafe pthread_sigmask(SIG_BLOCK, &signals, &previous)
    let result = body()
    let code = errno
    while unsafe sigtimedwait(&signals, nil, &now) == SIGPIPE {}
    _ = unsafe pthread_sigmask(SIG_SETMASK, &previous, nil)
    errno = code
    return result
  }
}
