// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import ArgumentParser
import Campaigns
import Files
import Goldens
import StrictJSON
import Tensors

struct GoldenDiffCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "diff",
    abstract: "Show how one set of golden files differs from another, by causes and tensors.",
    usage: "hymt2 golden diff <new> [<options>]",
    discussion: """
      Exit status: 0 if there is no difference, 1 if there is one.

      Examples:
        hymt2 golden diff /tmp/new
        hymt2 golden diff /tmp/new --report diff.md
      """)

  @Argument(help: "The new set.")
  var new: String

  @Option(
    help: ArgumentHelp(
      "Write a report: .html for one page, .md for a pull request.", valueName: "file"))
  var report: String?

  @OptionGroup var set: GoldenSetArguments
  @OptionGroup var selection: GoldenFilterArguments
  @OptionGroup var output: OutputOptions

  func validate() throws {
    guard let report else { return }
    guard ChangeReport.endings.contains(where: report.lowercased().hasSuffix) else {
      throw ValidationError(
        "--report: expected a file whose name ends in "
          + ChangeReport.endings.joined(separator: " or "))
    }
  }

  func run() throws {
    try runOrExit {
      if let report { try OutputPlace(report).checkParent() }
      let diff = try GoldenDiff(
        old: set.open(), new: GoldenSet(path: new), matching: selection.filter)
      if let report {
        let text = diff.report(next: "hymt2 golden accept \(new) --cause CODE")
          .render(fileNamed: report, tool: "hymt2 \(HyMT2.version)")
        try FileSystem.write(Array(text.utf8), to: report)
      }
      print(diff, to: output.console)
      output.console.printDocument("golden diff", holds: diff.isEmpty, diff.json)
      return diff.isEmpty
    }
  }

  private func print(_ diff: GoldenDiff, to console: Console) {
    for id in diff.added { console.print("added    \(id)") }
    for id in diff.removed { console.print("removed  \(id)") }
    for change in diff.changed {
      console.print("changed  \(change.id)  (\(change.causes.joined(separator: ", ")))")
      if change.hasOtherDescription { console.print("  the description") }
      for group in change.mismatches {
        console.print("  \(group.role.rawValue)")
        for sentence in group.findings.sentences { console.print("    \(sentence)") }
        for line in group.mismatch.description.split(separator: "\n") {
          console.print("      \(line)")
        }
      }
    }
    for (name, old, new) in diff.versions { console.print("version  \(name): \(old) -> \(new)") }
    console.print(diff.headline)
  }
}

extension GoldenDiff {
  /// What differs, in one sentence.
  fileprivate var headline: String {
    let parts = [
      (changed.count, "changed"), (added.count, "added"), (removed.count, "removed"),
    ].filter { $0.0 > 0 }.map { "\(counted($0.0, "case")) \($0.1)" }
    let libraries = versions.map { "\($0.name) \($0.old) -> \($0.new)" }
    return isEmpty ? "no difference" : (parts + libraries).joined(separator: ", ")
  }

  fileprivate func report(next: String) -> ChangeReport {
    var sections: [ChangeReport.Section] = []
    for (code, cases) in [("added", added), ("removed", removed)] where !cases.isEmpty {
      sections.append(
        .init(code, ["\(counted(cases.count, "case")) \(code)"], cases: cases, rows: []))
    }
    for causes in changed.map(\.causes).unique {
      let own = changed.filter { $0.causes == causes }
      let sentences = own[0].mismatches.flatMap(\.findings.sentences).unique
      sections.append(
        .init(
          causes.joined(separator: ", "),
          sentences.isEmpty ? ["the description of the case changed"] : sentences,
          cases: own.map(\.id), rows: own.flatMap(\.rows)))
    }
    return ChangeReport("golden diff", headline, sections, next: next)
  }

  fileprivate var json: JSONObject {
    [
      "added": .array(added.map { .string($0) }), "removed": .array(removed.map { .string($0) }),
      "changed": .array(
        changed.map { change in
          [
            "case": .string(change.id), "description": .bool(change.hasOtherDescription),
            "causes": .array(change.causes.map { .string($0) }),
            "groups": .array(
              change.mismatches.map { group in
                [
                  "group": .string(group.role.rawValue),
                  "summary": .string(group.mismatch.summary),
                  "findings": .array(group.findings.first.map(\.json)),
                  "changed": .array(group.differences.map(\.json)),
                ]
              }),
          ]
        }),
    ]
  }
}

extension GoldenDiff.Change {
  fileprivate var rows: [ChangeReport.Row] {
    var rows: [ChangeReport.Row] = []
    for group in mismatches {
      let place = "\(id), \(group.role.rawValue)"
      for name in group.mismatch.missing {
        rows.append(.init(place: place, tensor: name.text, summary: "missing"))
      }
      for name in group.mismatch.surplus {
        rows.append(.init(place: place, tensor: name.text, summary: "surplus"))
      }
      for one in group.differences {
        rows.append(.init(place: place, tensor: one.title, summary: one.summary))
      }
    }
    return rows
  }
}
