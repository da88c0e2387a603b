// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Testing

@testable import Campaigns

@Suite("HTML report")
struct HTMLReportTests {
  @Test("Elements are closed and nested, and every text is as it was given")
  func escapes() throws {
    let report = try TestReports.broken()
    let reader = MarkupReader(html: report.html(tool: "tool <1> & co"))
    #expect(reader.error == nil)
    #expect(reader.all("script").isEmpty)
    #expect(reader.all("b").isEmpty)
    let text = reader.elements.map(\.text).joined(separator: "\n")
    for part in [
      "experts < 3 && \"few\" is <b>'enough'</b>", "expert 2 <of> 3 & \"more\"",
      "<key> & 'quotes'", "swapping <gate & up>", "experts <1>, family & co",
      "Made by tool <1> & co.", report.failures[0].replayCommand, report.command,
    ] {
      #expect(text.contains(part), "\(part)")
    }
    #expect(!text.contains("\u{1b}"))
  }

  @Test("Nothing is loaded from elsewhere and nothing runs")
  func selfContained() throws {
    let reader = MarkupReader(html: try TestReports.broken().html(tool: "test"))
    for element in reader.elements {
      for name in ["src", "href", "srcset", "action", "data", "onclick", "onload"] {
        #expect(element.attributes[name] == nil, "\(element.name) \(name)")
      }
    }
    for name in ["link", "script", "img", "iframe", "object", "form", "a"] {
      #expect(reader.all(name).isEmpty, "\(name)")
    }
    let style = reader.all("style").map(\.text).joined()
    #expect(!style.contains("url("))
    #expect(!style.contains("@import"))
    let policy = reader.all("meta").compactMap { $0.attributes["content"] }
    #expect(policy.contains("default-src 'none'; style-src 'unsafe-inline'"))
  }

  @Test("Verdict, failures, laws, coverage and how to reproduce, under headings in order")
  func structure() throws {
    let report = try TestReports.broken()
    let reader = MarkupReader(html: report.html(tool: "test"))
    #expect(reader.all("h1").count == 1)
    #expect(
      reader.all("h2").map(\.text)
        == ["Failures", "Laws", "Coverage of the config axes", "Reproduce"])
    #expect(reader.all("article").count == report.failures.count)
    #expect(reader.all("svg").count == 1)
    // A caption for the laws and for each axis.
    #expect(reader.all("caption").count == 1 + report.coverage.axes.count)
    #expect(reader.all("table").count == reader.all("caption").count)
    let levels = reader.elements.compactMap { element in
      element.name.count == 2 && element.name.first == "h"
        ? element.name.last?.wholeNumberValue : nil
    }
    for (above, below) in zip(levels, levels.dropFirst()) { #expect(below <= above + 1) }
    #expect(reader.all("html").first?.attributes["lang"] == "en")
  }

  @Test("A report without failures has no such section and says that every law held")
  func held() throws {
    let reader = MarkupReader(html: try TestReports.held().html(tool: "test"))
    #expect(reader.error == nil)
    #expect(reader.all("article").isEmpty)
    #expect(reader.all("h1").first?.text.hasSuffix("Every law held") == true)
    #expect(reader.all("title").first?.text == "Held – hymt2 check")
  }
}
