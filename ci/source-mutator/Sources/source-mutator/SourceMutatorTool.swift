// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Foundation
import SourceMutator

/// The steps of `ci/mutate-source`, which says what they are for.
@main
struct SourceMutatorTool {
  static let usage = """
    usage: source-mutator COMMAND ROOT ARGUMENTS, as ci/mutate-source does:
      list ROOT DROPPED FILE...
          prints the mutants of the files, one a line: number, shown text and key between tabs
      schema ROOT DROPPED FOLDER FILE...
          writes the files with all mutants that compile into a folder
      drop ROOT DROPPED LOG FILE...
          adds the mutants that a build's errors point at to DROPPED; exits with 1 if there are none
      report ROOT DROPPED RESULTS EXPLANATIONS PAGE whole|part FILE...
          prints a summary and what is not explained; writes the page unless PAGE is empty

    """

  static func main() {
    do {
      try run(Array(CommandLine.arguments.dropFirst()))
    } catch {
      fail("\(error)")
    }
  }

  private static func run(_ arguments: [String]) throws {
    let counts = ["list": 3, "schema": 4, "drop": 4, "report": 7]
    guard let command = arguments.first, let fixed = counts[command], arguments.count > fixed else {
      FileHandle.standardError.write(Data(usage.utf8))
      exit(64)
    }
    let catalog = try MutantCatalog(root: arguments[1], paths: Array(arguments[fixed...]))
    let dropped = Set(lines(of: arguments[2]))
    switch command {
    case "list": list(catalog, dropped)
    case "schema": try catalog.write(to: arguments[3], without: dropped)
    case "drop": try drop(catalog, dropped, from: arguments[3], to: arguments[2])
    default: try report(catalog, dropped, arguments)
    }
  }

  private static func list(_ catalog: MutantCatalog, _ dropped: Set<String>) {
    for (index, mutant) in catalog.mutants.enumerated() where !dropped.contains(mutant.key) {
      print("\(index + 1)\t\(mutant.shown)\t\(mutant.key)")
    }
  }

  private static func drop(
    _ catalog: MutantCatalog, _ dropped: Set<String>, from log: String, to file: String
  ) throws {
    let output = try String(contentsOfFile: log, encoding: .utf8)
    let errors = CompilerError.all(in: output)
    let culprits = catalog.culprits(errors, without: dropped)
    guard !culprits.isEmpty else { fail("no mutant explains the errors in \(log)", code: 1) }
    let all = (dropped.union(culprits)).sorted().map { $0 + "\n" }.joined()
    try Data(all.utf8).write(to: URL(filePath: file), options: .atomic)
    print("\(culprits.count) mutants do not compile")
  }

  private static func report(
    _ catalog: MutantCatalog, _ dropped: Set<String>, _ arguments: [String]
  ) throws {
    let explanations = try Explanations(try String(contentsOfFile: arguments[4], encoding: .utf8))
    let report = MutationReport(
      catalog, results: try String(contentsOfFile: arguments[3], encoding: .utf8),
      dropped: dropped, explanations, isWhole: arguments[6] == "whole")
    if !arguments[5].isEmpty {
      try Data(report.page.utf8).write(to: URL(filePath: arguments[5]), options: .atomic)
    }
    for problem in report.problems { print(problem) }
    print(report.summary)
    exit(report.problems.isEmpty ? 0 : 1)
  }

  private static func lines(of file: String) -> [String] {
    let text = (try? String(contentsOfFile: file, encoding: .utf8)) ?? ""
    return text.split(separator: "\n").map(String.init)
  }

  private static func fail(_ message: String, code: Int32 = 2) -> Never {
    FileHandle.standardError.write(Data("source-mutator: \(message)\n".utf8))
    exit(code)
  }
}
