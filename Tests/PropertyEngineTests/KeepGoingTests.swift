// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Testing

@testable import PropertyEngine

@Suite("Runs that go on after failures") struct KeepGoingTests {
  /// Fails on most numbers, in one of `causes` ways.
  private func property(causes: Int) -> Property<(Int, Int)> {
    let numbers = Generator<Int>.integer(0...1_000_000)
    return Property(zip(Generator<Int>.integer(0...causes - 1), numbers)) { value, _ in
      let (cause, number) = value
      return number < 1000 ? .pass : .fail(FailureKey(law: "cause \(cause)"), "\(number)")
    }
  }

  private func settings(_ examples: Int, threads: Int = 1) -> Settings {
    var settings = Settings(examples: examples, seed: 7)
    settings.keepsGoing = true
    settings.threads = threads
    return settings
  }

  @Test("All examples are checked and each key is found once and shrunk")
  func judgesAll() {
    let report = property(causes: 40).run(settings(800))
    #expect(report.passed + report.failed == 800)
    #expect(report.failed > 300)
    #expect(report.end == .failed)
    #expect(Set(report.counterexamples.map(\.key.law)).count == 40)
    #expect(report.counterexamples.count == 40)
    for finding in report.counterexamples {
      #expect(finding.message == "1000", "\(finding.key)")
    }
    let stopping = property(causes: 40).run(Settings(examples: 800, seed: 7))
    #expect(stopping.passed + stopping.failed < 400)
  }

  @Test("Findings are the same on 1, 2 and 4 threads")
  func threads() {
    let reports = [1, 2, 4].map { property(causes: 12).run(settings(300, threads: $0)) }
    for report in reports.dropFirst() {
      #expect(report.counterexamples.map(\.key) == reports[0].counterexamples.map(\.key))
      #expect(report.counterexamples.map(\.message) == reports[0].counterexamples.map(\.message))
      #expect(report.failed == reports[0].failed && report.passed == reports[0].passed)
    }
  }

  @Test("Beyond the bound failures stay as they were found, and are said to")
  func bound() {
    var settings = settings(400)
    settings.shrunkFailures = 5
    let report = property(causes: 20).run(settings)
    #expect(report.counterexamples.count == 20)
    #expect(report.counterexamples.map(\.shrinking.wasLeftOut) == (0..<20).map { $0 >= 5 })
    for finding in report.counterexamples.dropFirst(5) {
      #expect(finding.choices == finding.found && finding.shrinking.executions == 0)
    }
  }

  @Test("A stored failure or a failing example does not keep the search from beginning")
  func replays() {
    let failing = Property(Generator<Int>.integer(0...1_000_000), examples: [5]) { number, _ in
      .holds(number != 5 && number < 1000)
    }
    let report = failing.run(settings(50))
    #expect(report.passed + report.failed == 50)
    var again = settings(50)
    again.replays = report.counterexamples.compactMap(\.choices)
    #expect(!again.replays.isEmpty)
    let second = failing.run(again)
    #expect(second.passed + second.failed == 50)
  }

  @Test("Where everything passes nothing changes")
  func passes() {
    let property = Property(Generator<Int>.integer()) { _, _ in .pass }
    let report = property.run(settings(60))
    #expect(report.passed == 60 && report.isSuccess && report.end == .completed)
  }
}
