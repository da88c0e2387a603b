// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import ArgumentParser
import Campaigns
import Files
import StrictJSON

/// The options that say where the report of a check or a campaign is written to.
struct ReportFiles: ParsableArguments {
  @Option(
    help: ArgumentHelp("Write the report as one self-contained HTML file.", valueName: "file"))
  var report: String?

  @Option(help: ArgumentHelp("Write the report as JUnit XML.", valueName: "file"))
  var junit: String?

  /// Checks, before the work begins, that the files can be written.
  func check() throws {
    for file in [report, junit].compactMap(\.self) { try OutputPlace(file).checkParent() }
  }

  /// Writes a report wherever it is wanted.
  ///
  /// - Parameters:
  ///   - config: The file of the config that the report is about, if there is one.
  ///   - members: What the JSON document has beside the report.
  func write(
    _ result: RunReport, of command: String, config: String?, _ members: [(String, JSONValue)] = [],
    to console: Console
  ) throws {
    console.print(result.lines)
    console.printDocument(
      command, holds: result.holds,
      [("version", .string(HyMT2.version))] + result.json + members)
    if let report {
      let html = result.html(tool: "hymt2 \(HyMT2.version)")
      try FileSystem.write(Array(html.utf8), to: report)
    }
    if let junit { try FileSystem.write(Array(result.junit.utf8), to: junit) }
    GitHubActions(console).show(GitHubReport(result, file: config))
  }
}
