// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import PropertyEngine

let arguments = CommandLine.arguments.dropFirst()
let seeds = arguments.first { $0.allSatisfy(\.isNumber) }.flatMap { Int($0) } ?? 100
let filter = arguments.first { $0.first?.isLetter == true }
let isWanted = { (problem: Problem) in filter.map { problem.name.contains($0) } ?? true }
var misses: [String] = []

if arguments.contains("--speed") {
  let figures = speed()
  print(
    "{\"choices_per_second\": \(Int(figures.choices)), \"cases_per_second\": \(Int(figures.cases))}"
  )
  exitWithSuccess()
}
if arguments.contains("--ablation") {
  printAblation(seeds: seeds)
  exitWithSuccess()
}
print("Seeds 0 to \(seeds - 1).\n")
print(
  "| problem | ideal | distinct | missed | case | evaluations | replays | most | H 6.155 | ratio |")
print("|---|---|---|---|---|---|---|---|---|---|")
for problem in challenge + zoo where isWanted(problem) {
  let row = measure(problem, seeds: seeds)
  print(row.text)
  misses += row.misses
}

if filter == nil {
  print("\n| event within 150 cases | seeds of 100 |\n|---|---|")
  for problem in discovery {
    let count = discovered(problem, runs: 100)
    print("| \(problem.name) | \(count) |")
    if count < 50 { misses.append("\(problem.name) in \(count) of 100 runs") }
  }
  print("\n| zig-zag bits | successful shrinks, at most | allowed |\n|---|---|---|")
  for bits in [8, 16, 32, 64] {
    let results = (0..<20).map { zigZag(bits: bits, seed: UInt64($0)) }
    let most = results.map(\.successes).max() ?? .max
    print("| \(bits) | \(most) | \(results[0].allowed) |")
    if most > results[0].allowed || !results.allSatisfy(\.ideal) {
      misses.append("zig-zag of \(bits) bits")
    }
  }
  let figures = speed()
  print(
    "\n\(Int(figures.choices)) choices a second, \(Int(figures.cases)) cases of five integers a second."
  )
  if figures.choices < 3_000_000 { misses.append("choices per second") }
}

print(misses.isEmpty ? "\nAll targets met." : "\nTargets missed:")
for miss in misses { print("- \(miss)") }
if !misses.isEmpty { exitWithFailure() }
