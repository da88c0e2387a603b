// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import Dispatch
internal import PropertyEngine
internal import Synchronization

/// What became of one case.
struct CaseAnswer: Sendable {
  var outcome: Outcome
  var context = CaseContext()
}

/// Lets the engine, which is synchronous and has a thread of its own, ask the test's task to run the
/// asynchronous body on a value.
final class Relay<Value: Sendable>: Sendable {
  private struct Request: Sendable {
    let value: Value
    let reply: Reply
  }

  /// Where the engine's thread waits for an answer; the first one counts.
  private final class Reply: Sendable {
    private let answer = Mutex<CaseAnswer?>(nil)
    private let isAnswered = DispatchSemaphore(value: 0)

    func give(_ answer: CaseAnswer) {
      self.answer.withLock { if $0 == nil { $0 = answer } }
      isAnswered.signal()
    }

    func wait() -> CaseAnswer {
      isAnswered.wait()
      return answer.withLock { $0 } ?? CaseAnswer(outcome: .discard)
    }
  }

  private let requests: AsyncStream<Request>
  private let sender: AsyncStream<Request>.Continuation
  private let state = Mutex<(isCancelled: Bool, pending: [ObjectIdentifier: Reply])>((false, [:]))
  private let report = Mutex<Report?>(nil)

  init() {
    (requests, sender) = AsyncStream.makeStream()
  }

  var isCancelled: Bool { state.withLock { $0.isCancelled } }

  /// Has the body run on `value` and waits for the outcome; discards once cancelled. Not to be
  /// called on a thread of the cooperative pool.
  func ask(_ value: Value) -> CaseAnswer {
    let reply = Reply()
    let isOpen = state.withLock { state in
      if !state.isCancelled { state.pending[ObjectIdentifier(reply)] = reply }
      return !state.isCancelled
    }
    guard isOpen else { return CaseAnswer(outcome: .discard) }
    sender.yield(Request(value: value, reply: reply))
    defer { state.withLock { _ = $0.pending.removeValue(forKey: ObjectIdentifier(reply)) } }
    return reply.wait()
  }

  /// Runs the engine and answers what it asks, each case in a child task, until it is done.
  func serve(
    run: @escaping @Sendable () -> Report, answer: @escaping @Sendable (Value) async -> CaseAnswer
  ) async -> Report? {
    await withTaskCancellationHandler {
      await withDiscardingTaskGroup { group in
        group.addTask {
          let report = await withCheckedContinuation { done in
            DispatchQueue(label: "property engine").async { done.resume(returning: run()) }
          }
          self.report.withLock { $0 = report }
          self.sender.finish()
        }
        for await request in requests {
          group.addTask { request.reply.give(await answer(request.value)) }
        }
      }
    } onCancel: {
      cancel()
    }
    return report.withLock { $0 }
  }

  private func cancel() {
    let waiting = state.withLock { state in
      state.isCancelled = true
      defer { state.pending = [:] }
      return state.pending.values.map { $0 }
    }
    for reply in waiting { reply.give(CaseAnswer(outcome: .discard)) }
  }
}
