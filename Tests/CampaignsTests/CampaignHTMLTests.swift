// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Testing

@testable import Campaigns

@Suite("HTML report of a campaign")
struct CampaignHTMLTests {
  @Test("Findings, discoveries, phases, what is known, laws, coverage, under headings in order")
  func structure() throws {
    let report = try TestCampaigns.broken()
    let reader = MarkupReader(html: report.html(tool: "test"))
    #expect(reader.error == nil)
    #expect(
      reader.all("h2").map(\.text) == [
        "Findings", "Discoveries over time", "Phases", "Known divergences", "Left out", "Laws",
        "Coverage of the config axes", "Reproduce",
      ])
    #expect(reader.all("h1").map(\.text) == [" 3 causes found"])
    #expect(reader.all("article").count == report.findingGroups.count)
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
      "Found in case 12 (around) after 4.3 s, seen in 13 cases, made simpler 3 times in 40 "
      + "attempts, until a limit was reached."
    #expect(text.contains(story), "\(text)")
    #expect(text.contains("Found in the phase 'plan proof' after 0.3 s."))
  }

  @Test("The picture has a field for every two axes that have pairs, and counts those missed")
  func pairs() throws {
    let report = try TestCampaigns.broken()
    let reader = MarkupReader(html: report.html(tool: "test"))
    let pairs = report.pairs.filter { $0.share.feasible > 0 }
    let kinds = reader.all("rect").compactMap { $0.attributes["class"] }
      .filter { ["full", "most", "some", "none"].contains($0) }
    #expect(kinds.count == pairs.count)
    for (kind, isOf) in [
      ("full", { $0.reached == $0.feasible }),
      ("none", { $0.reached == 0 }),
      ("most", { $0.permille > 900 && $0.reached < $0.feasible }),
      ("some", { $0.reached > 0 && $0.permille <= 900 }),
    ] as [(String, (SpaceCoverage.Share) -> Bool)] {
      let expected = pairs.count { isOf($0.share) }
      #expect(expected > 0 && kinds.count { $0 == kind } == expected, "\(kind)")
    }
    let titles = Set(reader.all("title").map(\.text))
    for pair in pairs {
      let share = pair.share
      let title =
        "\(pair.first) × \(pair.second): \(share.reached) of \(share.feasible) pairs"
      #expect(titles.contains(title), "\(title)")
    }
    let missed = reader.all("text").filter { $0.attributes["class"] == "missed" }.map(\.text)
    #expect(
      missed.sorted()
        == pairs.map { "\($0.share.feasible - $0.share.reached)" }.filter { $0 != "0" }.sorted())
  }

  @Test("Marks of 60 causes stay within the picture and do not cover each other")
  func timeline() throws {
    let reader = MarkupReader(html: try TestCampaigns.crowded(60).html(tool: "test"))
    let marks = reader.all("circle").compactMap { circle -> (x: Double, y: Double)? in
      guard let x = circle.attributes["cx"].flatMap(Double.init),
        let y = circle.attributes["cy"].flatMap(Double.init)
      else { return nil }
      return (x, y)
    }
    let box = try #require(
      reader.all("svg").first { $0.attributes["class"] == "timeline" }?.attributes["viewBox"])
    let size = box.split(separator: " ").compactMap { Double($0) }
    #expect(marks.count == 60)
    for (position, mark) in marks.enumerated() {
      #expect(mark.x >= 10 && mark.x <= size[2] - 10 && mark.y >= 10 && mark.y <= size[3] - 30)
      for other in marks[..<position] {
        let (x, y) = (mark.x - other.x, mark.y - other.y)
        #expect(x * x + y * y >= 400, "\(mark) covers \(other)")
      }
    }
    let times = reader.all("span").filter { $0.attributes["class"] == "when" }.map(\.text)
    #expect(times.count == 60 && times.first == "0.0 s")
  }

  @Test("A campaign that held has neither findings nor discoveries")
  func held() throws {
    let reader = MarkupReader(html: try TestCampaigns.held().html(tool: "test"))
    #expect(reader.all("article").isEmpty && reader.all("circle").isEmpty)
    #expect(reader.all("h1").map(\.text) == [" Every law held"])
    #expect(reader.all("h2").first?.text == "Phases")
  }

  @Test("Times that no clock gives do no harm")
  func strangeTimes() throws {
    for seconds in [0, -1, 1e300, .infinity, .nan] as [Double] {
      var report = try TestCampaigns.broken()
      report.seconds = seconds
      report.findings[0].seconds = seconds
      #expect(MarkupReader(html: report.html(tool: "test")).error == nil, "\(seconds)")
      #expect(!report.junit.isEmpty && !report.lines.isEmpty && !report.gitHub.summary.isEmpty)
    }
  }
}
