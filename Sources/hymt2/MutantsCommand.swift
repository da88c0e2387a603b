// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import ArgumentParser
import Campaigns
import Layouts
import PlantedFaults
import StrictJSON

/// `hymt2 mutants`.
struct MutantsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "mutants",
    abstract: "Measure which planted faults the laws notice, after how many examples.",
    discussion: """
      Checks adapters with one small mistake each. Of each fault it says on how many seeds it was \
      noticed, after how many generated checkpoints, by which laws, whether the diagnosis names it \
      and whether the checkpoint that shows it is the smallest that can.

      Examples:
        hymt2 mutants
        hymt2 mutants --fault "halves-*" --fault mtp-first-kept --seeds 3
        hymt2 mutants --list
        python3 -m hymt2_oracle mutants list --json > faults.json
        hymt2 mutants --adapter-family nemo --fault-list faults.json --seeds 3
        hymt2 mutants --layout qwen3_moe
        hymt2 mutants --seeds 20 --markdown > docs/mutants.md
        hymt2 mutants --campaign Generators/configs/hy3.json
        hymt2 mutants --campaign config.json --within 30s --fault "rank-*"
      """)

  @Option(help: "Whose faults: of the reference adapter, or of NeMo Automodel's.")
  var adapterFamily = FaultFamily.reference

  @OptionGroup var layouts: LayoutArguments

  @Option(
    help: ArgumentHelp(
      "The faults of family nemo: what 'python3 -m hymt2_oracle mutants list --json' printed.",
      valueName: "file"))
  var faultList: String?

  @Option(
    help: ArgumentHelp(
      "The command that serves adapters of family nemo. Default: python3 -m hymt2_oracle.",
      valueName: "command"))
  var oracle: String?

  @Option(
    help: ArgumentHelp(
      "What 'python3 -m hymt2_oracle mutants compare --json' printed, for a table beside it.",
      valueName: "file"))
  var comparison: String?

  @Option(help: "How many checkpoints to judge at most for a fault and a seed.")
  var examples = 1000

  @Option(help: "How many seeds to try, from 0 on.")
  var seeds = 3

  @Option(
    name: .customLong("fault"),
    help: ArgumentHelp(
      "Check this fault only, or those that match, as in 'halves-*'; may be given again.",
      valueName: "id"))
  var faults: [String] = []

  @Option(help: "How many checks to run at a time. Default: one for each processor.")
  var threads: Int?

  @Flag(help: "List the faults and check nothing.")
  var list = false

  @OptionGroup var campaigns: MutantsCampaign

  @Flag(help: "Print the page docs/mutants.md; with --campaign, a table for docs/fuzzing.md.")
  var markdown = false

  @Flag(help: "Say how long the first kills took, which differs from run to run.")
  var timings = false

  @Flag(
    help: ArgumentHelp(
      "Look for the smallest checkpoint without the shrinker as well.",
      discussion:
        "Tries all checkpoints with up to two peculiarities, which takes long; what it finds "
        + "is what a fault of the bank should be recorded with."))
  var exhaust = false

  @OptionGroup var output: OutputOptions

  func validate() throws {
    for (name, value, most) in [
      ("examples", examples, 1_000_000_000), ("seeds", seeds, 10_000),
      ("threads", threads ?? 1, 1024),
    ] where !(1...most).contains(value) {
      throw ValidationError("--\(name) must be from 1 to \(most), not \(value)")
    }
    if adapterFamily == .nemo, faultList == nil {
      throw ValidationError("--adapter-family nemo asks for --fault-list")
    }
    if adapterFamily == .reference, faultList != nil || oracle != nil || comparison != nil {
      throw ValidationError(
        "--fault-list, --oracle and --comparison go with --adapter-family nemo")
    }
    if !layouts.words.isEmpty, adapterFamily == .nemo || campaigns.campaign != nil {
      throw ValidationError(
        "--layout and --native go with --adapter-family reference and without --campaign")
    }
    try campaigns.check(
      family: adapterFamily,
      others: [("list", list), ("timings", timings), ("exhaust", exhaust)])
    if adapterFamily == .reference {
      try check(FaultBank.all)
    }
    if exhaust, adapterFamily == .nemo {
      throw ValidationError("--exhaust goes with --adapter-family reference")
    }
    if markdown, output.json { throw ValidationError("--markdown and --json exclude each other") }
  }

  /// Checks that each pattern matches a fault.
  private func check(_ all: [PlantedFault]) throws {
    for glob in faults where FaultBank.named([glob], of: all).isEmpty {
      throw ValidationError(
        "--fault: no fault matches '\(glob)'; 'hymt2 mutants --list' lists them")
    }
  }

  func run() throws {
    try runOrExit {
      if let path = campaigns.campaign {
        return try campaigns.run(
          around: path, faults, threads: threads ?? ProcessorCount.online, markdown: markdown,
          output.console)
      }
      let family = try adapterFamily.faults(faultList, oracle, in: layouts.chosenOrUsual())
      try check(family.faults + family.absent.map(\.fault))
      let chosen = FaultBank.named(faults, of: family.faults)
      if list {
        FaultList(chosen, absent(family)).print(to: output.console)
        return true
      }
      Interruption.watch()
      let start = ContinuousClock.now
      let report = try measure(chosen, family)
      try Interruption.check()
      write(report, .now - start)
      return report.holds
    }
  }

  /// The faults asked for that have no place in the layout.
  private func absent(_ family: any ServedFaults) -> [(fault: PlantedFault, reason: String)] {
    let ids = Set(FaultBank.named(faults, of: family.absent.map(\.fault)).map(\.id))
    return family.absent.filter { ids.contains($0.fault.id) }
  }

  private func measure(_ faults: [PlantedFault], _ family: any ServedFaults) throws -> FaultReport {
    var measurement = FaultMeasurement(FaultBank.Selection(faults, in: try layouts.chosenOrUsual()))
    measurement.examples = examples
    measurement.seeds = seeds
    measurement.threads = threads ?? ProcessorCount.online
    measurement.isCancelled = { Interruption.isWished }
    measurement.makesSmall = adapterFamily == .reference
    measurement.exhausts = exhaust
    let progress = Progress("checking", total: measurement.checks, in: .items, output.console)
    defer { progress.finish() }
    let results = try family.run(measurement) { progress.advance(1) }
    var report = FaultReport(
      family: adapterFamily.rawValue, examples: examples, seeds: seeds, results)
    if adapterFamily == .reference { report.layout = try layouts.chosenOrUsual().name }
    report.absent = absent(family)
    report.comparison = try comparison.map { try FaultComparison(parsing: fileBytes($0), path: $0) }
    return report
  }

  private func write(_ report: FaultReport, _ duration: Duration) {
    let console = output.console
    if markdown {
      console.print(report.markdown.map { ReportLine(nil, $0) })
    } else {
      console.print(report.lines(showsSeconds: timings))
    }
    var members =
      [("version", JSONValue.string(HyMT2.version))] + report.json(showsSeconds: timings)
    if timings { members.append(("seconds", JSONValue(duration / .seconds(1)))) }
    console.printDocument("mutants", holds: report.holds, members)
    console.note(
      "\(countText(report.results.count)) faults on \(seeds) seeds in \(duration.secondsText)")
  }
}

/// The faults, for the reader.
private struct FaultList {
  private let faults: [PlantedFault]
  private let absent: [(fault: PlantedFault, reason: String)]

  init(_ faults: [PlantedFault], _ absent: [(fault: PlantedFault, reason: String)]) {
    self.faults = faults
    self.absent = absent
  }

  func print(to console: Console) {
    for fault in faults {
      console.print(fault.id)
      console.print("  \(fault.statement)")
      if fault.isSelfConsistent { console.print("  every round trip of it is clean") }
      if let reason = fault.equivalence { console.print("  no law may notice it: \(reason)") }
    }
    for (fault, reason) in absent { console.print("\(fault.id)\n  not applicable: \(reason)") }
    console.printDocument(
      "mutants", holds: true,
      [
        (
          "notApplicable",
          .array(absent.map { ["id": .string($0.fault.id), "reason": .string($0.reason)] })
        ),
        (
          "faults",
          .array(
            faults.map { fault in
              [
                "id": .string(fault.id), "area": .string(fault.area.rawValue),
                "mistake": .string(fault.statement),
                "selfConsistent": .bool(fault.isSelfConsistent),
                "equivalent": fault.equivalence.map { .string($0) } ?? .null,
              ]
            })
        ),
      ])
  }
}
