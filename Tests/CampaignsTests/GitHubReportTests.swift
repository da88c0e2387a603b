// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Testing

@testable import Campaigns

@Suite("GitHub annotations and summaries")
struct GitHubReportTests {
  /// What GitHub's runner reads from a line of the log.
  private struct Command {
    let name: String
    let properties: [String: String]
    let message: String

    init?(_ line: String) {
      guard let match = line.wholeMatch(of: /::([a-z]+) ([^:]*)::(.*)/) else { return nil }
      name = String(match.1)
      message = Self.decoded(String(match.3), [:])
      var properties: [String: String] = [:]
      for part in match.2.split(separator: ",") {
        let halves = part.split(separator: "=", maxSplits: 1)
        guard halves.count == 2 else { return nil }
        properties[String(halves[0])] = Self.decoded(String(halves[1]), [":": "%3A", ",": "%2C"])
      }
      self.properties = properties
    }

    /// The order of the runner: the percent sign last.
    private static func decoded(_ text: String, _ more: [String: String]) -> String {
      var text = text.replacing("%0D", with: "\r").replacing("%0A", with: "\n")
      for (plain, code) in more { text = text.replacing(code, with: plain) }
      return text.replacing("%25", with: "%")
    }
  }

  @Test("Each cause is an error of the config's file, with checkpoint and replay command")
  func annotations() throws {
    let report = try TestReports.broken()
    let lines = GitHubReport(report, file: "configs/a, b: 50%.json").annotations
    #expect(lines.count == report.failures.count)
    for (line, failure) in zip(lines, report.failures) {
      #expect(!line.contains("\n"))
      let command = try #require(Command(line), "\(line)")
      #expect(command.name == "error")
      #expect(command.properties["file"] == "configs/a, b: 50%.json")
      #expect(command.properties["title"] == "\(failure.law.name): \(failure.law.statement)")
      #expect(
        command.message
          == "\(failure.sentence)\n\(failure.checkpoint)\n\(failure.replayCommand)")
    }
  }

  @Test("Percent signs, colons, commas and line ends are encoded where they would end something")
  func escaping() {
    let annotation = GitHubAnnotation(
      level: .warning, title: "a: b, 10%\r\nc", file: nil, message: "1%0A: x, y\nz\r\u{1b}[31m")
    #expect(
      annotation.command
        == "::warning title=a%3A b%2C 10%25%0D%0Ac::1%250A: x, y%0Az%0D\u{fffd}[31m")
  }

  @Test("Of more causes than GitHub shows, the last line counts the rest")
  func many() throws {
    var report = try TestReports.broken()
    let first = report.failures[0]
    report.failures = (0..<14).map { number in
      var failure = first
      failure.diagnosis = ["fault \(number)"]
      failure.kind = "fault \(number)"
      return failure
    }
    let lines = GitHubReport(report, file: nil).annotations
    #expect(lines.count == 10)
    #expect(lines[9] == "::error title=hymt2 check::5 more causes, in the step's summary")
    #expect(
      GitHubReport(report, file: nil).summary.split(separator: "\n").count { $0.hasPrefix("### ") }
        == 14
    )
  }

  @Test("A report that holds has a summary and no annotation")
  func held() throws {
    let report = try GitHubReport(TestReports.held(), file: nil)
    #expect(report.annotations.isEmpty)
    #expect(report.summary.hasPrefix("## ✔ hymt2 check: Every law held\n\n2 laws held on "))
    #expect(report.summary.contains("\n| checkpoints | laws held | laws broken | pairs reached |"))
    #expect(!report.summary.contains("###"))
  }

  @Test("Nothing in a summary is taken for markup; blocks end where they should")
  func summary() throws {
    var report = try TestReports.broken()
    report.failures[0].diagnosis = ["a | b `c` <img src=x> *d* [e](f) $g$ \\h\n# i"]
    report.failures[0].mismatch = ["````", "</details>"]
    report.failures[0].law.name = "flat"
    let summary = GitHubReport(report, file: nil).summary
    #expect(
      summary.contains(
        "### flat: a \\| b \\`c\\` &lt;img src\\=x&gt; \\*d\\* \\[e\\]\\(f\\) \\$g\\$ "
          + "\\\\h \\# i"), "\(summary.prefix(600))")
    #expect(summary.contains("\n`````text\n"))
    // Blocks are read by the fences that CommonMark lets end them.
    var fence: String?
    var outside: [Substring] = []
    for line in summary.split(separator: "\n") {
      if let open = fence {
        if line == open { fence = nil }
      } else if line.hasPrefix("```") {
        fence = String(line.prefix { $0 == "`" })
      } else {
        outside.append(line)
      }
    }
    #expect(fence == nil)
    #expect(outside.count { $0 == "</details>" } == report.failures.count)
  }
}
