// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import CheckpointGenerators
import Testing

@testable import Campaigns

@Suite("Text report")
struct TextReportTests {
  private func text(_ report: RunReport) -> [String] {
    report.lines.map { ($0.verdict.map { $0 ? "✔ " : "✘ " } ?? "") + $0.text }
  }

  @Test("The verdict, then the laws in aligned columns, then the coverage")
  func held() throws {
    let report = try TestReports.held()
    let lines = text(report)
    let (held, other) = (report.laws[0].held, report.laws[0].notApplicable)
    #expect(
      Array(lines.prefix(7)) == [
        "✔ 1 law held, 1 not applicable, on 30 checkpoints, seed 0 (adapter: swapping <gate & up>)",
        "",
        "  law      held  does not apply  broken",
        "  shallow    \(held < 10 ? " " : "")\(held)              \(other < 10 ? " " : "")\(other)       0",
        "  silent      0              30       0",
        "  not checked, because no checkpoint was of their kind: silent", "",
      ], "\(lines.prefix(7))")
    #expect(lines[7] == "coverage of the config axes")
    #expect(lines.contains("checkpoints by axis"))
    for line in lines { #expect(line.count <= 100, "\(line)") }
  }

  @Test("Failures come first: the first in full, others with a line and their command")
  func broken() throws {
    let report = try TestReports.broken()
    let lines = text(report)
    #expect(lines[0].hasPrefix("✘ \(report.failures[0].law.name): "))
    let others = try #require(lines.firstIndex(of: "other failures"))
    #expect(others <= 41)
    #expect(lines[others + 1].hasPrefix("✘ \(report.failures[1].law.name): "))
    #expect(lines.contains("    \(report.failures[1].replayCommand)"))
    let verdict = "✘ 2 of 4 laws broken on \(report.failed) of \(report.judged) checkpoints, seed 0"
    #expect(lines.contains { $0.hasPrefix(verdict) })
  }

  @Test("Of many failures the first few are listed and the rest counted")
  func many() throws {
    var report = try TestReports.broken()
    let first = report.failures[0]
    report.failures = (0..<20).map { number in
      var failure = first
      failure.diagnosis = ["fault \(number)"]
      failure.kind = "fault \(number)"
      return failure
    }
    let lines = text(report)
    #expect(lines.count { $0.hasPrefix("    hymt2 replay") } == 5)
    #expect(lines.contains("  and 14 more, all of them with --json or --report"))
  }

  @Test("Failures with the same diagnosis are counted once")
  func alike() throws {
    var report = try TestReports.broken()
    report.failures = Array(repeating: report.failures[0], count: 20)
    let lines = text(report)
    #expect(lines.contains("19 failures more with this diagnosis and other details (--json)"))
    #expect(!lines.contains("other failures"))
  }

  @Test("A part that is not whole never reads as 100.0%")
  func shares() {
    #expect(AxisCoverage.Count(reached: 99_999, feasible: 100_000).text == "99.9%")
    #expect(AxisCoverage.Count(reached: 3, feasible: 3).text == "100.0%")
    #expect(AxisCoverage.Count(reached: 0, feasible: 0).text == "100.0%")
    #expect(AxisCoverage.Count(reached: 0, feasible: 7).text == "0.0%")
  }

  @Test("Commands are quoted so that a shell splits them as they were")
  func quoting() {
    #expect(shellCommand(["hymt2", "--config", "a/b-c_1.json"]) == "hymt2 --config a/b-c_1.json")
    #expect(shellCommand(["a b", "", "it's", "$x", "é"]) == #"'a b' '' 'it'\''s' '$x' 'é'"#)
  }

  @Test("Long commands go on after a backslash, never inside of quotes")
  func continuing() {
    let command = "hymt2 replay c1:x --config 'a b c' --law keys"
    #expect(continued(command, width: 100) == [command])
    #expect(
      continued(command, width: 22) == [
        #"hymt2 replay c1:x \"#, #"--config 'a b c' \"#, "--law keys",
      ])
    #expect(continued("c1:0123456789", width: 5) == ["c1:0123456789"])
  }

  @Test("Lines are broken at spaces, long words anywhere, and lines that fit stay as they are")
  func wrapping() {
    #expect(wrapped("a  b\n\n   c", width: 5) == ["a  b", "", "   c"])
    #expect(wrapped("one two three", width: 7) == ["one two", "three"])
    #expect(wrapped("abcdefgh ij", width: 3) == ["abc", "def", "gh", "ij"])
    #expect(grouped(1_234_567) == "1,234,567")
    #expect(grouped(-12) == "-12")
  }
}
