// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import AdapterLaws
internal import Synchronization

/// The place of one child process, which is started when first needed and anew after misbehaviour.
final class ChildSlot: Sendable {
  private struct State: ~Copyable {
    var conversation: Conversation?
    var lastID = 0
    var isClosed = false
  }

  private let terms: ChildTerms
  private let incidents: Incidents
  private let state = Mutex(State())

  init(_ terms: ChildTerms, _ incidents: Incidents) {
    self.terms = terms
    self.incidents = incidents
  }

  /// Starts the child and returns its answer to `hello`.
  func greet() throws(ExternalAdapterError) -> ProtocolAnswer {
    try state.withLock { state throws(ExternalAdapterError) in
      do throws(ChildFailure) {
        return try start(&state)
      } catch {
        throw error.adapterError(terms.command)
      }
    }
  }

  /// Writes requests at once and returns the answers in order; refusals are among them.
  ///
  /// - Throws: `Misbehaviour`, having ended the child.
  func ask(_ requests: [ProtocolRequest]) throws -> [ProtocolAnswer] {
    guard !requests.isEmpty else { return [] }
    return try state.withLock { state in
      if state.conversation == nil {
        do throws(ChildFailure) {
          _ = try start(&state)
        } catch {
          if error.isCancelled { throw CancellationError() }
          throw Misbehaviour(error.kind, "while it was started anew: \(error.account)")
        }
      }
      let encoded = try requests.map { request in
        state.lastID += 1
        return try request.encoded(id: String(state.lastID))
      }
      do throws(ChildFailure) {
        return try exchange(encoded, within: terms.limits.requestTime, &state)
      } catch {
        if error.isCancelled { throw CancellationError() }
        let place = incidents.keep(
          error.kind, encoded.prefix(error.index + 1), errors: error.errors[...])
        let what = error.index == 0 ? "the request is" : "the requests are"
        throw Misbehaviour(error.kind, "\(error.account); \(what) \(place)")
      }
    }
  }

  /// Closes the child's standard input, at which it should end.
  func closeInput() {
    state.withLock { state in
      state.isClosed = true
      state.conversation?.process.input = nil
    }
  }

  /// Ends the child, having given it some time.
  func end(after grace: Duration) {
    state.withLock { state in
      guard let conversation = state.conversation.take() else { return }
      _ = conversation.process.hasEnded(within: grace)
      _ = conversation.end()
    }
  }

  private func start(_ state: inout State) throws(ChildFailure) -> ProtocolAnswer {
    do {
      state.conversation = try Conversation(terms)
    } catch {
      throw ChildFailure(error)
    }
    state.lastID += 1
    let hello: EncodedRequest
    do {
      hello = try ProtocolRequest.hello.encoded(id: String(state.lastID))
    } catch {
      throw ChildFailure(.malformedAnswer, "\(error)")
    }
    let answers = try exchange([hello], within: terms.limits.startTime, &state)
    return answers[0]
  }

  /// Talks to the child and ends it where that goes wrong.
  private func exchange(
    _ requests: [EncodedRequest], within time: Duration, _ state: inout State
  ) throws(ChildFailure) -> [ProtocolAnswer] {
    guard var conversation = state.conversation.take() else {
      throw ChildFailure(.crashed, "there is no process")
    }
    do {
      let answers = try conversation.exchange(requests, within: time)
      state.conversation = consume conversation
      return answers
    } catch {
      let errors = conversation.errorTail
      let end = conversation.end()
      throw ChildFailure(error, end, errors)
    }
  }
}

/// What children are started with and held to.
struct ChildTerms: Sendable {
  let command: String
  let limits: ExternalLimits
  /// Whether nobody waits for answers any longer.
  let isCancelled: @Sendable () -> Bool
}

/// Why there is no answer, in words.
struct ChildFailure: Error {
  let kind: Misbehaviour.Kind
  let account: String
  /// The position of the request concerned.
  var index = 0
  /// What is kept of standard error.
  var errors: [UInt8] = []
  /// The exit status, if the process exited by itself.
  var exitStatus: Int32?
  /// Whether nobody waits for an answer any longer.
  var isCancelled = false
  /// Whether the answer is one of another protocol.
  var isOtherProtocol = false
  /// The reason if no process could be started.
  var systemError: ExternalAdapterError?

  init(_ kind: Misbehaviour.Kind, _ account: String) {
    self.kind = kind
    self.account = account
  }

  init(_ error: ExternalAdapterError) {
    self.init(.crashed, error.description)
    systemError = error
  }

  init(_ exchange: ExchangeFault, _ end: ChildEnd, _ errors: StandardErrorTail) {
    var account = exchange.fault.account
    if exchange.hasEnded {
      account = "the process \(end.description) \(account)"
      exitStatus = end.exitStatus
    } else if exchange.fault.kind == .crashed {
      account = "the process \(account)"
    }
    if let lines = errors.lastLines { account += "; standard error: \(lines)" }
    kind = exchange.fault.kind
    self.account = account
    index = exchange.index
    isCancelled = exchange.fault.isCancelled
    isOtherProtocol = exchange.fault.isOtherProtocol
    self.errors = Array(errors.kept)
  }

  /// The error of an adapter that cannot be used at all.
  func adapterError(_ command: String) -> ExternalAdapterError {
    if let systemError { return systemError }
    if let exitStatus, exitStatus == 127 || exitStatus == 126 {
      return ExternalAdapterError(
        code: .commandNotFound, command: command, expected: "a command that /bin/sh can run",
        found: account, remedy: "check its spelling, its path and whether it is installed")
    }
    if isOtherProtocol {
      return ExternalAdapterError(
        code: .wrongProtocol, command: command,
        expected: "the protocol '\(ProtocolFrame.protocolName)'", found: account,
        remedy: "use a version of the adapter that speaks it")
    }
    return ExternalAdapterError(
      code: .noHello, command: command, expected: "an answer to 'hello'",
      found: "\(kind.rawValue): \(account)",
      remedy: "see docs/adapter-protocol.md; only frames may go to standard output")
  }
}
