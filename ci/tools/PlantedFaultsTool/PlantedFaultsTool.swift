// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import ArgumentParser
import Campaigns
import CheckpointGenerators
import Layouts
import PlantedFaults
import StrictJSON

/// `planted-faults`.
@main
struct PlantedFaultsTool: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "planted-faults",
    abstract: "Measure which planted faults the laws notice, after how many examples.",
    discussion: """
      Checks adapters with one small mistake each. Of each fault it says on how many seeds it was \
      noticed, after how many generated checkpoints, by which laws, whether the diagnosis names it \
      and whether the checkpoint that shows it is the smallest that can.

      Examples:
        planted-faults
        planted-faults --fault "halves-*" --fault mtp-first-kept --seeds 3
        planted-faults --list
        python3 -m hymt2 mutants list --json > faults.json
        planted-faults --adapter-family nemo --fault-list faults.json --seeds 3
        planted-faults --layout qwen3_moe
        planted-faults --seeds 20 --markdown > docs/measurements/mutants.md

      Exit status: 0 all were noticed, 1 one was not, 2 could not run, 64 wrong usage.
      """)

  @Option(help: "Whose faults: of the reference adapter, or of NeMo Automodel's.")
  var adapterFamily = Family.reference

  @OptionGroup var nemo: NeMoArguments

  @Option(
    help: ArgumentHelp(
      "Layout of the checkpoints: one of 'hymt2 layouts', or a file with a table.",
      valueName: "name|file"))
  var layout: String?

  @Option(
    help: ArgumentHelp(
      "Native form, of those that the layout has. Default: its first.", valueName: "name"))
  var native: String?

  @Option(help: "How many checkpoints to check at most for a fault and a seed.")
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

  @Flag(help: "Print the page docs/measurements/mutants.md.")
  var markdown = false

  @Flag(
    help: ArgumentHelp(
      "Look for the smallest checkpoint without the shrinker as well.",
      discussion:
        "Tries all checkpoints with up to two non-default values, which takes long; what it finds "
        + "is what a fault of the bank should be recorded with."))
  var exhaust = false

  @OptionGroup var output: ToolOutput

  /// Whose faults are measured.
  enum Family: String, ExpressibleByArgument, CaseIterable {
    case reference, nemo
  }

  func validate() throws {
    for (name, value, most) in [
      ("examples", examples, 1_000_000_000), ("seeds", seeds, 10_000),
      ("threads", threads ?? 1, 1024),
    ] where !(1...most).contains(value) {
      throw ValidationError("--\(name) must be from 1 to \(most), not \(value)")
    }
    try nemo.check(isMeant: adapterFamily == .nemo)
    if exhaust || layout != nil || native != nil, adapterFamily == .nemo {
      throw ValidationError(
        "--exhaust, --layout and --native go with --adapter-family reference")
    }
    if adapterFamily == .reference { try check(FaultBank.all) }
    if markdown, output.json { throw ValidationError("--markdown and --json exclude each other") }
  }

  /// Checks that each pattern matches a fault.
  private func check(_ all: [PlantedFault]) throws {
    for glob in faults where FaultBank.named([glob], of: all).isEmpty {
      throw ValidationError(
        "--fault: no fault matches '\(glob)'; 'planted-faults --list' lists them")
    }
  }

  func run() throws {
    do {
      if try measure() { return }
    } catch let error where !(error is ValidationError) {
      ToolOutput.report("\(error)")
      throw ExitCode(2)
    }
    throw ExitCode(1)
  }

  private func measure() throws -> Bool {
    let served = adapterFamily == .nemo ? try nemo.faults() : nil
    let chosen = FaultBank.named(faults, of: served?.faults ?? FaultBank.all)
    try check(served?.faults ?? FaultBank.all)
    let selection = FaultBank.Selection(chosen, in: try chosenLayout())
    if list {
      output.print(selection.lines.map { ReportLine(nil, $0) })
      output.printDocument(holds: true, selection.members)
      return true
    }
    var measurement = FaultMeasurement(selection)
    measurement.examples = examples
    measurement.seeds = seeds
    measurement.threads = threads ?? ParallelWork.processorCount
    measurement.shrinks = served == nil
    measurement.exhausts = exhaust
    let progress = ToolProgress(measurement.checks, output)
    let results =
      try served?.run(measurement, progress.advance) ?? measurement.run(progress.advance)
    var report = FaultReport(
      family: adapterFamily.rawValue, examples: examples, seeds: seeds, results)
    if served == nil { report.layout = selection.layout.name }
    report.absent = selection.absent
    report.comparison = try nemo.comparison.map {
      try FaultComparison(parsing: fileBytes($0), path: $0)
    }
    output.print(
      markdown
        ? report.markdown.map { ReportLine(nil, $0) } : report.lines)
    output.printDocument(holds: report.holds, report.json)
    return report.holds
  }

  private func chosenLayout() throws -> Layout {
    let text = layout ?? Layout.usual.name
    guard text.contains("/") || text.hasSuffix(".yaml") else {
      return try Layout.named(text, native: native)
    }
    let file = text.split(separator: "/").last ?? ""
    let name = file.split(separator: ".").first.map { String($0) } ?? text
    return try Layout(
      text: String(decoding: fileBytes(text), as: UTF8.self), name: name, native: native)
  }
}

extension FaultBank.Selection {
  /// The faults, for the reader.
  fileprivate var lines: [String] {
    faults.flatMap { fault in
      [fault.id, "  \(fault.statement)"]
        + (fault.isSelfConsistent ? ["  every round trip of it is clean"] : [])
        + (fault.equivalence.map { ["  no law may notice it: \($0)"] } ?? [])
    } + absent.flatMap { [$0.fault.id, "  not applicable: \($0.reason)"] }
  }

  /// The faults as members of a JSON document.
  fileprivate var members: [(String, JSONValue)] {
    [
      ("notApplicable", FaultReport.json(absent: absent)),
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
    ]
  }
}
