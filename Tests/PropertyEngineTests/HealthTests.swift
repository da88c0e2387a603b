// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Testing

@testable import PropertyEngine

@Suite("Health checks") struct HealthTests {
  private func problems<Value: Sendable>(
    _ generator: Generator<Value>, maximum: Int = 8192, silenced: Set<HealthCheck> = []
  ) -> [HealthCheck] {
    var settings = Settings(examples: 50)
    settings.maximumChoices = maximum
    settings.silenced = silenced
    let report = Property(generator) { _, _ in .pass }.run(settings)
    #expect(report.healthProblems.allSatisfy { $0.advice.contains(".\($0.check.rawValue)") })
    let isClean = report.healthProblems.isEmpty && report.passed > 0
    #expect(report.isSuccess == isClean)
    return report.healthProblems.map(\.check)
  }

  @Test("A filter that hardly ever holds is noticed, and can be allowed")
  func filters() {
    let generator = Generator<Int>.integer().filter { $0 == 123_456 }
    #expect(problems(generator) == [.filtersTooMuch])
    #expect(problems(generator, silenced: [.filtersTooMuch]).isEmpty)
  }

  @Test("Cases that are too large are noticed")
  func large() {
    let lists = Generator<Int>.integer().array(count: 0...100_000, average: 5000)
    #expect(problems(lists, maximum: 30) == [.dataTooLarge])
    #expect(problems(Generator<Int>.integer().array(count: 20), maximum: 30) == [.simplestTooLarge])
  }

  @Test("Slow drawing is noticed")
  func slow() {
    let generator = Generator<Int> { source in
      let end = ContinuousClock.now + .milliseconds(250)
      while ContinuousClock.now < end {}
      return Int(source.draw(.integer(0...100)))
    }
    #expect(problems(generator) == [.generatesTooSlowly])
  }

  @Test("A generator that uses other chance than the source's is noticed")
  func nondeterministic() {
    let generator = Generator<Int> { source in
      var random = SystemRandomNumberGenerator()
      let top = Int.random(in: 1...1000, using: &random)
      return Int(source.draw(.integer(0...top)))
    }
    #expect(problems(generator) == [.generatorIsNondeterministic])
  }
}
