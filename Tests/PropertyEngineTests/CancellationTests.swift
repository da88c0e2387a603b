// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Synchronization
import Testing

@testable import PropertyEngine

@Suite("Cancelled runs") struct CancellationTests {
  /// Counts how often bodies run, and says stop after some runs.
  private final class Counter: Sendable {
    let runs = Atomic<Int>(0)
    func count() { runs.add(1, ordering: .relaxed) }
    var value: Int { runs.load(ordering: .relaxed) }
  }

  private func settings(_ counter: Counter, limit: Int, threads: Int = 1) -> Settings {
    var settings = Settings(examples: 100_000, seed: 5)
    settings.threads = threads
    settings.isCancelled = { counter.value >= limit }
    return settings
  }

  @Test("A search ends at the next case, and is no success", arguments: [1, 4])
  func search(threads: Int) {
    let counter = Counter()
    let report = Property(Generator<Int>.integer().array()) { _, _ in
      counter.count()
      return .pass
    }.run(settings(counter, limit: 200, threads: threads))
    #expect(report.end == .cancelled && !report.isSuccess)
    #expect(report.executed >= 200 && report.executed < 200 + threads)
    #expect(counter.value == report.executed)
  }

  @Test("Explicit examples and stored failures that were not run are not told of")
  func beforeTheSearch() {
    let counter = Counter()
    let property = Property(Generator<Int>.integer(), examples: [1, 2, 3]) { _, _ in
      counter.count()
      return .pass
    }
    let simplest = property.replay(ChoiceSequence()).choices
    var early = settings(counter, limit: 3)
    let report = property.run(early)
    #expect(report.examplesPassed == 2 && report.executed == 0 && report.end == .cancelled)
    early = settings(counter, limit: counter.value + 5)
    early.replays = [simplest, simplest, simplest]
    // The second replay cannot be told from one that was cut short.
    #expect(property.run(early).replays == [.passes])
  }

  @Test("A failure is kept as simple as it had become, and nonsense after that is not flakiness")
  func shrinking() {
    let property = { (counter: Counter, limit: Int) in
      Property(Generator<Int>.integer(0...1_000_000).array()) { list, _ in
        counter.count()
        if counter.value >= limit { return .discard }
        return .holds(list.reduce(0, +) < 3_000_000)
      }
    }
    let whole = property(Counter(), .max).run(Settings(examples: 100_000, seed: 5))
    let found = whole.counterexamples.first?.caseNumber ?? 0
    for limit in [found + 90, found + 100, found + 101] {
      let counter = Counter()
      var settings = settings(counter, limit: limit)
      settings.mostFailures = 1
      let report = property(counter, limit).run(settings)
      let finding = report.counterexamples.first
      #expect(report.end == .cancelled && report.counterexamples.count == 1)
      #expect(finding?.shrinking.stoppedEarly == true && finding?.flakiness == nil)
      let isSimpler = finding.flatMap { finding in
        finding.found.flatMap { found in finding.choices?.isSimpler(than: found) }
      }
      #expect(isSimpler == true)
      #expect(counter.value == limit)
    }
  }

  @Test("Failures that are not concluded yet are kept as they were found")
  func unconcluded() {
    let counter = Counter()
    let property = Property(Generator<Int>.integer(-1000...1000)) { number, _ in
      if number > 100 { return .fail(FailureKey(law: "large"), "\(number)") }
      return number < -100 ? .fail(FailureKey(law: "negative"), "\(number)") : .pass
    }
    let report = property.run(settings(counter, limit: 1)) { event in
      if case .shrinking = event { counter.count() }
    }
    #expect(Set(report.counterexamples.map(\.key.law)) == ["large", "negative"])
    #expect(report.counterexamples.allSatisfy { $0.shrinking.stoppedEarly })
    #expect(report.counterexamples.allSatisfy { $0.choices == $0.found && $0.flakiness == nil })
  }
}
