// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import AdapterLaws
internal import Synchronization

#if canImport(Glibc)
internal import Glibc
#else
internal import Musl
#endif

/// A running child process with our ends of its pipes.
struct ChildProcess: ~Copyable {
  let identifier: Int32
  /// Readable when the process has ended; -1 where the system has no such descriptors.
  let processDescriptor: Int32
  /// Nil when it has been closed, which asks the process to end.
  var input: PipeEnd?
  let output: PipeEnd
  let errors: PipeEnd
  private let supervision: Supervision
  private let mark: String

  private static let variable = "HYMT2_ADAPTER_CHILD"
  private static let count = Atomic(0)

  private init(
    _ identifier: Int32, _ processDescriptor: Int32, input: consuming PipeEnd,
    output: consuming PipeEnd, errors: consuming PipeEnd, _ supervision: Supervision, mark: String
  ) {
    input.setNonBlocking()
    output.setNonBlocking()
    errors.setNonBlocking()
    self.identifier = identifier
    self.processDescriptor = processDescriptor
    self.input = .some(input)
    self.output = output
    self.errors = errors
    self.supervision = supervision
    self.mark = mark
  }

  /// Starts a shell command.
  ///
  /// - Throws: `ExternalAdapterError` if the system cannot.
  static func start(_ command: String) throws(ExternalAdapterError) -> ChildProcess {
    func failure(_ reason: String) -> ExternalAdapterError {
      ExternalAdapterError(
        code: .notStarted, command: command, expected: "a new process",
        found: Legible.text(reason, atMost: 300),
        remedy: "see whether the machine is out of memory, processes or open files")
    }
    guard let inputs = Pipe(), let outputs = Pipe(), let errorOutputs = Pipe() else {
      throw failure("no file descriptors left for its pipes")
    }
    let value = "\(getpid())-\(count.add(1, ordering: .relaxed).newValue)"
    let supervision = Supervision(
      command, variable: (variable, value), input: inputs.reading, output: outputs.writing,
      errors: errorOutputs.writing)
    switch supervision.waitForStart() {
    case .process(let identifier, let descriptor):
      return ChildProcess(
        identifier, descriptor, input: inputs.writing, output: outputs.reading,
        errors: errorOutputs.reading, supervision, mark: "\(variable)=\(value)")
    case .failure(let reason):
      throw failure(reason)
    }
  }

  /// Waits for the process to end.
  func hasEnded(within time: Duration = .zero) -> Bool {
    guard processDescriptor >= 0 else {
      let deadline = ContinuousClock.now + time
      while !ChildEnd(of: identifier).isKnown {
        guard ContinuousClock.now < deadline else { return false }
        usleep(2000)
      }
      return true
    }
    var entry = pollfd(fd: processDescriptor, events: Int16(POLLIN), revents: 0)
    let milliseconds = Int32((time / .milliseconds(1)).rounded(.up))
    // One entry is given and read.
    return unsafe poll(&entry, 1, milliseconds) > 0
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
    supervision.release()
    return end
  }
}
