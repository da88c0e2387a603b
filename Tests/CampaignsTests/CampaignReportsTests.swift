// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import StrictJSON
import Testing

@testable import Campaigns

@Suite("Text, JSON and JUnit of a campaign")
struct CampaignReportsTests {
  @Test("Text has the first cause in full, the others in few lines, then verdict and phases")
  func text() throws {
    let report = try TestCampaigns.broken()
    let lines = report.lines.map(\.description)
    let law = report.failures[0].law
    #expect(lines[0] == "✘ \(law.name): \(law.statement)")
    let others = try #require(lines.firstIndex(of: "other failures"))
    #expect(others <= 41)
    #expect(lines.contains("    hymt2 prove --config 'a & <b>.json'"))
    let verdict = try #require(lines.firstIndex { $0.hasPrefix("✘ 3 causes found: 2 of 4 laws") })
    #expect(
      (lines[verdict] + lines[verdict + 1]).contains(
        "around a & <b>.json in 10 min 0 s, seed 7"), "\(lines[verdict])")
    let phases = try #require(lines.firstIndex { $0.hasPrefix("  phase") })
    #expect(lines[phases + 1].hasPrefix("  plan proof"))
    #expect(lines[phases + 1].hasSuffix("1       1  element 3 <of> 'a' is written twice"))
    #expect(lines.contains("  surplus  1,234  surplus <experts> are dropped"))
    #expect(lines.last == "corpus: 1,200 cases in 'corpus & co', 17 of them new, 2 failures")
    // A command is not broken where others are listed.
    for line in lines where !line.hasPrefix("    hymt2 ") { #expect(line.count <= 100, "\(line)") }
  }

  @Test("The verdict says what ended early and which shards are missing")
  func verdicts() throws {
    var report = try TestCampaigns.held()
    #expect(
      report.verdict
        == "1 law held, 1 not applicable, on 30 cases around a & <b>.json in 10 min 0 s, seed 7 "
        + "(adapter: swapping <gate & up> 1.0 & more)")
    report.end = .cancelled
    #expect(report.verdict.hasPrefix("stopped: 1 law held, 1 not applicable, on "))
    report.end = .completed
    report.shards = [Shard(index: 2, count: 8)]
    #expect(report.verdict.contains(", seed 7, shard 3/8 ("))
    #expect(report.missingShards.isEmpty)
    report.shards = [0, 1, 3, 4, 6].map { Shard(index: $0, count: 8) }
    #expect(report.verdict.contains(", 5 shards without 3/8, 6/8, 8/8 ("))
    #expect(report.html(tool: "test").contains("Every law held, but shards are missing"))
    report.shards = (0..<2).map { Shard(index: $0, count: Shard.limit) }
    #expect(report.missingShards.count == 1000)
  }

  @Test("JSON has findings with the number of their cause, phases and shards")
  func json() throws {
    let report = try TestCampaigns.broken()
    let json = JSONValue.object(JSONObject(report.json))
    let text = json.text(.python)
    #expect(try JSONValue(parsing: Array(text.utf8)).text(.python) == text)
    let findings = try #require(json["findings"]?.arrayValue)
    #expect(findings.map { $0["group"]?.integerValue } == [1, 2, 3])
    #expect(findings[0]["phase"] == "around" && findings[0]["case"]?.integerValue == 12)
    #expect(findings[0]["axes"]?["experts"] == "4-8")
    #expect(findings[0]["token"]?.stringValue == report.failures[0].token)
    #expect(findings[2]["token"] == .null && findings[2]["phase"] == "plan proof")
    #expect(json["phases"]?.arrayValue?.count == CampaignPhase.allCases.count)
    #expect(json["budget"]?["seconds"]?.integerValue == 600)
    #expect(json["shards"]?.arrayValue == ["1/1"])
    #expect(json["end"] == "out of time")
    let laws = try #require(json["laws"]?.arrayValue)
    #expect(laws.map { $0["ok"] } == [true, false, false, true])
  }

  @Test("JUnit has a case for each law, one for the proof, and those known as skipped")
  func junit() throws {
    let report = try TestCampaigns.broken()
    let reader = MarkupReader(report.junit)
    #expect(reader.error == nil)
    let suite = try #require(reader.all("testsuite").first).attributes
    #expect(suite["name"] == "hymt2 fuzz" && suite["time"] == "600.0")
    #expect(suite["tests"] == "6" && suite["failures"] == "3" && suite["skipped"] == "2")
    #expect(
      reader.all("testcase").map { $0.attributes["name"] }
        == ["plan proof", "shallow", "few-experts", "flat", "silent", "surplus"])
    let proof = try #require(reader.all("failure").first)
    #expect(proof.attributes["message"] == "element 3 <of> 'a' is written twice")
    let text = Substring(reader.all("failure").map(\.text).joined())
    for finding in report.failures {
      let way = finding.token ?? finding.replayCommand
      #expect(text.contains(way), "\(way)")
    }
  }

  @Test("A plan that is proven is a test that passed; one not proven is none")
  func provenPlan() throws {
    var report = try TestCampaigns.held()
    let names = { MarkupReader(report.junit).all("testcase").map { $0.attributes["name"] } }
    #expect(names() == ["plan proof", "shallow", "silent"])
    #expect(MarkupReader(report.junit).all("failure").isEmpty)
    report.phases[0].judged = 0
    #expect(names() == ["shallow", "silent"])
  }

  @Test("GitHub's errors are about the config's file and its summary has the figures")
  func gitHub() throws {
    let report = try GitHubReport(TestCampaigns.broken(), file: "a & <b>.json")
    #expect(report.annotations.count == 3)
    for line in report.annotations {
      #expect(line.hasPrefix("::error file=a & <b>.json,title="), "\(line)")
    }
    #expect(report.summary.contains("| cases | causes found | laws held |"))
    #expect(report.summary.contains("hymt2 fuzz --config 'a & <b>.json' --time 600s --seed 7"))
  }

  @Test("Times read as people say them")
  func times() {
    let texts = [0, 0.04, 4.25, 59.96, 600.04, 3599.6, 3661, 1e7].map(durationText)
    #expect(
      texts == [
        "0.0 s", "0.0 s", "4.3 s", "1 min 0 s", "10 min 0 s", "1 h 0 min", "1 h 1 min",
        "2,777 h 46 min",
      ])
  }
}
