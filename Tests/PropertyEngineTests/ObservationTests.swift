// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Testing

@testable import PropertyEngine

@Suite("Observation of runs") struct ObservationTests {
  private func events(threads: Int, bound: Int) -> (events: [RunEvent], report: Report) {
    let small = Generator<Int>.integer(0...2000)
    let property = Property(zip(small, small), examples: [(1, 1)]) { value, context in
      context.label("even", if: value.0 % 2 == 0)
      context.annotation = [UInt8(value.0 & 0xFF), UInt8(value.1 & 0xFF)]
      return .holds(value.0 + value.1 < bound, "small")
    }
    var settings = Settings(examples: 300, seed: 11)
    settings.threads = threads
    settings.replays = [property.replay(ChoiceSequence()).choices]
    var events: [RunEvent] = []
    let report = property.run(settings) { events.append($0) }
    return (events, report)
  }

  private func cases(_ events: [RunEvent]) -> [CaseObservation] {
    events.compactMap { if case .executed(let observation) = $0 { observation } else { nil } }
  }

  @Test("Events and report do not depend on the number of threads, the report not on the observer")
  func deterministic() {
    for bound in [1500, 5000] {
      let one = events(threads: 1, bound: bound)
      for threads in [2, 8] {
        let isSame = events(threads: threads, bound: bound).events == one.events
        #expect(isSame, "\(threads) threads")
      }
      #expect(one.report.counterexamples.isEmpty == (bound == 5000))
    }
  }

  @Test("Each case is told once, in order, with what the report counts in the end")
  func cases() {
    let (events, report) = events(threads: 2, bound: 5000)
    let all = cases(events)
    #expect(all.prefix(2).map(\.origin) == [.example, .replay])
    #expect(all.prefix(2).map(\.annotation) == [[1, 1], [0, 0]])
    let found = all.dropFirst(2)
    #expect(found.map(\.number) == Array(1...report.executed))
    #expect(found.allSatisfy { $0.origin == .search })
    #expect(found.filter(\.isRepeated).count == report.repeated)
    #expect(found.last?.passed == report.passed)
    let passed = found.filter { $0.status == .passed && !$0.isRepeated }
    #expect(passed.count == report.passed)
    #expect(passed.filter { $0.labels == ["even"] }.count == report.labels.first?.count)
    #expect(found.allSatisfy { ($0.annotation.first ?? 1) % 2 == ($0.labels.isEmpty ? 1 : 0) })
  }

  @Test("Shrinking is told at its start and after every 64 executions")
  func shrinking() {
    var events: [RunEvent] = []
    let report = Property(Generator<Int>.integer(0...1_000_000).array()) { list, _ in
      .holds(list.reduce(0, +) < 3_000_000, "small")
    }.run(Settings(examples: 10_000, seed: 5)) { events.append($0) }
    let executions = events.compactMap { event -> Int? in
      guard case .shrinking(let key, let executions, let evaluations) = event else { return nil }
      #expect(key == FailureKey(law: "small") && evaluations <= executions)
      return executions
    }
    let total = report.counterexamples.first?.shrinking.executions ?? 0
    #expect(total > 64)
    #expect(executions == Array(stride(from: 0, through: total, by: 64)))
  }
}
