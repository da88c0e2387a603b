// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import AdapterLaws
public import CheckpointGenerators
public import Files
internal import Safetensors
internal import StrictJSON

/// An adapter in any language, in child processes that speak the protocol of
/// `docs/adapter-protocol.md`.
///
/// Sessions are spread over the children; one that misbehaves is ended with all its descendants and
/// started anew. Calls may come from any thread and return when the child has answered.
public struct ExternalAdapter: AdapterUnderTest {
  /// The name that the adapter goes by.
  public let name: String
  /// The version that the adapter states, nil if it states none.
  public let version: String?
  /// The one layout that it serves, nil if it does not say so.
  public let layout: String?
  /// The axes of which it supports some values only: checkpoints with others are not asked for.
  public let supports: [AxisSelection]
  /// What is asked of the adapter where its input is invalid.
  public let invalidInputContract: InvalidInputContract
  private let pool: ChildPool
  private let isCancelled: @Sendable () -> Bool

  /// Where requests are kept at which adapters misbehaved.
  public static let incidentsFolder = ".hymt2/incidents"

  /// Starts a shell command and asks who it is.
  ///
  /// - Parameters:
  ///   - command: What `/bin/sh -c` gets.
  ///   - limits: What a child may take.
  ///   - children: How many children there are at most; they are started when they are needed.
  ///   - incidents: The folder for requests at which the adapter misbehaved.
  ///   - acceptsInvalidInput: Whether it is given no invalid input, as if it said so itself.
  ///   - isCancelled: Asked while a child is waited for; calls throw `CancellationError` once it is
  ///     true.
  ///   - isSlow: Told once if the answer takes more than five seconds, with how long it may take.
  /// - Throws: `ExternalAdapterError` if the command does not start or answer as the protocol asks.
  public init(
    command: String, limits: ExternalLimits = ExternalLimits(), children: Int = 1,
    incidents: String = incidentsFolder, acceptsInvalidInput: Bool = false,
    isCancelled: @escaping @Sendable () -> Bool = { false },
    isSlow: @escaping @Sendable (Duration) -> Void = { _ in }
  ) throws(ExternalAdapterError) {
    self.isCancelled = isCancelled
    let terms = ChildTerms(
      command: command, limits: limits, isCancelled: isCancelled, isSlow: isSlow)
    pool = ChildPool(terms, count: children, Incidents(folder: incidents))
    let hello = HelloAnswer(try pool.greet(), command)
    try hello.check()
    name = hello.name
    version = hello.version
    layout = hello.layout
    let stated = try hello.supports()
    supports = stated.filter { $0.axis != InvalidInputContract.axis }
    let saysSo = try hello.acceptsInvalidInput(stated)
    invalidInputContract = acceptsInvalidInput || saysSo ? .accepts : .losesNothing
  }

  /// Whether calls throw `CancellationError` from now on.
  public var isStopped: Bool { isCancelled() }

  /// The adapter made for a config, in one of the children.
  public func session(for setup: AdapterSetup) -> any AdapterSession {
    ExternalSession(pool, setup)
  }

  /// Ends all children, having given them some time to end by themselves.
  ///
  /// A later request starts a child anew. What is not shut down ends with its last reference.
  public func shutdown(after grace: Duration = .seconds(1)) {
    pool.shutDown(after: grace)
  }
}

/// What an adapter says about itself.
private struct HelloAnswer {
  private let answer: ProtocolAnswer
  private let command: String

  init(_ answer: ProtocolAnswer, _ command: String) {
    self.answer = answer
    self.command = command
  }

  func check() throws(ExternalAdapterError) {
    guard let refusal = answer.refusal else { return }
    throw failure(
      .helloRefused, expected: "an answer to 'hello'", found: refusal.description,
      remedy: "mend what the adapter names")
  }

  var name: String {
    let name = DisplayText.text(answer.metadata["name"] ?? "", atMost: 80)
    return name.isEmpty ? DisplayText.text(command, atMost: 80) : name
  }

  var version: String? {
    answer.metadata["version"].map { DisplayText.text($0, atMost: 80) }
  }

  var layout: String? { answer.metadata["layout"] }

  func supports() throws(ExternalAdapterError) -> [AxisSelection] {
    guard let text = answer.metadata["supports"] else { return [] }
    let members = (try? JSONText.value(text, in: "supports"))?.objectValue
    let selections = members?.members.compactMap { axis, values -> AxisSelection? in
      let labels = values.arrayValue?.compactMap(\.stringValue)
      return labels.flatMap {
        $0.count == values.arrayValue?.count ? AxisSelection(axis, $0) : nil
      }
    }
    guard let members, let selections, selections.count == members.count else {
      throw failure(
        .noHello, expected: "an object of lists of strings as 'supports'",
        found: "'\(DisplayText.text(text, atMost: 200))'", remedy: "see docs/adapter-protocol.md")
    }
    return selections
  }

  func acceptsInvalidInput(_ supports: [AxisSelection]) throws(ExternalAdapterError) -> Bool {
    guard let stated = supports.first(where: { $0.axis == InvalidInputContract.axis }) else {
      return false
    }
    guard stated.values == [InvalidInputContract.acceptsAll] else {
      throw failure(
        .noHello, expected: "'\(InvalidInputContract.acceptsAll)' of 'invalid input' in 'supports'",
        found: "'\(DisplayText.text(stated.values.joined(separator: "', '"), atMost: 200))'",
        remedy: "leave 'invalid input' out if the adapter refuses it")
    }
    return true
  }

  private func failure(
    _ code: ExternalAdapterError.Code, expected: String, found: String, remedy: String
  ) -> ExternalAdapterError {
    ExternalAdapterError(
      code, of: command, expected: expected, found: found, remedy: remedy)
  }
}

/// What a child process may take before it is ended and started anew.
public struct ExternalLimits: Sendable, Hashable {
  /// How long one answer may take.
  public var requestTime: Duration
  /// How long it may take from the start of the process to the answer to `hello`.
  public var startTime: Duration
  /// The resident memory of the process and all its descendants, in bytes; what they share counts
  /// for each of them.
  public var memory: Int
  /// The size of a frame, in bytes.
  public var frameByteCount: Int
  /// How much of the end of standard error is kept, in bytes.
  public var keptErrorByteCount: Int

  /// Creates limits.
  public init(
    requestTime: Duration = .seconds(60), startTime: Duration = .seconds(120),
    memory: Int = 8 << 30, frameByteCount: Int = 4 << 30, keptErrorByteCount: Int = 1 << 20
  ) {
    self.requestTime = requestTime
    self.startTime = startTime
    self.memory = memory
    self.frameByteCount = frameByteCount
    self.keptErrorByteCount = keptErrorByteCount
  }
}
