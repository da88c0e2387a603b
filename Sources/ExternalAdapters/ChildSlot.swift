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
      do throws(ChildFault) {
        return try start(&state, isFirst: true)
      } catch {
        let hello = (try? ProtocolRequest.hello.encoded(id: "1")).map { [$0] } ?? []
        throw error.adapterError(
          terms.command,
          error.errors.isEmpty
            ? "" : incidents.keep(error.kind, hello[...], errors: error.errors[...]))
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
        do throws(ChildFault) {
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
      do throws(ChildFault) {
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

  private func start(
    _ state: inout State, isFirst: Bool = false
  ) throws(ChildFault) -> ProtocolAnswer {
    do {
      state.conversation = try Conversation(terms, isFirst: isFirst)
    } catch {
      throw ChildFault(error)
    }
    state.lastID += 1
    do {
      let hello = try ProtocolRequest.hello.encoded(id: String(state.lastID))
      return try exchange([hello], within: terms.limits.startTime, &state)[0]
    } catch let fault as ChildFault {
      throw fault
    } catch {
      throw ChildFault(.malformedAnswer, "\(error)")
    }
  }

  /// Talks to the child and ends it where that goes wrong.
  private func exchange(
    _ requests: [EncodedRequest], within time: Duration, _ state: inout State
  ) throws(ChildFault) -> [ProtocolAnswer] {
    guard var conversation = state.conversation.take() else {
      throw ChildFault(.crashed, "there is no process")
    }
    do {
      let answers = try conversation.exchange(requests, within: time)
      state.conversation = consume conversation
      return answers
    } catch {
      var fault = error
      // Taken before the end: an optimised build does not keep the tail itself alive beyond it.
      let (said, errors) = (conversation.errorTail.account, Array(conversation.errorTail.kept))
      fault.complete(conversation.end(), said, errors)
      throw fault
    }
  }
}

/// What children are started with and held to.
struct ChildTerms: Sendable {
  let command: String
  let limits: ExternalLimits
  /// Whether nobody waits for answers any longer.
  let isCancelled: @Sendable () -> Bool
  /// Told once if the first answer to hello takes long, with how long it may take.
  let isSlow: @Sendable (Duration) -> Void
}
