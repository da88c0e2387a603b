// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import ArgumentParser
import Goldens
import StrictJSON

struct GoldenDiffCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "diff",
    abstract: "Show how one set of golden files differs from another, by tensors.",
    usage: "hymt2 golden diff <new> [<options>]",
    discussion: """
      Exit status: 0 if there is no difference, 1 if there is one.

      Examples:
        hymt2 golden diff /tmp/new
      """)

  @Argument(help: "The new set.")
  var new: String

  @OptionGroup var set: GoldenSetArguments
  @OptionGroup var selection: GoldenFilterArguments
  @OptionGroup var output: OutputOptions

  func run() throws {
    try runOrExit {
      let console = output.console
      let diff = try GoldenDiff(
        old: set.open(), new: GoldenSet(path: new), matching: selection.filter)
      report(diff, to: console)
      console.printDocument(
        "golden diff", holds: diff.isEmpty,
        [
          "added": .array(diff.added.map { .string($0) }),
          "removed": .array(diff.removed.map { .string($0) }),
          "changed": .array(
            diff.changed.map { change in
              [
                "case": .string(change.id), "description": .bool(change.hasOtherDescription),
                "groups": .array(
                  change.mismatches.map { role, mismatch in
                    ["group": .string(role.rawValue), "summary": .string(mismatch.summary)]
                  }),
              ]
            }),
        ])
      return diff.isEmpty
    }
  }

  private func report(_ diff: GoldenDiff, to console: Console) {
    for id in diff.added { console.print("added    \(id)") }
    for id in diff.removed { console.print("removed  \(id)") }
    for change in diff.changed {
      console.print("changed  \(change.id)")
      if change.hasOtherDescription { console.print("  the description") }
      for (role, mismatch) in change.mismatches {
        console.print("  \(role.rawValue)")
        for line in mismatch.description.split(separator: "\n") { console.print("    \(line)") }
      }
    }
    for (name, old, new) in diff.versions { console.print("version  \(name): \(old) -> \(new)") }
    if diff.isEmpty { console.print("no difference") }
  }
}
