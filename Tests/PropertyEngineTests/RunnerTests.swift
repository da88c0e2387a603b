// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Synchronization
import Testing

@testable import PropertyEngine

@Suite("Runs") struct RunnerTests {
  private let ints = Generator<Int>.integer()

  @Test("The same seed gives the same transcript on 1, 2 and 8 threads", arguments: [0, 1])
  func deterministic(_ failing: Int) {
    let property = Property(zip(ints.array(), Generator<Double>.double(), .unicode())) {
      value, context in
      context.label("short", if: value.0.count < 3)
      return .holds(failing == 0 || value.0.count < 9)
    }
    let reports = [1, 2, 8].map { threads in
      var settings = Settings(examples: 500, seed: 42)
      settings.threads = threads
      settings.keepsTranscript = true
      return property.run(settings)
    }
    for report in reports.dropFirst() {
      let isSame = report.transcript == reports[0].transcript
      #expect(isSame)
      #expect(report.counterexamples.first?.choices == reports[0].counterexamples.first?.choices)
      #expect(report.labels.map(\.count) == reports[0].labels.map(\.count))
    }
    let hasPassed = reports[0].counterexamples.isEmpty
    #expect(hasPassed == (failing == 0))
  }

  @Test("The transcript of a seed is what it always was, in any process and on any thread count")
  func golden() {
    for threads in [1, 2, 8] {
      var settings = Settings(examples: 1000, seed: 7)
      settings.keepsTranscript = true
      settings.threads = threads
      let report = Property(zip(ints.array(), Generator<Float>.float())) { _, _ in .pass }
        .run(settings)
      var hash = FNV()
      for line in report.transcript { hash.add(line) }
      #expect(report.transcript.count >= 1000)
      #expect(report.transcript.prefix(2) == ["passed F,0x0", "passed T,0,F,0x429a0000"])
      #expect(hash.value == 12_877_535_768_252_747_249, "\(threads) threads")
    }
  }

  @Test("Different seeds give different cases")
  func seeds() {
    let transcripts = (0..<5).map { seed in
      var settings = Settings(examples: 20, seed: UInt64(seed))
      settings.keepsTranscript = true
      return Property(ints) { _, _ in .pass }.run(settings).transcript
    }
    #expect(Set(transcripts).count == 5)
  }

  @Test("The simplest case comes first, no case comes twice, and the end of all cases is noticed")
  func exhaustion() {
    let seen = Mutex<[String]>([])
    let report = Property(zip(Generator<Bool>.boolean(), Generator<Int>.integer(0...9))) {
      value, _ in
      seen.withLock { $0.append("\(value)") }
      return .pass
    }.run(Settings(examples: 1000, seed: 1))
    #expect(report.passed == 20 && report.end == .exhausted && report.isSuccess)
    let cases = seen.withLock { $0 }
    #expect(cases.first == "(false, 0)")
    #expect(Set(cases).count == 20)
    #expect(report.repeated < 30, "\(report.repeated) cases were run again")
  }

  @Test("Early cases are smaller than late ones")
  func ramp() {
    let lengths = Mutex<[Int]>([])
    _ = Property(ints.array()) { value, _ in
      lengths.withLock { $0.append(value.count) }
      return .pass
    }.run(Settings(examples: 400, seed: 3))
    let all = lengths.withLock { $0 }
    let early = Double(all.prefix(15).reduce(0, +)) / 15
    let late = Double(all.dropFirst(60).reduce(0, +)) / Double(all.count - 60)
    #expect(early < late * 0.7, "means \(early) and \(late)")
  }

  @Test("Explicit examples run first and their failures are reported as they are")
  func explicitExamples() {
    let report = Property(ints, examples: [3, 500, 600]) { value, _ in .holds(value < 400) }
      .run(Settings(examples: 10))
    #expect(report.examplesPassed == 1 && report.counterexamples.count == 1)
    #expect(report.counterexamples.first?.exampleIndex == 1 && report.end == .failed)
  }

  @Test("Labels are counted; a label that is too rare fails the run")
  func labels() {
    var settings = Settings(examples: 100)
    settings.requiredLabels = ["even": 10, "never": 1]
    let report = Property(ints) { value, context in
      context.label("even", if: value % 2 == 0)
      return .pass
    }.run(settings)
    #expect(report.unmetLabels.map(\.label) == ["never"] && !report.isSuccess)
    let even = report.labels.first?.count ?? 0
    #expect(even > 10)
  }

  @Test("Several failures are kept apart, each shrunk; one is enough where that is set")
  func severalFailures() {
    let property = Property(ints) { value, _ in
      if value > 100 { return .fail(FailureKey(law: "large"), "\(value)") }
      return value < -50 ? .fail(FailureKey(law: "negative"), "\(value)") : .pass
    }
    let both = property.run(Settings(examples: 500))
    #expect(both.counterexamples.map(\.message).sorted() == ["-51", "101"])
    // The second failure lies on the way of the first to its minimum.
    let stepping = Property(Generator<Int>.integer(0...1_000_000)) { value, _ in
      if value > 500_000 { return .fail(FailureKey(law: "large"), "\(value)") }
      return value == 500_000 ? .fail(FailureKey(law: "edge"), "\(value)") : .pass
    }
    #expect(
      stepping.run(Settings(examples: 100)).counterexamples.map(\.key.law) == ["large", "edge"])
    var settings = Settings(examples: 500)
    settings.mostFailures = 1
    #expect(property.run(settings).counterexamples.count == 1)
  }

  @Test("A failure that does not come again is reported as flaky with both outcomes")
  func flaky() {
    let holder = Holder()
    let report = Property(ints) { _, _ in
      .holds(holder.calls.add(1, ordering: .relaxed).newValue != 5, "once")
    }.run(Settings(examples: 100))
    let flakiness = report.counterexamples.first?.flakiness
    #expect(flakiness?.first == .fail(FailureKey(law: "once"), ""))
    #expect(flakiness?.second == .pass)
    #expect(!report.isSuccess)
  }

  @Test("A repeated case that ends in another way is a flaky failure on any number of threads")
  func flakyRepeats() {
    let findings = [1, 2, 8].map { threads in
      let runs = Mutex<[Int: Int]>([:])
      var settings = Settings(examples: 2000, seed: 3)
      settings.threads = threads
      let report = Property(Generator<Int>.integer(0...50_000)) { number, _ in
        let run = runs.withLock { runs in
          runs[number, default: 0] += 1
          return runs[number, default: 0]
        }
        return .holds(run % 2 == 1, "every second run", "run \(run)")
      }.run(settings)
      #expect(report.counterexamples.count == 1 && report.end == .failed && report.repeated > 0)
      return report.counterexamples.first
    }
    // On one thread the first run of a value comes first; on several, only that they differ is sure.
    let failure = Outcome.fail(FailureKey(law: "every second run"), "run 2")
    #expect(findings[0]?.flakiness == Flakiness(first: .pass, second: failure))
    #expect(findings[0]?.message == "run 2" && findings[0]?.shrinking == ShrinkSummary())
    for finding in findings {
      let outcomes = [finding?.flakiness?.first, finding?.flakiness?.second]
      #expect(outcomes.filter { $0 == .pass }.count == 1)
      #expect(finding?.key == findings[0]?.key && finding?.choices == findings[0]?.choices)
      #expect(finding?.caseNumber == findings[0]?.caseNumber)
    }
  }

  @Test("A repeated failure that passes, or fails in another way, is flaky under a known key")
  func repeatedFailure() {
    for second in [Outcome.pass, .fail(FailureKey(law: "b"), "then")] {
      let calls = Holder()
      let property = Property(Generator<Int>.integer(0...9)) { _, _ in .pass }
      let sequence = property.replay(ChoiceSequence()).choices
      var runner = Runner(Settings(), explicit: [], observer: nil) { source in
        let outcome: Outcome =
          calls.calls.add(1, ordering: .relaxed).newValue == 1
          ? .fail(FailureKey(law: "a"), "once") : second
        return CaseResult(
          sequence: sequence, trail: [0], status: outcome.status, outcome: outcome,
          context: CaseContext(), isMisaligned: false)
      }
      for _ in 0..<3 { runner.merge(runner.execute(Source())) }
      #expect(runner.report.failed == 1 && runner.report.repeated == 2)
      let failure = runner.failures.last
      #expect(failure?.flakiness?.first == .fail(FailureKey(law: "a"), ""))
      #expect(failure?.flakiness?.second == second && failure?.caseNumber == 2)
      let keys = runner.failures.map(\.key.law)
      #expect(keys == (second == .pass ? ["a"] : ["a", "b"]))
    }
  }

  @Test("A time budget ends the run and says so")
  func timeBudget() {
    var settings = Settings(examples: .max)
    settings.timeBudget = .milliseconds(30)
    let report = Property(ints.array()) { _, _ in .pass }.run(settings)
    #expect(report.end == .outOfTime && report.passed > 0 && report.requested == .max)
  }

  @Test("A run without a passing case is no success")
  func nothingRun() {
    var settings = Settings(examples: 10)
    settings.silenced = [.filtersTooMuch]
    let report = Property(ints) { _, _ in .discard }.run(settings)
    #expect(report.passed == 0 && !report.isSuccess && report.end == .gaveUp)
    #expect(!Property(ints) { _, _ in .pass }.run(Settings(examples: 0)).isSuccess)
  }

  @Test("Stored failures are replayed first; fixed and stale ones are told apart, not passed")
  func stored() {
    let failing = Property(ints) { value, _ in .holds(value < 1000) }
    let choices = failing.run(Settings(examples: 200)).counterexamples.first?.choices
    var settings = Settings(examples: 5)
    settings.replays = choices.map { [$0] } ?? []
    #expect(failing.run(settings).replays == [.fails(FailureKey(law: "property"))])
    #expect(Property(ints) { _, _ in .pass }.run(settings).replays == [.passes])
    #expect(Property(.boolean()) { _, _ in .pass }.run(settings).replays == [.stale])
    #expect(Property(ints.array(count: 2)) { _, _ in .pass }.run(settings).replays == [.stale])
  }
}

/// Shares a counter with a sendable closure.
private final class Holder: Sendable {
  let calls = Atomic<Int>(0)
  init() {}
}
