// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import ArgumentParser
import Campaigns
import StrictJSON

/// `hymt2 fuzz merge`.
struct FuzzMergeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "merge",
    abstract: "Join what the shards of a campaign found into one report and one exit status.",
    discussion: """
      Reads the --corpus folders of the shards, which may be one folder that all of them used. The \
      report is that of a campaign without shards that judged the same cases. A shard that is missing \
      or has not come to its end is an error, unless the others found something.

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
          "expected all \(countText(report.shards[0].count)) shards, found none of "
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
