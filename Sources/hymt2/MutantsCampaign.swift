// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import ArgumentParser
import Campaigns
import Layouts
import PlantedFaults
import StrictJSON

/// The options of `hymt2 mutants` that put faults before campaigns around a config.
struct MutantsCampaign: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      Run a campaign around this config.json for each fault instead, which ends when the fault is \
      found. Without --fault, for the faults that need a shape which few configs have.
      """, valueName: "file"))
  var campaign: String?

  @Option(help: "How long a campaign may take, such as 30s or 2m. Default: 60s.")
  var within: TimeSpan?

  /// The faults that some globs choose; without any, those of unusual shapes.
  static func faults(_ globs: [String]) -> [PlantedFault] {
    FaultBank.named(
      globs.isEmpty ? FaultBank.unusualShapes.map(\.id) : globs, of: FaultBank.all)
  }

  /// Checks that the options go with the others.
  func check(family: FaultFamily, others: [(name: String, isGiven: Bool)]) throws {
    guard campaign != nil else {
      if within != nil { throw ValidationError("--within goes with --campaign") }
      return
    }
    if family != .reference {
      throw ValidationError("--campaign goes with --adapter-family reference")
    }
    for (name, isGiven) in others where isGiven {
      throw ValidationError("--campaign and --\(name) exclude each other")
    }
  }

  /// Runs the campaigns around a config.
  ///
  /// - Returns: Whether each fault was found.
  func run(
    around path: String, _ globs: [String], threads: Int, markdown: Bool, _ console: Console
  ) throws -> Bool {
    let model = try ModelConfig(fileAt: path)
    var measurement = CampaignMeasurement(
      Self.faults(globs), around: model, configPath: path)
    measurement.seconds = within?.seconds ?? 60
    measurement.threads = threads
    measurement.isCancelled = { Interruption.isWished }
    Interruption.watch()
    let progress = Progress("fuzzing", total: measurement.faults.count, in: .items, console)
    defer { progress.finish() }
    let report = measurement.run { result in
      progress.tell(result.fault.id)
      progress.advance(1)
    }
    try Interruption.check()
    console.print(markdown ? report.markdown.map { ReportLine(nil, $0) } : report.lines)
    console.printDocument(
      "mutants", holds: report.holds,
      [("version", JSONValue.string(HyMT2.version))] + report.json)
    return report.holds
  }
}
