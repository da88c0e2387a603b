// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Testing

@testable import Campaigns

@Suite("JUnit XML")
struct JUnitReportTests {
  @Test("One test case for each law, in their order, with the failures of the broken ones")
  func broken() throws {
    let report = try TestReports.broken()
    let reader = MarkupReader(report.junit)
    #expect(reader.error == nil)
    let suite = try #require(reader.all("testsuite").first)
    #expect(suite.attributes["name"] == "hymt2 check")
    #expect(suite.attributes["tests"] == "4")
    #expect(suite.attributes["failures"] == "2")
    #expect(suite.attributes["skipped"] == "1")
    #expect(suite.attributes["errors"] == "0")
    let cases = reader.all("testcase").map { $0.attributes["name"] }
    #expect(cases == ["shallow", "few-experts", "flat", "silent"])
    #expect(reader.all("failure").count == 2)
    #expect(reader.all("skipped").count == 1)
    let first = try #require(report.failures.first)
    let failure = try #require(
      reader.all("failure").first { $0.attributes["type"] == first.kind })
    #expect(failure.attributes["message"] == #"expert 2 <of> 3 & "more""#)
    #expect(failure.text.contains(first.token ?? "none"))
    #expect(failure.text.contains("<key> & 'quotes'"))
    let properties = reader.all("property").map { $0.attributes["value"] ?? "" }
    #expect(properties.contains("swapping <gate & up>"))
    #expect(properties.contains { $0.hasSuffix("--config 'a & <b>.json'") })
  }

  @Test("Control characters, which XML does not allow, are replaced")
  func controls() throws {
    let xml = try TestReports.broken().junit
    for scalar in xml.unicodeScalars where scalar.value < 0x20 {
      #expect(scalar == "\n", "\(scalar.value)")
    }
    #expect(xml.contains("bell \u{fffd} and escape \u{fffd}[31m"))
  }

  @Test("Laws that held have an empty test case, those never checked are skipped")
  func held() throws {
    let reader = MarkupReader(try TestReports.held().junit)
    #expect(reader.error == nil)
    #expect(reader.all("failure").isEmpty)
    #expect(reader.all("skipped").count == 1)
    #expect(reader.all("testsuite").first?.attributes["failures"] == "0")
  }

  @Test("A law broken only after another says where to look")
  func masked() throws {
    var report = try TestReports.broken()
    report.failures.removeAll { $0.law.name == "flat" }
    let flat = try #require(report.laws.firstIndex { $0.law.name == "flat" })
    report.laws[flat].broken = 3
    let reader = MarkupReader(report.junit)
    let messages = reader.all("failure").compactMap { $0.attributes["message"] }
    #expect(messages.contains("broken on 3 checkpoints, always together with a law above"))
  }
}
