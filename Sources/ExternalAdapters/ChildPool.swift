// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import Synchronization

/// The children of one adapter, among which sessions are spread.
final class ChildPool: Sendable {
  private struct Load {
    var openRequests = 0
    var sessions = 0
    var hasStarted = false
  }

  private let slots: [ChildSlot]
  private let loads: Mutex<[Load]>
  private let lastSession = Atomic(0)

  /// Creates places for a number of children and starts none.
  init(_ terms: ChildTerms, count: Int, _ incidents: Incidents) {
    slots = (0..<max(1, count)).map { _ in ChildSlot(terms, incidents) }
    loads = Mutex(Array(repeating: Load(), count: max(1, count)))
  }

  deinit {
    shutDown(after: .milliseconds(100))
  }

  /// Starts the first child and returns its answer to `hello`.
  func greet() throws(ExternalAdapterError) -> ProtocolAnswer {
    loads.withLock { $0[0].hasStarted = true }
    return try slots[0].greet()
  }

  /// A name that no session has had.
  func newSessionName() -> String { "s\(lastSession.add(1, ordering: .relaxed).newValue)" }

  /// Finds a child for a session: one that nobody waits for, if possible one that runs already.
  func join() -> Int {
    loads.withLock { loads in
      func rank(_ index: Int) -> (Int, Int, Int, Int) {
        let load = loads[index]
        return (load.openRequests, load.hasStarted ? 0 : 1, load.sessions, index)
      }
      let slot = loads.indices.min { rank($0) < rank($1) } ?? 0
      loads[slot].sessions += 1
      return slot
    }
  }

  /// Ends a session's claim to a child.
  func leave(_ slot: Int) {
    loads.withLock { $0[slot].sessions -= 1 }
  }

  /// Asks a child.
  func ask(_ requests: [ProtocolRequest], slot: Int) throws -> [ProtocolAnswer] {
    loads.withLock { loads in
      loads[slot].openRequests += 1
      loads[slot].hasStarted = true
    }
    defer { loads.withLock { $0[slot].openRequests -= 1 } }
    return try slots[slot].ask(requests)
  }

  /// Ends all children, having given them some time to end by themselves.
  func shutDown(after grace: Duration) {
    for slot in slots { slot.closeInput() }
    let deadline = ContinuousClock.now + grace
    for slot in slots { slot.end(after: max(.zero, deadline - .now)) }
  }
}
