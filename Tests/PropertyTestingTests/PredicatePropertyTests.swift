// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import PropertyEngine
import Testing

@testable import PropertyTesting

/// Runs a body as if the trait stood on the test.
func withTrait(
  _ trait: PropertyTrait, _ body: @escaping @Sendable () async throws -> Void
) async throws {
  let test = try #require(Test.current)
  try await trait.provideScope(for: test, testCase: Test.Case.current, performing: body)
}

@Suite("Properties that return a verdict", .examples(300), .seed(1))
struct PredicatePropertyTests {
  private let numbers = Generator<Int>.integer(0...1000)

  @Test("A predicate that holds records nothing, also in a synchronous test")
  func holds() throws {
    try property(numbers, numbers) { $0 + $1 == $1 + $0 }
  }

  @Test("A predicate that fails is one issue at the line of the property")
  func fails() async throws {
    let line = #line + 2
    let recording = try await recording { [numbers] in
      try property(numbers, .boolean()) { number, _ in number < 17 }
    }
    #expect(recording.issues.count == 1)
    #expect(recording.issues.first?.sourceLocation?.line == line)
    #expect(
      recording.text.contains(
        "argument 1: 17\nargument 2: false\n"),
      "\(recording.text)")
  }

  @Test("Each argument of a failure is shown")
  func arguments() async throws {
    let recording = try await recording { [numbers] in
      try property(numbers.array(count: 2), numbers) { list, _ in list[1] < 5 }
    }
    #expect(
      recording.text.contains(
        "argument 1: [0, 5]\nargument 2: 0\n"), "\(recording.text)")
  }

  @Test("An engine property brings its message, labels and explicit examples")
  func engineProperty() async throws {
    let recording = try await recording { [numbers] in
      try property(
        Property(numbers, examples: [999]) { number, context in
          context.label("small", if: number < 10)
          return .holds(number < 500, "law", "\(number) is too large")
        })
    }
    #expect(recording.text.contains("the property fails on explicit example 1\n999 is too large"))
  }

  @Test("A flaky property is reported as such, with both outcomes")
  func flaky() async throws {
    let recording = try await recording { [numbers] in
      let runs = Counter()
      try property(numbers) { $0 < 100 || runs.next() != 1 }
    }
    #expect(recording.failures.count == 1)
    #expect(recording.text.contains("flaky: the same choices gave two outcomes\n  first: failed"))
    #expect(recording.text.contains("\n  then: passed\n"), "\(recording.text)")
    #expect(!recording.text.contains("PROPERTY_TOKEN"))
  }

  @Test("Health checks, label requirements, no valid case, time used up: each has its text")
  func complaints() async throws {
    let numbers = numbers
    let filtered = try await recording {
      try property(numbers.filter { $0 > 5000 }) { _ in true }
    }
    #expect(filtered.failures.count == 1)
    #expect(filtered.text.contains("health check filtersTooMuch"), "\(filtered.text)")
    let silenced = try await recording {
      try await withTrait(.propertySettings { $0.silenced = [.filtersTooMuch] }) {
        try property(numbers.filter { $0 > 5000 }) { _ in true }
      }
    }
    #expect(silenced.failures.count == 1)
    #expect(silenced.text.contains("gave up, too few cases met"), "\(silenced.text)")
    let unmet = try await recording {
      try await withTrait(.propertySettings { $0.requiredLabels = ["huge": 5] }) {
        try property(numbers) { _ in true }
      }
    }
    #expect(unmet.failures.count == 1)
    #expect(unmet.text == "label 'huge': 0 of the 5 cases it needs")
    let none = try await recording {
      try property(Generator.constant(1)) { _ in Outcome.discard }
    }
    #expect(none.failures.count == 1)
    #expect(none.text.hasPrefix("no case was run that says anything: examples: 0 passed"))
    let late = try await recording {
      try await withTrait(.timeBudget(.milliseconds(30))) {
        try property(numbers.array(count: 20)) { _ in
          let end = ContinuousClock.now + .milliseconds(2)
          while ContinuousClock.now < end {}
          return true
        }
      }
    }
    #expect(late.failures.isEmpty && late.warnings.count == 1)
    #expect(late.text.hasPrefix("the time budget was used up, "), "\(late.text)")
  }

  @Test("A cancelled test ends the property at the next case, and says so")
  func cancelled() async throws {
    let runs = Counter()
    let recording = try await recording { [numbers] in
      let task = Task {
        try property(numbers.array()) { _ in
          runs.next()
          if runs.value == 20 { unsafe withUnsafeCurrentTask { unsafe $0?.cancel() } }
          return true
        }
      }
      try await task.value
    }
    #expect(runs.value == 20)
    #expect(recording.failures.count == 1)
    #expect(recording.text.hasPrefix("the run was cancelled, "), "\(recording.text)")
  }

  @Test("Outside of a test there is an error that says what to do")
  func detached() async {
    let error = await Task.detached { [numbers] in
      do throws(PropertyError) {
        try property(numbers) { _ in true }
        return nil as PropertyError?
      } catch {
        return error
      }
    }.value
    #expect(error == .noCurrentTest)
  }
}
