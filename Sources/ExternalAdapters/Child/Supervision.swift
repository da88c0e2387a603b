// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import Dispatch
internal import Subprocess
internal import Synchronization
internal import SystemPackage

/// Runs the waiting for child processes on a thread of its own, so that it goes on while all
/// threads of the cooperative pool are waiting for a child.
private final class SupervisionExecutor: TaskExecutor {
  static let shared = SupervisionExecutor()
  private let queue = DispatchQueue(label: "hymt2 adapter supervision")

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    queue.async { unsafe job.runSynchronously(on: self.asUnownedTaskExecutor()) }
  }
}

/// One process under supervision: started by a task that reaps it when told to.
///
/// Until then an ended process keeps its number, so that signals to it and its group hit no other.
final class Supervision: Sendable {
  /// What a start came to.
  enum Start: Sendable {
    case process(identifier: Int32, descriptor: Int32)
    case failure(String)
  }

  private struct State {
    var start = Start.failure("")
    var isReleased = false
    var waiting: CheckedContinuation<Void, Never>?
  }

  private let state = Mutex(State())
  private let started = DispatchSemaphore(value: 0)

  /// Starts a shell command in a session of its own, which gets the given ends of pipes.
  init(
    _ command: String, variable: (name: String, value: String), input: consuming PipeEnd,
    output: consuming PipeEnd, errors: consuming PipeEnd
  ) {
    var options = PlatformOptions()
    options.createSession = true
    let configuration = Configuration(
      executable: .path("/bin/sh"), arguments: ["-c", command],
      environment: .inherit.updating([
        Environment.Key(stringLiteral: variable.name): variable.value
      ]),
      platformOptions: options)
    let ends = [input.release(), output.release(), errors.release()].map {
      FileDescriptor(rawValue: $0)
    }
    Task(executorPreference: SupervisionExecutor.shared) {
      do {
        _ = try await Subprocess.run(
          configuration, input: .fileDescriptor(ends[0], closeAfterSpawningProcess: true),
          output: .fileDescriptor(ends[1], closeAfterSpawningProcess: true),
          error: .fileDescriptor(ends[2], closeAfterSpawningProcess: true)
        ) { execution in
          let process = execution.processIdentifier
          self.begin(
            .process(identifier: process.value, descriptor: process.processDescriptor))
          await self.untilReleased()
        }
      } catch {
        self.begin(.failure("\(error)"))
      }
    }
  }

  /// Waits for the process to be there or not to be.
  func waitForStart() -> Start {
    started.wait()
    started.signal()
    return state.withLock { $0.start }
  }

  /// Lets the process be reaped, after which its number may be another's.
  ///
  /// Nobody waits for the task itself: a part of it needs a thread of the cooperative pool.
  func release() {
    let waiting = state.withLock { state in
      state.isReleased = true
      defer { state.waiting = nil }
      return state.waiting
    }
    waiting?.resume()
  }

  private func begin(_ start: Start) {
    state.withLock { $0.start = start }
    started.signal()
  }

  private func untilReleased() async {
    await withCheckedContinuation { continuation in
      let isReleased = state.withLock { state in
        if !state.isReleased { state.waiting = continuation }
        return state.isReleased
      }
      if isReleased { continuation.resume() }
    }
  }
}
