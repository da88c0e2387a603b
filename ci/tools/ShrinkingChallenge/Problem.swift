// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import PropertyEngine

/// One problem: generated values, a statement that is false for some, and the simplest of those.
struct Problem: Sendable {
  var name: String
  var ideal: [String]
  var examples = 20_000
  /// Mean property evaluations while shrinking of Hypothesis 6.155, where known.
  var reference: Double?
  /// Greatest number of evaluations of any seed, where there is a budget.
  var budget: Int?
  /// How many of 100 seeds must reach the ideal.
  var required = 100
  var run: @Sendable (Settings) -> (report: Report, value: String?)

  init<Value: Sendable>(
    _ name: String, ideal: [String], reference: Double? = nil, budget: Int? = nil,
    required: Int = 100, examples: Int = 20_000, _ generator: Generator<Value>,
    holds: @escaping @Sendable (Value) -> Bool?
  ) {
    self.name = name
    self.ideal = ideal
    self.reference = reference
    self.budget = budget
    self.required = required
    self.examples = examples
    let property = Property(generator) { value, _ in
      guard let isTrue = holds(value) else { return .discard }
      return .holds(isTrue, name)
    }
    run = { settings in
      let report = property.run(settings)
      let choices = report.counterexamples.first?.choices
      return (report, choices.map { "\(property.replay($0).value)" })
    }
  }

  static func settings(_ seed: UInt64, _ examples: Int) -> Settings {
    var settings = Settings(examples: examples, seed: seed)
    settings.mostFailures = 1
    settings.silenced = Set(HealthCheck.allCases)
    return settings
  }
}
