// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import Dispatch
internal import Synchronization

/// A statement about generated values whose body suspends or throws.
public struct AsyncProperty<Value: Sendable>: Sendable {
  /// Makes the values.
  public let generator: Generator<Value>
  private let examples: [Value]

  /// A property of the values of `generator` with explicit examples.
  public init(_ generator: Generator<Value>, examples: [Value] = []) {
    self.generator = generator
    self.examples = examples
  }

  /// Runs the property. The engine works on a thread of its own; the body runs in the caller's task,
  /// one case at a time, so that it keeps the caller's isolation and task-local values. An error that
  /// it throws is a failure whose kind is the type of the error.
  public nonisolated(nonsending) func run(
    _ settings: Settings = Settings(),
    body: (Value, inout CaseContext) async throws -> Outcome
  ) async -> Report {
    var settings = settings
    settings.threads = 1
    let (requests, queue) = AsyncStream.makeStream(of: Request<Value>.self)
    let property = Property(generator, examples: examples) { value, context in
      let request = Request(value: value)
      queue.yield(request)
      let (outcome, answered) = request.wait()
      context = answered
      return outcome
    }
    let result = Box<Report>()
    let frozen = settings
    DispatchQueue.global().async {
      let report = property.run(frozen)
      result.content.withLock { $0 = report }
      queue.finish()
    }
    for await request in requests {
      var context = CaseContext()
      do {
        let outcome = try await body(request.value, &context)
        request.answer(outcome, context)
      } catch {
        let key = FailureKey(law: "property", kind: "threw \(type(of: error))")
        request.answer(.fail(key, "\(error)"), context)
      }
    }
    return result.content.withLock { $0 } ?? Report()
  }
}

/// A value that is written on one thread and read on another.
private final class Box<Content: Sendable>: Sendable {
  let content = Mutex<Content?>(nil)
}

/// A value on its way to the body, and the answer on its way back.
private final class Request<Value: Sendable>: Sendable {
  let value: Value
  private let reply = Box<Reply>()
  private let signal = DispatchSemaphore(value: 0)

  struct Reply: Sendable {
    var outcome: Outcome
    var context: CaseContext
  }

  init(value: Value) { self.value = value }

  func answer(_ outcome: Outcome, _ context: CaseContext) {
    reply.content.withLock { $0 = Reply(outcome: outcome, context: context) }
    signal.signal()
  }

  /// Blocks the engine's own thread.
  func wait() -> (Outcome, CaseContext) {
    signal.wait()
    let reply = reply.content.withLock { $0 }
    return (reply?.outcome ?? .discard, reply?.context ?? CaseContext())
  }
}
