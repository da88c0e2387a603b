// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import Dispatch
internal import Synchronization

/// What to execute.
struct CaseRequest: Sendable {
  var prefix = ChoiceSequence()
  var tail: Tail
  var limit: Int
  var random: RandomStream
  var size: UInt64 = 256
  /// Whether the time of drawing is measured.
  var isTimed = false
  /// The number of a generated case, from 1.
  var number: UInt64?
}

/// Executes cases, on several threads if asked; results come back in the order of the requests.
final class CasePool {
  private let threads: Int
  private let cancellation: Cancellation
  private let execute: @Sendable (Source) -> CaseResult
  private let source = Source()

  init(
    threads: Int, cancellation: Cancellation, execute: @escaping @Sendable (Source) -> CaseResult
  ) {
    self.threads = max(1, threads)
    self.cancellation = cancellation
    self.execute = execute
  }

  func single(
    _ request: CaseRequest, avoiding tree: ChoiceTree? = nil,
    gate: ((ChoiceSequence) -> Bool)? = nil
  ) -> CaseResult {
    source.begin(
      prefix: request.prefix, tail: request.tail, limit: request.limit, random: request.random,
      size: request.size, avoiding: tree, isTimed: request.isTimed, number: request.number)
    source.gate = gate
    return execute(source)
  }

  /// Executes all requests, the first few if cancelled, and hands over the results in order until
  /// `take` says stop.
  func run(
    _ requests: [CaseRequest], avoiding tree: ChoiceTree, take: (Int, CaseResult) -> Bool
  ) {
    if threads == 1 || requests.count == 1 {
      var results: [CaseResult] = []
      results.reserveCapacity(requests.count)
      // All before any is taken, as with several threads: the tree stays as it is meanwhile.
      for request in requests where !cancellation.check() {
        results.append(single(request, avoiding: tree))
      }
      for (index, result) in results.enumerated() where !take(index, result) { return }
      return
    }
    let shared = SharedTree(tree: tree)
    let results = Mutex<[(Int, CaseResult)]>([])
    let next = Atomic<Int>(0)
    let execute = self.execute
    let cancellation = self.cancellation
    DispatchQueue.concurrentPerform(iterations: min(threads, requests.count)) { _ in
      let source = Source()
      while !cancellation.check() {
        let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
        guard index < requests.count else { return }
        let request = requests[index]
        source.begin(
          prefix: request.prefix, tail: request.tail, limit: request.limit,
          random: request.random, size: request.size, avoiding: shared.tree,
          isTimed: request.isTimed, number: request.number)
        let result = execute(source)
        results.withLock { $0.append((index, result)) }
      }
    }
    let ordered = results.withLock { $0 }.sorted { $0.0 < $1.0 }
    for (index, result) in ordered where !take(index, result) { return }
  }
}

/// The tree while a batch runs: nothing writes to it, so that all threads may read.
private struct SharedTree: @unchecked Sendable {
  let tree: ChoiceTree
}

/// Whether a run is to end early; once asked for, it stays so.
final class Cancellation: Sendable {
  private let isAskedFor: (@Sendable () -> Bool)?
  private let isNoticed = Atomic<Bool>(false)

  init(_ isAskedFor: (@Sendable () -> Bool)?) {
    self.isAskedFor = isAskedFor
  }

  /// Asks, unless that is known already.
  func check() -> Bool {
    guard let isAskedFor else { return false }
    if wasNoticed { return true }
    guard isAskedFor() else { return false }
    isNoticed.store(true, ordering: .relaxed)
    return true
  }

  /// Whether a check has found it asked for, so that something was left out.
  var wasNoticed: Bool { isNoticed.load(ordering: .relaxed) }
}
