// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import ArgumentParser
import Goldens
import StrictJSON

struct GoldenListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List the golden files and what they cover.",
    discussion: """
      Examples:
        hymt2 golden list --filter mtp
      """)

  @OptionGroup var set: GoldenSetArguments
  @OptionGroup var selection: GoldenFilterArguments
  @OptionGroup var output: OutputOptions

  func run() throws {
    try runOrExit {
      let console = output.console
      let set = try GoldenSet(path: set.path)
      let entries = try set.entries(matching: selection.filter)
      let width = entries.map(\.id.count).max() ?? 0
      for entry in entries {
        console.print(
          "\(entry.id.padded(to: width))  \(entry.verdict.rawValue.padded(to: 7))  "
            + entry.flags.joined(separator: ", "))
      }
      let byteCount = entries.reduce(0) { $0 + $1.byteCount }
      console.print("\(countText(entries.count)) files, \(byteText(byteCount))")
      let versions = set.manifest.versions.map { "\($0.name) \($0.version)" }
      console.print("made by \(set.manifest.generator), \(versions.joined(separator: ", "))")
      console.printDocument(
        "golden list", holds: true,
        [
          ("bytes", JSONValue(byteCount)),
          (
            "versions",
            .object(
              JSONObject(set.manifest.versions.map { ($0.name, JSONValue.string($0.version)) }))
          ),
          (
            "cases",
            .array(
              entries.map { entry in
                [
                  "id": .string(entry.id), "verdict": .string(entry.verdict.rawValue),
                  "bytes": JSONValue(entry.byteCount),
                  "flags": .array(entry.flags.map { .string($0) }),
                ]
              })
          ),
        ])
      return true
    }
  }
}
