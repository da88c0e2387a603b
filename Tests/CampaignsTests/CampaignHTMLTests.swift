// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Testing

@testable import Campaigns

@Suite("HTML report of a campaign")
struct CampaignHTMLTests {
  @Test("Failures, phases, what is known, laws, coverage, under headings in order")
  func structure() throws {
    let report = try TestCampaigns.broken()
    let reader = MarkupReader(html: report.html(tool: "test"))
    #expect(reader.error == nil)
    #expect(
      reader.all("h2").map(\.text) == [
        "Failures", "Phases", "Known divergences", "Left out", "Laws",
        "Coverage of the config axes", "Reproduce",
      ])
    #expect(reader.all("h1").map(\.text) == [" 3 causes found"])
    #expect(reader.all("article").count == report.failureGroups.count)
    #expect(reader.all("title").first?.text == "Broken – hymt2 fuzz")
  }

  @Test("Every text is as it was given, and nothing is loaded or runs")
  func escapes() throws {
    let report = try TestCampaigns.broken()
    let reader = MarkupReader(html: report.html(tool: "tool <1> & co"))
    let text = reader.elements.map(\.text).joined(separator: "\n")
    for part in [
      "swapping <gate & up>", "a & <b>.json", "192 experts & 'more', hidden <4096>",
      "\"model_type\": \"<hy_v3>\"", "biases: <both>", "surplus <experts> are dropped",
      "report & wait", "element 3 <of> 'a' is written twice", "corpus & co", report.command,
      "tool <1> & co", "hymt2 prove --config 'a & <b>.json'",
    ] {
      #expect(text.contains(part), "\(part)")
    }
    for name in ["b", "script", "link", "img", "iframe", "object", "form", "a"] {
      #expect(reader.all(name).isEmpty, "\(name)")
    }
  }

  @Test("A finding says in which case and when it was found, and how often it was seen")
  func story() throws {
    let text = MarkupReader(html: try TestCampaigns.broken().html(tool: "test")).all("p")
      .map(\.text)
    let story =
      "Found in case 12 (around) after 4.3 s, seen in 13 cases, shrunk 3 times in 40 "
      + "attempts, until a limit was reached."
    #expect(text.contains(story), "\(text)")
    #expect(text.contains("Found in the phase 'plan proof' after 0.3 s."))
  }

  @Test("A campaign that held has no failures")
  func held() throws {
    let reader = MarkupReader(html: try TestCampaigns.held().html(tool: "test"))
    #expect(reader.all("article").isEmpty)
    #expect(reader.all("h1").map(\.text) == [" Every law held"])
    #expect(reader.all("h2").first?.text == "Phases")
  }

  @Test("Times that no clock gives do no harm")
  func strangeTimes() throws {
    for seconds in [0, -1, 1e300, .infinity, .nan] as [Double] {
      var report = try TestCampaigns.broken()
      report.seconds = seconds
      report.failures[0].discovery?.seconds = seconds
      #expect(MarkupReader(html: report.html(tool: "test")).error == nil, "\(seconds)")
      #expect(
        !report.junit.isEmpty && !report.lines.isEmpty
          && !GitHubReport(report, file: nil).summary.isEmpty)
    }
  }
}
