// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import ArgumentParser
import Campaigns
import Goldens
import StrictJSON

struct GoldenCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "golden",
    abstract: "Check the golden files that upstream made, or replace them.",
    discussion: """
      To change the set: propose makes a new set outside the tree with upstream's adapter, diff \
      shows how it differs, accept replaces the old one.
      """,
    subcommands: [
      GoldenVerifyCommand.self, GoldenListCommand.self, GoldenDiffCommand.self,
      GoldenProposeCommand.self, GoldenAcceptCommand.self, GoldenExportCommand.self,
    ])
}

/// The set that a command works on.
struct GoldenSetArguments: ParsableArguments {
  @Option(name: .customLong("set"), help: "The folder of the golden files.")
  var path = "Golden"

  /// Opens the set.
  func open() throws -> GoldenSet {
    guard folderNames(in: path)?.contains(GoldenFormat.manifestName) == true else {
      throw CommandError(
        "there is no set of golden files in '\(path)': expected a folder with a "
          + "\(GoldenFormat.manifestName); name it with --set")
    }
    return try GoldenSet(path: path)
  }
}

/// The cases that a command works on.
struct GoldenFilterArguments: ParsableArguments {
  @Option(help: "Only cases whose name contains this text, or that have it as a flag.")
  var filter: String?
}

struct GoldenListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List the golden files and what they cover.",
    usage: "hymt2 golden list [<options>]",
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
      let set = try set.open()
      let entries = try set.entries(matching: selection.filter)
      let width = entries.map(\.id.count).max() ?? 0
      for entry in entries {
        console.print(
          "\(entry.id.padded(to: width))  \(entry.verdict.rawValue.padded(to: 7))  "
            + entry.flags.joined(separator: ", "))
      }
      let byteCount = entries.reduce(0) { $0 + $1.byteCount }
      console.print("\(grouped(entries.count)) files, \(byteText(byteCount))")
      let versions = set.manifest.versions.map { "\($0.name) \($0.version)" }
      console.print("made by \(set.manifest.generator), \(versions.joined(separator: ", "))")
      console.printDocument(
        "golden list", holds: true,
        [
          "bytes": JSONValue(byteCount),
          "versions": .object(
            JSONObject(set.manifest.versions.map { ($0.name, JSONValue.string($0.version)) })),
          "cases": .array(
            entries.map { entry in
              [
                "id": .string(entry.id), "verdict": .string(entry.verdict.rawValue),
                "bytes": JSONValue(entry.byteCount),
                "flags": .array(entry.flags.map { .string($0) }),
              ]
            }),
        ])
      return true
    }
  }
}

struct GoldenAcceptCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "accept",
    abstract: "Replace the golden files, or some of them, by a proposed set, all at once.",
    usage: "hymt2 golden accept <proposed> [<options>]",
    discussion: """
      If it is killed, the old set or the new one is there, whole. With --cause or --filter, only \
      those cases change, and all others stay; both sets must then have one maker. Asks nothing, \
      and refuses to run where the environment variable CI is set, since a person must look at \
      the difference first.

      Examples:
        hymt2 golden accept /tmp/new
        hymt2 golden accept /tmp/new --filter lora
        hymt2 golden accept /tmp/new --cause added --cause keyOrder
      """)

  @Argument(help: "The folder that propose made.")
  var proposed: String

  @Option(
    help: ArgumentHelp(
      """
      Only cases that differ by causes given, by their codes in 'golden diff', or by added, \
      removed or description; may be repeated.
      """, valueName: "code"))
  var cause: [String] = []

  @OptionGroup var set: GoldenSetArguments
  @OptionGroup var selection: GoldenFilterArguments
  @OptionGroup var output: OutputOptions

  func run() throws {
    try runOrExit {
      let value = Console.environment("CI")
      guard value == nil || value == "false" || value == "0" else {
        throw CommandError(
          "CI=\(value ?? ""): expected a person who has seen the difference, found continuous "
            + "integration; run accept by hand and commit the result")
      }
      try OutputPlace(proposed).checkOutside(of: set.path)
      let new = try GoldenSet(path: proposed)
      let chosen = try chosen(of: new)
      try new.replace(setAt: set.path, taking: chosen)
      let count = try set.open().manifest.entries.count
      output.console.print(
        "\(set.path): \(grouped(count)) cases"
          + (chosen.map { ", of which \(grouped($0.count)) changed" } ?? ""))
      output.console.printDocument(
        "golden accept", holds: true,
        [
          "cases": JSONValue(count),
          "accepted": chosen.map { .array($0.map { .string($0) }) } ?? .null,
        ])
      return true
    }
  }

  /// The cases that were chosen by cause and filter, nil for all.
  private func chosen(of new: GoldenSet) throws -> [String]? {
    guard !cause.isEmpty || selection.filter != nil else { return nil }
    let diff = try GoldenDiff(old: set.open(), new: new, matching: selection.filter)
    guard !cause.isEmpty else { return diff.causes.map(\.id) }
    let known = WordList(diff.causes.flatMap(\.causes).unique)
    let codes = try cause.map { text in
      guard let code = known.meaning(of: text) else {
        throw CommandError("--cause: no case differs by '\(text)'; \(known.answer(to: text))")
      }
      return code
    }
    return diff.cases(of: codes)
  }
}
