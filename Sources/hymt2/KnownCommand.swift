// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import ArgumentParser
import Campaigns
import Layouts
import StrictJSON

/// `hymt2 known`.
struct KnownCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "known",
    abstract: "List known divergences of adapters, or draft such a list.",
    subcommands: [KnownListCommand.self, KnownDraftCommand.self],
    defaultSubcommand: KnownListCommand.self)
}

/// `hymt2 known list`.
struct KnownListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "List known divergences.",
    usage: "hymt2 known list [<adapter>] [<version>] [<options>]",
    discussion: """
      Examples:
        hymt2 known list
        hymt2 known list nemo-automodel 0.7.0 --markdown
      """)

  @Argument(help: "An adapter. Default: all.")
  var adapter: String?

  @Argument(help: "A version of it. Default: all.")
  var version: String?

  @Option(help: ArgumentHelp("List those of this file.", valueName: "file"))
  var known: String?

  @Option(help: ArgumentHelp("List those of this layout only.", valueName: "name"))
  var layout: String?

  @Flag(help: "Print a page for whoever maintains the adapter.")
  var markdown = false

  @Flag(help: "Print each divergence once, with the layouts that have it.")
  var overview = false

  @OptionGroup var output: OutputOptions

  func validate() throws {
    guard known == nil || adapter == nil else {
      throw ValidationError("give either an adapter or --known")
    }
  }

  func run() throws {
    try runOrExit {
      let console = output.console
      let lists = try chosen()
      if overview {
        let lines = KnownDivergences.overview(lists).split(
          separator: "\n", omittingEmptySubsequences: false)
        console.print(lines.dropLast().map { ReportLine(nil, String($0)) })
      }
      for (position, list) in lists.enumerated() where !overview {
        if position > 0 { console.print("") }
        print(list, to: console)
      }
      console.printDocument(
        "known", holds: true, ["lists": .array(lists.map { .object(JSONObject($0.json)) })])
      return true
    }
  }

  private func chosen() throws -> [KnownDivergences] {
    if let known { return [try KnownDivergences(parsing: fileBytes(known), path: known)] }
    let lists = try KnownDivergences.builtIn()
    func meant(_ text: String?, _ words: [String]) -> String? {
      text.map { WordList(words).meaning(of: $0) ?? $0 }
    }
    let adapter = meant(adapter, Array(Set(lists.map(\.adapter))))
    let layout = meant(layout, Layout.knownNames)
    let chosen = lists.filter {
      (adapter == nil || $0.adapter == adapter) && (version == nil || $0.version == version)
        && (layout.map($0.layouts.contains) ?? true)
    }
    guard !chosen.isEmpty else {
      let wanted = [adapter, version, layout].compactMap(\.self).joined(separator: " ")
      throw CommandError(
        "nothing is known of '\(wanted)'; "
          + WordList(lists.map(\.subject)).answer(to: wanted))
    }
    return chosen
  }

  private func print(_ list: KnownDivergences, to console: Console) {
    if markdown {
      // The page ends with a line break, as each line that is printed does.
      return console.print(
        list.markdown.split(separator: "\n", omittingEmptySubsequences: false)
          .dropLast().map { ReportLine(nil, String($0)) })
    }
    console.print("\(list.subject): \(grouped(list.entries.count)) known divergences")
    for entry in list.entries {
      console.print("")
      console.print("\(entry.id)  \(entry.title)")
      console.print("  decision: \(entry.decision)")
      console.print("  \(list.replayCommand(entry))")
    }
  }
}

/// `hymt2 known draft`.
struct KnownDraftCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "draft",
    abstract: "Draft a list of known divergences from a report.",
    discussion: """
      Reads what 'hymt2 check --no-known --keep-going --json' wrote and prints a file for --known \
      with one entry for each cause. Write the title, summary and decision of each entry before \
      you use the file.

      Examples:
        hymt2 known draft report.json
      """)

  @Argument(help: "A report in JSON.")
  var report: String

  @OptionGroup var output: OutputOptions

  func run() throws {
    try runOrExit {
      let draft = try KnownDraft(report: fileBytes(report), path: report)
      let console = output.console
      let lines = draft.json.text(.python).split(separator: "\n")
      console.print(lines.map { ReportLine(nil, String($0)) })
      console.printDocument("known draft", holds: true, ["draft": draft.json])
      console.note("\(grouped(draft.count)) entries, whose texts are to be written")
      return true
    }
  }
}
