// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import ArgumentParser
import Campaigns
import StrictJSON

/// `hymt2 fuzz`.
struct FuzzCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fuzz",
    abstract: "Fuzz an adapter around one config.",
    discussion: """
      Checks every law on checkpoints from the config outwards: small ones with its relations, its \
      own numbers of experts and layers at small widths, its own widths, and small ones of any \
      config. What breaks a law is shrunk. Without --adapter, the plan of the config is proven at \
      full size first and a layer converted. With --corpus, interesting cases are kept, failures \
      come first the next time, and an interrupted campaign resumes.

      A first run needs a config.json and a minute. It prints each failure with the command that \
      reproduces it, and exits with 1 if there is one:
        hymt2 fuzz --config Generators/configs/hy3.json --time 1m

      Examples:
        hymt2 fuzz --config config.json --time 10m --report report.html
        hymt2 fuzz --config config.json --adapter "python3 adapter.py" --corpus cases
        hymt2 fuzz --config config.json --examples 80000 --shard 3/8 --corpus shard-3
        hymt2 fuzz merge shard-1 shard-2 shard-3 --report report.html
        hymt2 fuzz corpus list corpus

      Options of a campaign, as of 'hymt2 fuzz run':
      \(runOptions)
      """,
    subcommands: [
      FuzzRunCommand.self, FuzzMergeCommand.self, FuzzCorpusCommand.self,
    ], defaultSubcommand: FuzzRunCommand.self)

  /// The options of the default subcommand, which its parent's help does not have by itself.
  private static var runOptions: String {
    // A line of all 80 columns would be broken.
    let help = FuzzRunCommand.helpMessage(columns: 79)
    let lines = help.split(separator: "\n").drop { $0 != "OPTIONS:" }.dropFirst()
    return lines.joined(separator: "\n")
  }
}

/// `hymt2 fuzz merge`.
struct FuzzMergeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "merge",
    abstract: "Merge the results of shards into one report and one exit status.",
    usage: "hymt2 fuzz merge <folders> ... [<options>]",
    discussion: """
      Reads the --corpus folders of the shards, which may be one folder that all of them used. The \
      report is the same as that of a run without shards. A shard that is missing or did not finish is \
      an error, unless the others found something.

      Examples:
        hymt2 fuzz merge shard-1 shard-2 --report report.html --junit junit.xml
        hymt2 fuzz merge corpus --json
      """)

  @Argument(help: "The corpus folders of the shards.")
  var folders: [String]

  @OptionGroup var reports: ReportFiles

  @OptionGroup var output: OutputOptions

  func run() throws {
    try runOrExit {
      try reports.check()
      let report = try RunReport(
        merging: try RunReport.read(from: folders), from: folders)
      try reports.write(
        report, of: "fuzz", config: report.config?.path, to: output.console)
      guard report.holds else { return false }
      let count = report.shards[0].count
      let missing = (0..<count).lazy.map { Shard(index: $0, count: count) }
        .filter { !report.shards.contains($0) }.prefix(10).map(\.description)
      guard missing.isEmpty else {
        throw CommandError(
          "expected all \(grouped(report.shards[0].count)) shards, found none of "
            + "\(missing.joined(separator: ", ")); run them, or name their folders, too")
      }
      guard report.end == .completed || report.end == .outOfTime else {
        throw CommandError(
          "expected shards that have come to their end, found one that is \(report.end.rawValue); "
            + "run it again with the same options, and it goes on where it was")
      }
      return true
    }
  }
}
