// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import CSystem
internal import Glibc
internal import Synchronization

/// A running child process with our ends of its pipes.
///
/// An ended process keeps its number until `end` reaps it, so that signals to it and its group hit
/// no other.
struct ChildProcess: ~Copyable {
  let identifier: Int32
  /// Nil when it has been closed, which asks the process to end.
  var input: PipeEnd?
  let output: PipeEnd
  let errors: PipeEnd
  private let mark: String

  private static let count = Atomic(0)
  /// Held from the making of pipes to the start of their process, so that no other inherits them.
  private static let starting = Mutex(())

  private init(
    _ identifier: Int32, input: consuming PipeEnd, output: consuming PipeEnd,
    errors: consuming PipeEnd, mark: String
  ) {
    input.setNonBlocking()
    output.setNonBlocking()
    errors.setNonBlocking()
    self.identifier = identifier
    self.input = .some(input)
    self.output = output
    self.errors = errors
    self.mark = mark
  }

  /// Starts a shell command in a session of its own.
  ///
  /// - Throws: `ExternalAdapterError` if the system cannot.
  static func start(_ command: String) throws(ExternalAdapterError) -> ChildProcess {
    func failure(_ reason: String) -> ExternalAdapterError {
      ExternalAdapterError(
        .notStarted, of: command, expected: "a new process",
        found: DisplayText.text(reason, atMost: 300),
        remedy: "see whether the machine is out of memory, processes or open files")
    }
    let mark = "HYMT2_ADAPTER_CHILD=\(getpid())-\(count.add(1, ordering: .relaxed).newValue)"
    return try starting.withLock { _ throws(ExternalAdapterError) -> ChildProcess in
      guard let inputs = Pipe(), let outputs = Pipe(), let errorOutputs = Pipe() else {
        throw failure("no file descriptors left for its pipes")
      }
      let ends = [
        inputs.reading.descriptor, outputs.writing.descriptor, errorOutputs.writing.descriptor,
      ]
      // The variable is one that all descendants inherit.
      let words = ["/bin/sh", "-c", "\(mark) exec /bin/sh -c \"$1\"", "/bin/sh", command]
      var identifier: Int32 = 0
      let code = spawn(words, ends, &identifier)
      guard code == 0 else { throw failure(unsafe String(cString: strerror(code))) }
      return ChildProcess(
        identifier, input: inputs.writing, output: outputs.reading, errors: errorOutputs.reading,
        mark: mark)
    }
  }

  /// Starts a program with descriptors as its standard streams, no signal blocked or ignored.
  ///
  /// - Returns: 0, or the number of the system's error.
  private static func spawn(
    _ words: [String], _ ends: [Int32], _ identifier: inout Int32
  ) -> Int32 {
    // All structures and copies of words live until the call has returned.
    var actions = unsafe posix_spawn_file_actions_t()
    var attributes = posix_spawnattr_t()
    unsafe posix_spawn_file_actions_init(&actions)
    unsafe posix_spawnattr_init(&attributes)
    var arguments = unsafe words.map { unsafe strdup($0) } + [nil]
    defer {
      unsafe posix_spawn_file_actions_destroy(&actions)
      unsafe posix_spawnattr_destroy(&attributes)
      unsafe arguments.forEach { unsafe free($0) }
    }
    for (stream, end) in ends.enumerated() {
      unsafe posix_spawn_file_actions_adddup2(&actions, end, Int32(stream))
    }
    var signals = sigset_t()
    unsafe sigemptyset(&signals)
    unsafe posix_spawnattr_setsigmask(&attributes, &signals)
    unsafe sigfillset(&signals)
    unsafe posix_spawnattr_setsigdefault(&attributes, &signals)
    // Swift cannot see POSIX_SPAWN_SETSID.
    let flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | 0x80
    unsafe posix_spawnattr_setflags(&attributes, Int16(flags))
    return unsafe posix_spawn(
      &identifier, words[0], &actions, &attributes, &arguments, csystem_environment())
  }

  /// Waits for the process to end.
  func hasEnded(within time: Duration = .zero) -> Bool {
    let deadline = ContinuousClock.now + time
    while !ChildEnd(of: identifier).isKnown {
      guard ContinuousClock.now < deadline else { return false }
      usleep(2000)
    }
    return true
  }

  /// Ends the process with all its descendants.
  ///
  /// - Returns: How it ended, which is not by this if it had ended before.
  consuming func end() -> ChildEnd {
    _ = kill(-identifier, SIGKILL)
    // A process may start others until it is dead itself.
    for _ in 0..<20 {
      let others = ProcessTable().family(of: identifier, marked: mark).filter { entry in
        entry.identifier != identifier && entry.state != UInt8(ascii: "Z")
          && entry.state != UInt8(ascii: "X")
      }
      if others.isEmpty { break }
      for other in others { _ = kill(other.identifier, SIGKILL) }
      usleep(500)
    }
    // A process in a system call that nothing can interrupt must not hold up a run.
    _ = hasEnded(within: .seconds(5))
    let end = ChildEnd(of: identifier)
    _ = waitpid(identifier, nil, WNOHANG)
    return end
  }
}
