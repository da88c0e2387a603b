// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import CheckpointGenerators
import StrictJSON
import Testing

@testable import Campaigns

@Suite("Reports about what is known")
struct KnownReportTests {
  private static let holding = Result { try makeReport(failing: false) }

  private func report() throws -> RunReport { try Self.holding.get() }

  private static func makeReport(failing: Bool) throws -> RunReport {
    let few = KnownLists.entry(
      "many-experts", law: "few-experts", token: try KnownLists.token(TestLaws.few))
    let gone = KnownLists.entry(
      "gone", law: "flat", token: KnownLists.simplest(), kind: failing ? "none" : "*")
    let adapter = VersionedAdapter(supports: [AxisSelection("LoRA", ["none", "per expert"])])
    return try CheckRun(
      adapter, laws: KnownLists.laws,
      known: try KnownLists.read(KnownLists.file([few, gone])), checkArguments: ["--known", "k"]
    ).run(RunSettings(examples: 60))
  }

  @Test("Text: a summary, a table, and what the adapter left out")
  func text() throws {
    let report = try report()
    let known = try #require(report.known)
    let lines = report.lines.map(\.text)
    #expect(
      lines[0]
        == "3 laws held on 60 checkpoints, seed 0, but for 2 known divergences (adapter: versioned 1.2)"
    )
    #expect(
      lines[2]
        == "known: 2 divergences of versioned 1.2 were seen on \(known.checkpoints) of 60 checkpoints"
    )
    #expect(lines[3].hasPrefix("  many-experts  ") && lines[3].hasSuffix("  Does <it> & more"))
    #expect(lines.contains { $0.contains("broken  known") })
    let leftOut = try #require(
      lines.firstIndex(of: "left out, because the adapter says that it does not support it"))
    #expect(lines[leftOut + 1].hasPrefix("  LoRA: "))
    for line in lines { #expect(line.count <= 100, "\(line)") }
    #expect(report.command == "hymt2 check --examples 60 --seed 0 --known k")
  }

  @Test("JSON: each entry with its count and what became of its case")
  func json() throws {
    let report = try report()
    let json = try JSONValue(parsing: JSONValue.object(JSONObject(report.json)).bytes(.python))
    #expect(json["adapterVersion"] == "1.2" && json["knownOf"] == "versioned 1.2")
    let known = try #require(json["known"]?.arrayValue)
    #expect(known.map { $0["id"] } == ["many-experts", "gone"])
    #expect(known.map { $0["state"] } == ["shows", "vanished"])
    #expect(known[0]["examples"] == JSONValue(report.laws[1].known))
    #expect(json["examples"]?["passedAsKnown"] == JSONValue(report.known?.passed ?? 0))
    #expect(json["leftOut"]?["LoRA"]?.arrayValue?.count == 2)
    #expect(try TestReports.held().json.contains { $0.0 == "known" && $0.1 == [] })
  }

  @Test("JUnit: each entry is a skipped test; laws broken as known do not fail")
  func junit() throws {
    let reader = MarkupReader(try report().junit)
    #expect(reader.error == nil)
    let suite = try #require(reader.all("testsuite").first)
    #expect(suite.attributes["tests"] == "5" && suite.attributes["failures"] == "0")
    #expect(suite.attributes["skipped"] == "2")
    let cases = reader.all("testcase").filter { $0.attributes["classname"] == "hymt2.known" }
    #expect(cases.map { $0.attributes["name"] } == ["many-experts", "gone"])
    let messages = reader.all("skipped").compactMap { $0.attributes["message"] }
    #expect(messages[0].hasPrefix("Does <it> & more; seen on "))
    #expect(messages[1].hasSuffix("gone: its case no longer shows it"))
    #expect(reader.all("property").contains { $0.attributes["name"] == "left out: LoRA" })
  }

  @Test("HTML: a section with a row for each entry, and one with what was left out")
  func html() throws {
    let report = try report()
    let html = report.html(tool: "test")
    let xml = html.replacing(/<meta [^>]*>/) { "\($0.output.dropLast())/>" }
      .replacing("<!doctype html>\n", with: "")
    let reader = MarkupReader(xml)
    #expect(reader.error == nil)
    #expect(
      reader.all("h2").map(\.text)
        == [
          "Known divergences", "Left out", "Laws", "Coverage of the config axes", "Reproduce",
        ])
    #expect(reader.all("table").count == reader.all("caption").count)
    let text = reader.elements.map(\.text).joined(separator: "\n")
    #expect(text.contains("Does <it> & more") && text.contains("no longer shows it"))
    #expect(reader.all("h1").first?.text.hasSuffix("Every law held, but for what is known") == true)
  }

  @Test("A failure beside known violations names them")
  func failure() throws {
    let report = try Self.makeReport(failing: true)
    #expect(!report.holds && report.failures.map(\.law.name) == ["flat"])
    var failure = report.failures[0]
    failure.brokenLaws.append(
      .init(law: "few-experts", kind: "", place: "", summary: "", known: "many-experts"))
    let lines = FailureScreen(failure: failure).lines.map(\.text)
    #expect(
      lines.contains("also broken on it: few-experts (known: many-experts)"), "\(lines)")
  }
}
