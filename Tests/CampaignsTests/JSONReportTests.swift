// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import CheckpointGenerators
import Layouts
import StrictJSON
import Testing

@testable import Campaigns

@Suite("JSON report")
struct JSONReportTests {
  private func document(_ report: RunReport) throws -> JSONValue {
    let text = JSONValue.object(JSONObject(report.json)).bytes(.python)
    return try JSONValue(parsing: text)
  }

  @Test("Counts, coverage and failures with all there is to know")
  func broken() throws {
    let report = try TestReports.broken()
    let json = try document(report)
    #expect(json["adapter"] == "swapping <gate & up>")
    #expect(json["seed"] == 0)
    #expect(json["end"] == "failed")
    #expect(json["examples"]?["requested"] == 100)
    #expect(json["examples"]?["failed"] == JSONValue(report.failed))
    let laws = try #require(json["laws"]?.arrayValue)
    #expect(laws.map { $0["ok"] } == [true, false, false, true])
    #expect(laws.map { $0["name"] } == ["shallow", "few-experts", "flat", "silent"])
    let pairs = try #require(json["coverage"]?["pairs"])
    #expect(pairs["reached"] == JSONValue(report.coverage.pairs.reached))
    #expect(pairs["feasible"] == JSONValue(report.coverage.pairs.feasible))
    let failure = try #require(json["failures"]?.arrayValue?.first)
    let first = report.failures[0]
    #expect(failure["token"] == .string(first.token ?? "none"))
    #expect(failure["replay"] == .string(first.replayCommand))
    #expect(failure["diagnosis"]?.arrayValue?.count == 2)
    let config = try #require(failure["config"])
    #expect(try ModelConfig(json: config) == first.spec?.config)
    #expect(failure["discovery"]?["example"]?.integerValue ?? 0 > 0)
  }

  @Test("Nothing in it depends on the clock")
  func noTimes() throws {
    let text = JSONValue.object(JSONObject(try TestReports.held().json)).text(.python)
    for word in ["time", "second", "duration", "date"] {
      #expect(!text.contains("\"\(word)"), "\(word)")
    }
  }
}
