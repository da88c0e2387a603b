// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import PropertyEngine
import PropertyTesting
import Synchronization
import Testing

@Suite("#expect and #require in a property body", .examples(300), .seed(1))
struct ExpectationPropertyTests {
  private let numbers = Generator<Int>.integer(0...1000)

  @Test("A property that holds records nothing")
  func holds() async throws {
    try await property(numbers, numbers.array(count: 0...5)) { a, list in
      #expect(a >= 0)
      #expect(list.count <= 5)
    }
  }

  @Test("A failure appears once, at its line, with the simplest value and how to reproduce it")
  func failsOnce() async throws {
    let line = #line + 3
    let recording = try await recording { [numbers] in
      try await property(numbers, numbers) { a, b in
        #expect(a < 10 || b < 300)
        PropertyCase.label("odd", if: (a + b) % 2 == 1)
      }
    }
    #expect(recording.error == nil)
    #expect(recording.issues.count == 1)
    let issue = try #require(recording.issues.first)
    #expect(issue.sourceLocation?.line == line)
    guard case .expectationFailed = issue.kind else {
      Issue.record("the kind is \(issue.kind)")
      return
    }
    let both = "argument 1: 10\nargument 2: 300\n"
    #expect(recording.text.contains(both), "\(recording.text)")
    #expect(recording.text.contains("labels: odd "), "\(recording.text)")
    #expect(recording.text.contains("seed 1"))
    #expect(recording.text.contains("PROPERTY_TOKEN=p2_"))
    #expect(
      recording.text.contains(
        "swift test --filter 'PropertyTestingTests\\.ExpectationPropertyTests/failsOnce\\('"))
  }

  @Test("A failing #require ends the case and appears once")
  func require() async throws {
    let recording = try await recording { [numbers] in
      try await property(numbers.array()) { list in
        let first = try #require(list.first)
        #expect(first >= 0)
      }
    }
    #expect(recording.issues.count == 1)
    #expect(recording.text.contains("value: []"), "\(recording.text)")
  }

  @Test("An error that is thrown is a failure of its type")
  func throwing() async throws {
    struct TooLarge: Error {}
    let line = #line + 2
    let recording = try await recording { [numbers] in
      try await property(numbers) { if $0 > 41 { throw TooLarge() } }
    }
    #expect(recording.issues.count == 1)
    #expect(recording.issues.first?.error is TooLarge)
    #expect(recording.issues.first?.sourceLocation?.line == line)
    #expect(recording.text.contains("value: 42\n"), "\(recording.text)")
  }

  @Test("Two failures at two lines are told apart, each with its simplest value")
  func several() async throws {
    let recording = try await recording { [numbers] in
      try await property(numbers) { number in
        #expect(number < 500)
        if number < 500 { #expect(number < 100) }
      }
    }
    #expect(recording.issues.count == 2)
    #expect(recording.text.contains("value: 100\n"), "\(recording.text)")
    #expect(recording.text.contains("value: 500\n"), "\(recording.text)")
  }

  @Test("A failure in a loop within the body appears once")
  func loop() async throws {
    let recording = try await recording { [numbers] in
      try await property(numbers.array(count: 3...6)) { list in
        for _ in list { #expect(list.count < 3) }
      }
    }
    #expect(recording.issues.count == 1)
    #expect(recording.text.contains("value: [0, 0, 0]"), "\(recording.text)")
  }

  @Test("Failures of child tasks belong to their case")
  func childTasks() async throws {
    let recording = try await recording { [numbers] in
      try await property(numbers) { number in
        await withTaskGroup { group in
          for offset in 0..<3 {
            group.addTask {
              await Task.yield()
              if offset == 1 { #expect(number + offset < 8) }
            }
          }
        }
      }
    }
    #expect(recording.issues.count == 1)
    #expect(recording.text.contains("value: 7\n"), "\(recording.text)")
  }

  @Test("Failures of a task that outlives its case are recorded as they arise")
  func lateTasks() async throws {
    let recording = try await recording {
      let gate = AsyncStream<Void>.makeStream()
      let late = Mutex<Task<Void, Never>?>(nil)
      try await property(.constant(1)) { number in
        late.withLock { late in
          if late != nil { return }
          late = Task {
            for await _ in gate.stream {}
            #expect(number == 2)
          }
        }
      }
      gate.continuation.finish()
      await late.withLock { $0 }?.value
    }
    #expect(recording.failures.count == 1)
    #expect(recording.text.isEmpty)
  }

  @Test("withKnownIssue around a property makes its failure a known one")
  func knownIssue() async {
    await withKnownIssue {
      try await property(numbers) { #expect($0 < 10) }
    }
  }

  @Test("Discarded cases do not count, and what is asked of them is met by the others")
  func assume() async throws {
    let recording = try await recording { [numbers] in
      try await property(numbers) { number in
        try PropertyCase.assume(number % 2 == 0)
        #expect(number < 31)
      }
    }
    #expect(recording.issues.count == 1)
    #expect(recording.text.contains("value: 32\n"), "\(recording.text)")
  }

  @Test("The same failure with the same text for one thread and for several")
  func threads() async throws {
    let run: @Sendable () async throws -> Void = { [numbers] in
      try await property(numbers.array(), name: "sum") { #expect($0.reduce(0, +) < 900) }
    }
    let one = try await recording(run)
    let several = try await recording {
      try await withTrait(.threads(4), run)
    }
    #expect(one.issues.count == 1)
    #expect(one.text == several.text)
  }

  @Test("A cancelled test ends the property with an error")
  func cancelled() async throws {
    let recording = try await recording { [numbers] in
      let task = Task {
        try await property(numbers.array(count: 20)) { _ in
          try? await Task.sleep(for: .milliseconds(20))
        }
      }
      try await Task.sleep(for: .milliseconds(60))
      task.cancel()
      try await task.value
    }
    #expect(recording.error as? PropertyError == .cancelled)
    #expect(recording.issues.isEmpty)
  }
}
