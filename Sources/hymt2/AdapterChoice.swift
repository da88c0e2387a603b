// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Adapters
import ArgumentParser
import ExampleAdapter
import ExternalAdapters
import Layouts
import Safetensors
import Synchronization

/// Which adapter a command works with.
struct AdapterChoice: ParsableArguments {
  @Option(
    name: .customLong("adapter"),
    help: ArgumentHelp(
      "Test the adapter that this command serves, see docs/adapter-protocol.md. "
        + "Default: the reference adapter.",
      valueName: "command"))
  var command: String?

  @Option(
    name: .customLong("adapter-timeout"),
    help: ArgumentHelp(
      "Time limit of one answer of --adapter. Default: 60, and 120 for the first, to hello.",
      valueName: "seconds"))
  var timeout: Double?

  @Option(
    name: .customLong("adapter-memory"),
    help: ArgumentHelp(
      "Memory limit of one process of --adapter. Default: 8GiB.",
      valueName: "size"))
  var memory: ByteSize?

  @Option(
    name: .customLong("adapter-children"),
    help: ArgumentHelp(
      "The most processes of --adapter. Default: one for each processor.",
      valueName: "number"))
  var children: Int?

  @Flag(
    help: """
      Give the adapter of --adapter no invalid input: it takes its input to be valid. The adapter may say \
      so itself, by 'supports'.
      """)
  var acceptsInvalidInput = false

  /// The word for the example adapter, instead of a command.
  static let example = "demo"
  /// What an answer may hold beside its tensors, in bytes.
  private static let headerAllowance = 64 << 20
  private static let started = Mutex<[ExternalAdapter]>([])

  func validate() throws {
    if command == nil, timeout != nil || memory != nil || children != nil || acceptsInvalidInput {
      throw ValidationError(
        "--adapter-timeout, -memory, -children and --accepts-invalid-input go with --adapter")
    }
    if command?.contains(where: { $0 != " " }) == false {
      throw ValidationError("--adapter: expected a command, found none")
    }
    if let timeout, !(timeout >= 0.001 && timeout <= 1_000_000) {
      throw ValidationError("--adapter-timeout must be from 0.001 to 1000000, not \(timeout)")
    }
    try require("--adapter-children", children, in: 1...1024)
  }

  /// The adapter: started, if it is one of another process.
  ///
  /// - Parameter isCancelled: Asked, while an answer is awaited, whether to give up.
  func adapter(
    _ console: Console, isCancelled: @escaping @Sendable () -> Bool = { Interruption.isWished }
  ) throws -> any AdapterUnderTest {
    if command == Self.example { return ShapeGuessingAdapter() }
    return try external(
      children: children ?? ParallelWork.processorCount, console, isCancelled: isCancelled)
      ?? ReferenceAdapter()
  }

  /// The adapter of another process, nil if none is chosen.
  ///
  /// - Parameter largestPart: The size of the largest tensors that one answer has to hold, in bytes.
  func external(
    children: Int, largestPart: Int = 0, _ console: Console,
    isCancelled: @escaping @Sendable () -> Bool = { Interruption.isWished }
  ) throws -> ExternalAdapter? {
    guard let command else { return nil }
    var limits = ExternalLimits()
    let (answer, overflow) = largestPart.addingReportingOverflow(Self.headerAllowance)
    if !overflow { limits.frameByteCount = max(limits.frameByteCount, answer) }
    if let timeout {
      limits.requestTime = .seconds(timeout)
      limits.startTime = .seconds(timeout)
    }
    if let memory { limits.memory = memory.byteCount }
    let adapter = try ExternalAdapter(
      command: command, limits: limits, children: children,
      acceptsInvalidInput: acceptsInvalidInput, isCancelled: isCancelled
    ) { longest in
      console.note(
        "waiting for the adapter's answer to hello, at most "
          + "\(Int(longest / .seconds(1))) s (--adapter-timeout)")
    }
    Self.started.withLock { $0.append(adapter) }
    return adapter
  }

  /// What `hymt2` must be told for the same adapter.
  var arguments: [String] {
    guard let command else { return [] }
    return ["--adapter", command]
      + (timeout.map { ["--adapter-timeout", "\($0)"] } ?? [])
      + (memory.map { ["--adapter-memory", "\($0.byteCount)"] } ?? [])
      + (acceptsInvalidInput ? ["--accepts-invalid-input"] : [])
  }

  /// Ends the processes of all adapters, hung ones too, which the end of this process would not.
  static func shutDown() {
    let adapters = started.withLock { started in
      defer { started = [] }
      return started
    }
    for adapter in adapters { adapter.shutdown() }
  }
}
