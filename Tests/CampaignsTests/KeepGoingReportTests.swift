// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import CheckpointGenerators
import Foundation
import StrictJSON
import Testing

@testable import Campaigns

@Suite("Reports of runs that go on after failures")
struct KeepGoingReportTests {
  @Test("All examples are checked; without the setting a run ends soon after the first failure")
  func judgesAll() throws {
    let run = CheckRun(ReferenceAdapter(), laws: [TestLaws.few, TestLaws.flat])
    var settings = RunSettings(examples: 120)
    #expect(try run.run(settings).judged < 100)
    settings.keepsGoing = true
    let report = try run.run(settings)
    #expect(report.judged == 120 && report.end == .failed)
    #expect(Set(report.failures.map(\.law.name)) == ["few-experts", "flat"])
    #expect(report.command.hasSuffix(" --keep-going"))
  }

  @Test("Beyond the bound failures are reported as they were found, and counted")
  func bound() throws {
    var settings = RunSettings(examples: 120)
    settings.keepsGoing = true
    settings.shrunkFailures = 1
    let report = try CheckRun(ReferenceAdapter(), laws: [TestLaws.few, TestLaws.flat])
      .run(settings)
    #expect(report.failuresAsFound == 1)
    #expect(
      report.lines.contains {
        $0.text == "1 failure of 2 is as found: enough others were shrunk"
      })
    let asFound = try #require(report.failures.first { $0.isAsFound })
    #expect(asFound.json(group: nil)["discovery"]?["asFound"] == true)
    let screen = FailureScreen(failure: asFound).lines.map(\.text)
    #expect(screen.contains { $0.hasPrefix("a checkpoint that shows it (found in example") })
  }

  /// A report with 150 failures of 40 causes.
  private func many() throws -> RunReport {
    var report = try TestReports.broken()
    report.keepsGoing = true
    let first = report.failures[0]
    let failures = (0..<150).map { number in
      var failure = first
      failure.diagnosis = ["fault \(number % 40)"]
      failure.causes = [Cause(code: "cause \(number % 40)", isTelling: true)]
      failure.token = "c1:case\(number)"
      failure.replayCommand = "hymt2 replay c1:case\(number)"
      failure.heatMap = nil
      return failure
    }
    report.failures = failures
    report.sortByLaws()
    return report
  }

  @Test("Text shows each of 40 causes once, in a few lines")
  func text() throws {
    let lines = try many().lines.map(\.text)
    for number in 0..<40 {
      #expect(lines.count { $0.hasSuffix("fault \(number)") } == 1, "\(number)")
    }
    #expect(lines.count { $0.hasPrefix("    hymt2 replay") } == 39)
    #expect(lines.count { $0.hasPrefix("    and ") && $0.hasSuffix(" more of it") } == 39)
    #expect(lines.count < 300, "\(lines.count) lines")
  }

  @Test("JSON has all of them with the number of their cause")
  func json() throws {
    let json = JSONValue.object(JSONObject(try many().json))
    let failures = try #require(json["failures"]?.arrayValue)
    #expect(failures.count == 150)
    #expect(Set(failures.compactMap { $0["group"]?.integerValue }) == Set(1...40))
    let first = failures[0]
    #expect(first["cause"]?.stringValue?.hasPrefix("cause ") == true)
    #expect(first["axes"]?["experts"] != nil)
    let broken = try #require(first["brokenLaws"]?.arrayValue?.first)
    #expect(broken["kind"]?.stringValue != nil && broken["place"]?.stringValue != nil)
  }

  @Test("HTML has one article for each cause after a list of them, JUnit one screen")
  func documents() throws {
    let report = try many()
    let html = report.html(tool: "test")
    #expect(html.components(separatedBy: "<article").count - 1 == 40)
    #expect(html.contains("<p>40 causes, each with its smallest checkpoint below:</p>"))
    let reader = MarkupReader(report.junit)
    #expect(reader.error == nil)
    let text = reader.all("failure").map(\.text).joined()
    #expect(text.components(separatedBy: "why it must hold").count - 1 == 40)
    #expect(text.components(separatedBy: "also    hymt2 replay").count - 1 == 110)
  }
}
