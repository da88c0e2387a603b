// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Glibc
import PropertyEngine

/// Runs one problem on many seeds and says in a row how it went.
func measure(_ problem: Problem, seeds: Int) -> (text: String, misses: [String]) {
  var results: [String: Int] = [:]
  var evaluations: [Int] = []
  var executions = 0
  var costs: [ShrinkPass: Int] = [:]
  var gains: [ShrinkPass: Int] = [:]
  var cases: [Int] = []
  var missed = 0
  for seed in 0..<seeds {
    let (report, value) = problem.run(Problem.settings(UInt64(seed), problem.examples))
    guard let finding = report.counterexamples.first, let value else {
      missed += 1
      continue
    }
    results[value, default: 0] += 1
    evaluations.append(finding.shrinking.evaluations)
    costs.merge(finding.shrinking.costs, uniquingKeysWith: +)
    gains.merge(finding.shrinking.passes, uniquingKeysWith: +)
    executions += finding.shrinking.executions
    cases.append(finding.caseNumber)
  }
  let found = max(1, seeds - missed)
  let mean = Double(evaluations.reduce(0, +)) / Double(found)
  let ideal = problem.ideal.compactMap { results[$0] }.max() ?? 0
  let others = results.filter { !problem.ideal.contains($0.key) }
    .sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(6)
  let median = cases.sorted()[safe: cases.count / 2] ?? 0
  let ratio = problem.reference.map { "\((mean / $0 * 100).rounded() / 100)" } ?? "-"
  var row = "| \(problem.name) | \(ideal)/\(seeds) | \(results.count) | \(missed) | \(median) "
  row += "| \((mean * 10).rounded() / 10) | \(executions / found) | \(evaluations.max() ?? 0) "
  row += "| \(problem.reference.map { "\($0)" } ?? "-") | \(ratio) |"
  for other in others { row += "\n    \(other.value) x \(other.key)" }
  if CommandLine.arguments.contains("--passes") {
    for pass in ShrinkPass.allCases where costs[pass] != nil {
      let cost = Double(costs[pass, default: 0]) / Double(found)
      row += "\n    \(pass) costs \(cost) gains \(Double(gains[pass, default: 0]) / Double(found))"
    }
  }
  var misses: [String] = []
  if ideal * 100 < problem.required * seeds { misses.append("\(problem.name): ideal on \(ideal)") }
  if let reference = problem.reference, mean > 1.5 * reference {
    misses.append("\(problem.name): \(mean) evaluations")
  }
  if let budget = problem.budget, (evaluations.max() ?? 0) >= budget {
    misses.append("\(problem.name): up to \(evaluations.max() ?? 0) evaluations")
  }
  return (row, misses)
}

/// What each pass is worth: the problems that end worse, or cost more, without it.
func printAblation(seeds: Int) {
  let problems = challenge + zoo
  let base = problems.map { outcome($0, seeds, []) }
  for pass in ShrinkPass.allCases {
    var harm: [String] = []
    for (index, problem) in problems.enumerated() {
      let without = outcome(problem, seeds, [pass])
      if without.ideal < base[index].ideal {
        harm.append("\(problem.name) \(without.ideal)/\(base[index].ideal)")
      } else if without.evaluations > base[index].evaluations * 1.3 + 3 {
        harm.append("\(problem.name) x\(without.evaluations / base[index].evaluations)")
      }
    }
    print("\(pass): \(harm.joined(separator: ", "))")
  }
}

private func outcome(_ problem: Problem, _ seeds: Int, _ disabled: Set<ShrinkPass>) -> (
  ideal: Int, evaluations: Double
) {
  var ideal = 0
  var evaluations = 0
  for seed in 0..<seeds {
    var settings = Problem.settings(UInt64(seed), problem.examples)
    settings.disabledPasses = disabled
    let (report, value) = problem.run(settings)
    if value.map(problem.ideal.contains) ?? false { ideal += 1 }
    evaluations += report.counterexamples.first?.shrinking.evaluations ?? 0
  }
  return (ideal, Double(evaluations) / Double(seeds))
}

/// Ends the process as done.
func exitWithSuccess() -> Never { exit(0) }

/// Ends the process as failed.
func exitWithFailure() -> Never { exit(1) }

extension Array {
  subscript(safe index: Int) -> Element? { indices.contains(index) ? self[index] : nil }
}
