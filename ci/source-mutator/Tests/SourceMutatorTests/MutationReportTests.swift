// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Testing

@testable import SourceMutator

@Suite struct MutationReportTests {
  private let mutants = catalog("let a = b < c\nlet d = e + f\n")
  private let noticed = "1\tcheck\telements\n2\tsurvived\t1000 examples\n"

  private func problems(
    _ results: String, explaining lines: String, isWhole: Bool = true
  ) throws -> [String] {
    MutationReport(
      mutants, results: results, dropped: [], try Explanations(lines), isWhole: isWhole
    ).problems
  }

  private func entry(_ number: Int) -> String {
    mutants.mutants[number - 1].key + "\n  equivalent: both sides are equal\n"
  }

  @Test("A run whose survivors are explained holds, and the page tells all")
  func holds() throws {
    let explanations = try Explanations(entry(2))
    let report = MutationReport(
      mutants, results: noticed, dropped: [], explanations, isWhole: true)
    #expect(report.problems == [])
    #expect(report.page.contains("2 mutants ran: 1 were noticed, 1 were not, in 1000 checkpoints."))
    #expect(report.page.contains("`A.swift:2` arithmetic: `e + f` → `e - f`"))
    #expect(report.page.contains("both sides are equal"))
  }

  @Test("A survivor without an explanation is a problem")
  func unexplained() throws {
    let found = try problems(noticed, explaining: "")
    #expect(found.count == 1 && found[0].contains("nothing explains it: Sources/A.swift:2"))
  }

  @Test("An explanation of a mutant that is noticed is a problem")
  func noLongerNeeded() throws {
    let found = try problems(noticed, explaining: entry(1) + entry(2))
    #expect(found.count == 1 && found[0].contains("check notices it"))
  }

  @Test("An explanation of no mutant is a problem of a whole run only")
  func noSuchMutant() throws {
    let stale = entry(2) + "Sources/Gone.swift | f | text | a | b | 1\n  wording: a message\n"
    #expect(try problems(noticed, explaining: stale).count == 1)
    #expect(try problems(noticed, explaining: stale, isWhole: false) == [])
  }

  @Test("A mutant that did not run is a problem of a whole run only")
  func notRun() throws {
    let some = "1\tcheck\telements\n"
    #expect(try problems(some, explaining: "").count == 1)
    #expect(try problems(some, explaining: "", isWhole: false) == [])
  }

  @Test(
    "Malformed explanations say where and what is expected",
    arguments: [
      ("  equivalent: text\n", "line 1", "a mutant's key"),
      ("key\n  because: text\n", "line 2", "one of equivalent"),
      ("key\n", "line 1", "a reason for key"),
      ("key\n  speed: a\nkey\n  speed: b\n", "line 4", "each key once"),
    ])
  func malformed(_ text: String, _ line: String, _ expected: String) {
    let error = #expect(throws: Explanations.Malformed.self) { try Explanations(text) }
    let message = error?.description ?? ""
    #expect(message.contains(line) && message.contains(expected), "\(message)")
  }
}
