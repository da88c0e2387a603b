// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import PropertyEngine

let arguments = CommandLine.arguments.dropFirst()
let seeds = arguments.first { $0.allSatisfy(\.isNumber) }.flatMap { Int($0) } ?? 100
let filter = arguments.first { $0.first?.isLetter == true }

for problem in challenge where filter.map({ problem.name.contains($0) }) ?? true {
  print(measure(problem, seeds: seeds))
}
