// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import ArgumentParser
import Campaigns
import CheckpointGenerators
import Foundation
import StrictJSON
import Testing

@testable import hymt2

@Suite("hymt2 known")
struct KnownCommandTests {
  @Test("The pages in docs are those that the command prints, one for each list")
  func pages() throws {
    for list in try KnownDivergences.builtIn() {
      let layout = try #require(list.layouts.first)
      let isUsual = layout == "hy_v3"
      let page = "docs/known-divergences\(isUsual ? "" : "-\(layout.replacing("_", with: "-"))").md"
      let shown = String(
        decoding: try Data(contentsOf: URL(filePath: "\(Hymt2.tree)/\(page)")), as: UTF8.self)
      let arguments = ["known", list.adapter, list.version, "--layout", layout, "--markdown"]
      let printed = try Hymt2.start(arguments).wait()
      printed.expectSuccess()
      let isSame = printed.output == shown
      #expect(isSame, "run hymt2 \(arguments.joined(separator: " ")) > \(page)")
    }
  }

  @Test("docs/upstream.md has each divergence once, as the command prints them")
  func overview() throws {
    let shown = String(
      decoding: try Data(contentsOf: URL(filePath: "\(Hymt2.tree)/docs/upstream.md")), as: UTF8.self
    )
    let printed = try Hymt2.run("known", "nemo-automodel", "0.7.0", "--overview")
    printed.expectSuccess()
    #expect(
      shown.contains("\n\n\(printed.output)\n## transformers"),
      "put what hymt2 known nemo-automodel 0.7.0 --overview prints into docs/upstream.md")
  }

  @Test("The lists that there are, in text and JSON; others are an error that names them")
  func list() throws {
    let text = try Hymt2.run("known")
    text.expectSuccess()
    #expect(text.outputLines.first?.hasPrefix("nemo-automodel 0.7.0: ") == true)
    let json = try Hymt2.run("known", "list", "--json").json()
    let lists = try #require(json["lists"]?.arrayValue)
    #expect(Set(lists.compactMap { $0["adapter"]?.stringValue }) == ["nemo-automodel"])
    #expect(lists.first?["layouts"] == ["hy_v3", "hy_mt2"])
    try Hymt2.run("known", "--layout", "none").expectFailure(naming: "nothing is known of 'none'")
    try Hymt2.run("known", "nemo-automodel", "0.0.1").expectFailure(
      naming: "nemo-automodel 0.0.1", "nemo-automodel 0.7.0")
    #expect(try Hymt2.run("known", "a", "--known", "b").status == 64)
  }

  @Test("A file that is wrong is exit status 2 before anything is checked")
  func wrongFile() throws {
    let scratch = try Scratch()
    try scratch.write(Array(#"{"schemaVersion": 1, "adapter": "a"}"#.utf8), to: "known.json")
    try Hymt2.run("check", "--known", scratch["known.json"], "--quiet").expectFailure(
      naming: "known.json: version: expected the member")
    try Hymt2.run("known", "--known", scratch["none.json"]).expectFailure(naming: "none.json")
    let both = try Hymt2.run("check", "--known", "a", "--no-known")
    #expect(both.status == 64 && both.errors.contains("exclude each other"))
  }

  @Test("From a report to a draft, and from that, once written, to a check that holds")
  func workflow() throws {
    let scratch = try Scratch()
    let report = try CheckRun(RefusingAdapter(), laws: try Self.laws)
      .run(Self.settings)
    let members = [("command", .string("check"))] + report.json
    var document = JSONObject(members)
    document["adapterVersion"] = "2.0"
    try scratch.write(JSONValue.object(document).bytes(.python), to: "report.json")
    let draft = try Hymt2.run("known", "draft", scratch["report.json"], "--quiet")
    draft.expectSuccess()
    try scratch.write(Array(draft.output.utf8), to: "known.json")
    try Hymt2.run("known", "--known", scratch["known.json"]).expectFailure(
      naming: "known.json: entry '", "title: expected words for the reader")
    for member in ["title", "summary", "decision"] {
      try scratch.replace("\"\(member)\": \"\"", by: "\"\(member)\": \"x\"", in: "known.json")
    }
    let known = try KnownDivergences(
      parsing: try scratch.bytes("known.json"), path: "known.json")
    let again = try CheckRun(RefusingAdapter(), laws: try Self.laws, known: known)
      .run(Self.settings)
    #expect(again.holds && !known.entries.isEmpty)
    #expect(again.known?.seen.count == known.entries.count)
    let page = try Hymt2.run("known", "--known", scratch["known.json"], "--markdown")
    page.expectSuccess()
    #expect(page.output.contains(" --no-known\n"))
  }

  private static var settings: RunSettings {
    var settings = RunSettings(examples: 40)
    settings.keepsGoing = true
    return settings
  }

  private static var laws: [AdapterLaw] {
    get throws { [try #require(Laws.named("round-trip"))] }
  }

  @Test("A list of another adapter is used with a warning, and does not fail a check that holds")
  func otherAdapter() throws {
    let path = "\(Hymt2.tree)/Sources/Campaigns/KnownDivergences/nemo-automodel-0.7.0.json"
    let outcome = try Hymt2.run(
      "check", "--examples", "3", "--law", "keys", "--known", path)
    #expect(outcome.status == 0)
    #expect(
      outcome.errors.contains(
        "the known divergences are those of nemo-automodel 0.7.0, not of reference"))
    #expect(outcome.output.contains("of nemo-automodel 0.7.0 was seen"))
    let json = try Hymt2.run(
      "check", "--examples", "3", "--law", "keys", "--no-known", "--keep-going",
      "--shrink-attempts", "10", "--json", "--quiet"
    ).json()
    #expect(
      json["reproduce"]
        == "hymt2 check --examples 3 --seed 0 --law keys --no-known --shrink-attempts 10 --keep-going"
    )
    #expect(json["knownOf"] == .null)
  }

  @Test("--list-axes names every axis with its values and checks nothing")
  func axes() throws {
    let text = try Hymt2.run("check", "--list-axes")
    text.expectSuccess()
    #expect(text.output.hasPrefix("experts\n  1\n  2\n"))
    let json = try Hymt2.run("check", "--list-axes", "--json").json()
    let axes = try #require(json["axes"]?.arrayValue)
    #expect(
      axes.map { $0["name"]?.stringValue } == ConfigAxis.allCases.map(\.name) + ["invalid input"])
    let values = axes.map { ($0["values"]?.arrayValue ?? []).compactMap(\.stringValue) }
    #expect(values == ConfigAxis.allCases.map(\.values) + [["none"]])
  }
}
