// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Dispatch
import Foundation
import StrictJSON
import Synchronization
import Testing

/// What a finished child process left.
struct Outcome: Sendable {
  /// The exit status, or minus the number of the signal that ended the process.
  let status: Int32
  let output: String
  let errors: String

  /// The one JSON document on standard output.
  func json() throws -> JSONValue { try JSONValue(parsing: Array(output.utf8)) }

  var outputLines: [String] { output.split(separator: "\n").map(String.init) }

  /// Checks for exit status 2, with nothing on standard output and a message that has all these
  /// parts.
  func expectFailure(
    naming parts: String..., sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(status == 2, "\(output)\(errors)", sourceLocation: sourceLocation)
    #expect(output == "", sourceLocation: sourceLocation)
    #expect(errors.hasPrefix("error: "), "\(errors)", sourceLocation: sourceLocation)
    for part in parts {
      #expect(errors.contains(part), "no '\(part)' in: \(errors)", sourceLocation: sourceLocation)
    }
  }

  /// Checks for exit status 0 and no word on standard error.
  func expectSuccess(sourceLocation: SourceLocation = #_sourceLocation) {
    #expect(status == 0, "\(output)\(errors)", sourceLocation: sourceLocation)
    #expect(errors == "", sourceLocation: sourceLocation)
  }
}

/// A child process that is under way.
final class Child {
  private let process = Process()
  private let ended = DispatchSemaphore(value: 0)
  private let output = Capture()
  private let errors = Capture()

  /// Starts a program; of the variables that change the output only the given ones are set.
  init(
    _ program: URL, _ arguments: [String], in folder: String? = nil,
    environment: [String: String] = [:]
  ) throws {
    process.executableURL = program
    process.arguments = arguments
    process.currentDirectoryURL = folder.map { URL(filePath: $0) }
    let variables = ProcessInfo.processInfo.environment.filter { name, _ in
      !["NO_COLOR", "COLUMNS", "JOB_COMPLETION_INDEX", "PARALLEL_SEQ"].contains(name)
        && !["GITHUB_", "HYMT2_SHARD", "SLURM_"].contains { name.hasPrefix($0) }
    }
    process.environment = variables.merging(environment) { $1 }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output.pipe
    process.standardError = errors.pipe
    process.terminationHandler = { [ended] _ in ended.signal() }
    // Threads of Dispatch block signals, and a child inherits that from the thread that starts it.
    var signals = sigset_t()
    var previous = sigset_t()
    // The sets live as long as the calls.
    _ = unsafe (sigemptyset(&signals), pthread_sigmask(SIG_SETMASK, &signals, &previous))
    defer { _ = unsafe pthread_sigmask(SIG_SETMASK, &previous, nil) }
    try process.run()
    // Both at once, so that neither pipe fills up while the other is read.
    output.start()
    errors.start()
  }

  /// Sends a signal, unless the number may be another process's by now.
  func send(_ signal: Int32) {
    if process.isRunning { kill(process.processIdentifier, signal) }
  }

  /// Waits for the end, which a process that takes too long is brought to.
  func wait(
    atMost seconds: Double = 60, sourceLocation: SourceLocation = #_sourceLocation
  ) -> Outcome {
    if ended.wait(timeout: .now() + seconds) == .timedOut {
      Issue.record(
        "no end after \(seconds) s: \(process.arguments ?? [])", sourceLocation: sourceLocation)
      send(SIGKILL)
      ended.wait()
    }
    let isSignal = process.terminationReason == .uncaughtSignal
    return Outcome(
      status: isSignal ? -process.terminationStatus : process.terminationStatus,
      output: output.finish(), errors: errors.finish())
  }
}

/// All that comes out of a pipe.
private final class Capture: Sendable {
  let pipe = Pipe()
  private let data = Mutex(Data())
  private let done = DispatchSemaphore(value: 0)

  func start() {
    Thread.detachNewThread { [self] in
      let all = try? pipe.fileHandleForReading.readToEnd()
      data.withLock { $0 = all ?? Data() }
      done.signal()
    }
  }

  func finish() -> String {
    done.wait()
    return data.withLock { String(decoding: $0, as: UTF8.self) }
  }
}

/// The program under test, which is built beside the tests.
enum Hymt2 {
  static let program = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
    .deletingLastPathComponent().appending(path: "hymt2")

  /// The top of the work tree.
  static let tree = URL(filePath: #filePath).appending(path: "../../../..").standardized
    .path(percentEncoded: false)

  static func start(
    _ arguments: [String], in folder: String? = nil, environment: [String: String] = [:]
  ) throws -> Child {
    try Child(program, arguments, in: folder, environment: environment)
  }

  static func run(
    _ arguments: String..., in folder: String? = nil, environment: [String: String] = [:],
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> Outcome {
    try start(arguments, in: folder, environment: environment).wait(sourceLocation: sourceLocation)
  }
}

/// Converts quietly and without an error.
func convert(
  _ target: String, _ input: String, _ output: String, _ options: String...,
  sourceLocation: SourceLocation = #_sourceLocation
) throws {
  let outcome = try Hymt2.start(
    ["convert", "--quiet", "--to", target, input, output] + options
  ).wait(sourceLocation: sourceLocation)
  outcome.expectSuccess(sourceLocation: sourceLocation)
}
