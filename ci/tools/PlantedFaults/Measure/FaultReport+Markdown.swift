// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Campaigns
import CheckpointGenerators
import Layouts

extension FaultReport {
  /// The report as the lines of a page in Markdown.
  public var markdown: [String] {
    head + comparisonTable + [""] + lawTable + [""] + areas + matrix
  }

  private var command: String {
    let words =
      ["planted-faults"] + (family == "reference" ? [] : ["--adapter-family", family])
      + (layout.map { $0 == Layout.usual.name ? [] : ["--layout", $0] } ?? [])
      + (examples == 1000 ? [] : ["--examples", "\(examples)"])
      + (seeds == 3 ? [] : ["--seeds", "\(seeds)"])
    return (words + ["--markdown"]).joined(separator: " ")
  }

  private var head: [String] {
    let selfConsistent = faults.count(where: \.fault.isSelfConsistent)
    return [
      "# Planted faults", "",
      "A harness is worth what it catches. `\(command)` makes this page: it checks adapters with one",
      "small mistake each and counts the random checkpoints until a law is broken.", "",
      "\(counted(faults.count, "fault")) of the \(family) family, of which \(selfConsistent) are made "
        + "alike in both directions, so that every",
      "round trip of them is clean.", "",
    ] + summary.map { "- \($0.text)" } + absentTable + (smallest.isEmpty ? [] : sizes)
  }

  private var absentTable: [String] {
    guard !absent.isEmpty else { return [] }
    return ["", "| without a place in this layout | why |", "|---|---|"]
      + absent.map { "| `\($0.fault.id)` | \(Self.escaped($0.reason)) |" }
  }

  private var sizes: [String] {
    [
      "",
      "A failure is shrunk by every law that notices it, and the simplest outcome is shown. How small it "
        + "can be is",
      "found without the shrinker, by `planted-faults --exhaust`: all checkpoints with up to two non-default values "
        + "are tried, and",
      "all simpler combinations of the non-default values that the shrinker ended with where those show nothing.",
    ]
  }

  private var comparisonTable: [String] {
    guard let comparison else { return [] }
    let silent = faults.filter(\.fault.isSelfConsistent)
    let share = { (count: Int, all: Int) in "\(count) of \(all)" }
    let row = { (title: String, noticed: [String: Bool]) in
      let cells = [faults, silent].map { faults in
        let asked = faults.compactMap { noticed[$0.fault.id] }
        return share(asked.count { $0 }, asked.count)
      }
      return "| \(title) | \(cells[0]) | \(cells[1]) |"
    }
    return [
      "", "## Compared with other checks", "", "| check | all faults | round trips clean |",
      "|---|--:|--:|",
      "| this harness | \(share(killed, faults.count)) | "
        + "\(share(silent.count(where: \.holds), silent.count)) |",
      row(
        "a Hypothesis property, `to_hf(from_hf(x)) == x`, \(comparison.examples) examples",
        comparison.noticed),
      comparison.noticedByTests.isEmpty
        ? "| NeMo Automodel's own tests | not asked: the package has none | – |"
        : row(
          "NeMo Automodel's own tests, the \(comparison.tests) that pass without a fault",
          comparison.noticedByTests),
    ]
  }

  private var lawTable: [String] {
    [
      "## Which law earns its place", "",
      "*Noticed*: faults that the law noticed on a checkpoint that first showed them, for any seed. "
        + "*First*: those where",
      "no law before it in the list did. *Alone*: those that no other law noticed.", "",
      "| | law | noticed | first | alone |", "|--:|---|--:|--:|--:|",
    ]
      + laws.enumerated().map { place, row in
        "| \(place + 1) | `\(row.law.name)` | \(row.noticed) | \(row.first) | \(row.alone.count) |"
      } + justifications
  }

  /// Why laws are kept that notice nothing alone.
  private var justifications: [String] {
    let rows = laws.filter { $0.alone.isEmpty }
    guard !rows.isEmpty else { return [] }
    return ["", "Laws that notice no fault alone are kept for a reason:", ""]
      + rows.map { row in
        "- `\(row.law.name)`: \(row.law.worth ?? "nothing is said for it: a candidate to be removed")"
      }
  }

  private var areas: [String] {
    let areas = results.map(\.fault.area)
    let distinct = areas.enumerated().filter { !areas[..<$0.offset].contains($0.element) }
    return distinct.map(\.element).flatMap { area -> [String] in
      let results = results.filter { $0.fault.area == area }
      guard !results.isEmpty else { return [] }
      return [
        "## \(area.rawValue.prefix(1).uppercased())\(area.rawValue.dropFirst())", "",
        "| fault | mistake | median | p90 | what the diagnosis says | smallest checkpoint |",
        "|---|---|--:|--:|---|---|",
      ] + results.map(row) + [""]
    }
  }

  private func row(_ result: FaultResult) -> String {
    let fault = result.fault
    let mark = fault.isSelfConsistent ? " ⇄" : ""
    guard fault.equivalence == nil else {
      return "| `\(fault.id)` | \(Self.escaped(fault.statement)) | – | – | "
        + "\(Self.escaped("equivalent: \(fault.equivalence ?? "")")) | – |"
    }
    let number = { (value: Int?) in value.map { "\($0)" } ?? "survives" }
    let alone = result.laws.count == 1 ? " Only `\(result.laws.first ?? "")` notices it." : ""
    let diagnosis = result.smallest?.diagnosis.first.map { Self.escaped(Self.line($0)) } ?? "–"
    let shape = result.smallest?.shape ?? ""
    return "| `\(fault.id)`\(mark) | \(Self.escaped(fault.statement)).\(alone) | "
      + "\(number(result.median)) | \(number(result.ninetieth)) | "
      + "\(diagnosis)\(result.isNamed == false ? " (not named)" : "") | "
      + "\(shape.isEmpty ? "the plainest" : Self.escaped(shape))"
      + "\(result.isSmallest == false ? " (not the smallest)" : "") |"
  }

  /// The first line of a diagnosis, which may quote an error of many.
  private static func line(_ text: String) -> String {
    text.split(separator: "\n").joined(separator: " ")
  }

  private var matrix: [String] {
    let width = (results.map(\.fault.id.count).max() ?? 0) + 1
    let columns = laws.indices
    let pad = { (text: String) in text + String(repeating: " ", count: width - text.count) }
    let digit = { (place: Int) in place < 10 ? " " : "\(place / 10)" }
    return [
      "## Laws and faults", "",
      "Columns are the laws by their numbers above. ●: noticed the fault on the checkpoint that first "
        + "showed it, for",
      "every seed; ○: for some; ⇄: round trips are clean.", "", "```text",
      pad("") + "  " + columns.map { digit($0 + 1) }.joined(),
      pad("") + "  " + columns.map { "\(($0 + 1) % 10)" }.joined(),
    ]
      + faults.map { result in
        let cells = laws.map { row in
          let count = result.count(of: row.law.name)
          return count == 0 ? "·" : count == result.detections.count ? "●" : "○"
        }
        return pad(result.fault.id) + (result.fault.isSelfConsistent ? "⇄ " : "  ") + cells.joined()
      } + ["```"]
  }

  /// The text without what Markdown would read as more than text.
  private static func escaped(_ text: String) -> String {
    var result = ""
    for character in text {
      if "\\*_<>[]#|`".contains(character) { result.append("\\") }
      result.append(character)
    }
    return result
  }
}
