// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Adapters
import ArgumentParser
import Campaigns
import CheckpointGenerators
import Files
import Layouts
import StrictJSON

/// `hymt2 check`.
struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Check the laws of an adapter on generated checkpoints.",
    discussion: """
      Generates checkpoints of many configs, checks every law on each, stops at the first failure \
      that is not known, and shrinks it. With --keep-going, runs to the end and reports every \
      distinct failure. The same seed gives the same output on any machine with any number of \
      threads.

      Examples:
        hymt2 check
        hymt2 check --examples 10000 --seed 7 --report report.html --junit junit.xml
        hymt2 check --adapter "python3 my_adapter.py"
        hymt2 check --config config.json --law round-trip --save-case case
      """)

  @Option(help: "How many checkpoints to check.")
  var examples = 1000

  @Option(help: "Random seed.")
  var seed: UInt64 = 0

  @Option(help: "How many checkpoints to check at once. Default: one for each processor.")
  var threads: Int?

  @OptionGroup var arguments: CheckArguments

  @OptionGroup var search: SearchArguments

  @OptionGroup var known: KnownArguments

  @OptionGroup var reports: ReportFiles

  @Flag(help: "Add timings to the JSON document, which then differs from run to run.")
  var timings = false

  @Flag(help: "List the laws and check nothing.")
  var listLaws = false

  @Flag(help: "List the config axes with their values and check nothing.")
  var listAxes = false

  @Flag(help: "List the kinds of invalid input and check nothing.")
  var listInvalidInput = false

  @OptionGroup var output: OutputOptions

  func validate() throws {
    try require("--examples", examples, in: 1...1_000_000_000)
    try require("--threads", threads, in: 1...1024)
  }

  func run() throws {
    try run(try arguments.choice.adapter(output.console))
  }

  /// Checks an adapter.
  func run(_ adapter: @autoclosure () throws -> any AdapterUnderTest) throws {
    if listLaws {
      return try runOrExit {
        LawList(arguments.law.laws, try arguments.space().layout).print(to: output.console)
        return true
      }
    }
    if listAxes { return AxisList().print(to: output.console) }
    if listInvalidInput { return InvalidInputList().print(to: output.console) }
    try runOrExit {
      let adapter = try adapter()
      let space = try arguments.space(for: adapter, output.console)
      let run = arguments.run(
        adapter, space, known: try known.divergences(of: adapter, space.layout, output.console),
        checkArguments: known.words + search.words)
      try arguments.checkOutput()
      try reports.check()
      Interruption.watch()
      let start = ContinuousClock.now
      let result = try check(run)
      try write(result, .now - start)
      try arguments.save(result.failures, output.console)
      return try Interruption.outcome(holds: result.holds, output.console)
    }
  }

  private func check(_ run: CheckRun) throws -> RunReport {
    var settings = RunSettings(
      examples: examples, seed: seed, threads: threads ?? ParallelWork.processorCount)
    search.apply(to: &settings, isExternal: arguments.choice.command != nil)
    settings.isCancelled = { Interruption.isWished }
    let progress = Progress("checking", total: examples, in: .items, output.console)
    defer { progress.finish() }
    return try run.run(settings) { [console = output.console] step in
      if let found = step.found { return progress.interrupt { console.note(found) } }
      guard let law = step.shrinking else {
        return progress.reach(settings.keepsGoing ? step.judged : step.passed)
      }
      progress.enter("shrinking a failure of \(law): \(grouped(step.evaluations)) attempts")
    }
  }

  private func write(_ result: RunReport, _ duration: Duration) throws {
    let seconds = duration / .seconds(1)
    let rate = Double(result.judged) / max(0.001, seconds)
    let members: JSONObject =
      timings
      ? ["timings": ["seconds": JSONValue(seconds), "checkpointsPerSecond": JSONValue(rate)]] : [:]
    try reports.write(
      result, of: "check", config: arguments.config, members, to: output.console)
    output.console.note(
      "\(counted(result.judged, "checkpoint")) in \(duration.secondsText)"
        + (rate < 1 ? "" : ", \(grouped(Int(rate.rounded()))) a second"))
  }
}

/// The laws, for the reader.
private struct LawList {
  private let laws: [AdapterLaw]

  init(_ names: [String], _ layout: Layout) {
    laws = Laws.all(for: layout).filter { names.isEmpty || names.contains($0.name) }
  }

  func print(to console: Console) {
    for law in laws {
      console.print(law.name)
      for (label, text) in [
        ("holds:", law.statement), ("because:", law.reason), ("broken by:", law.brokenBy),
      ] {
        for (place, line) in wrapped(text, width: 86).enumerated() {
          console.print("  \((place == 0 ? label : "").padded(to: 10))  \(line)")
        }
      }
    }
    console.printDocument(
      "check", holds: true,
      [
        "laws": .array(
          laws.map { law in
            [
              "name": .string(law.name), "statement": .string(law.statement),
              "reason": .string(law.reason), "brokenBy": .string(law.brokenBy),
            ]
          })
      ])
  }
}

/// The axes of configs with their values, and what else an adapter may declare that it supports.
struct AxisList {
  func print(to console: Console) {
    let axes =
      ConfigAxis.allCases.map { (name: $0.name, values: $0.values) } + [
        (name: InvalidInputContract.axis, values: [InvalidInputContract.acceptsAll])
      ]
    for axis in axes {
      console.print(axis.name)
      for value in axis.values { console.print("  \(value)") }
    }
    console.printDocument(
      "check", holds: true,
      [
        "axes": .array(
          axes.map { ["name": .string($0.name), "values": .array($0.values.map { .string($0) })] })
      ])
  }
}

/// The ways in which checkpoints are made invalid, those that loading is given before those that saving is.
struct InvalidInputList {
  func print(to console: Console) {
    for kind in CheckpointFaultCatalogue.all {
      console.print("\(kind.name.padded(to: 40)) \(kind.side.rawValue)")
    }
    let kinds = CheckpointFaultCatalogue.all.map { kind -> JSONValue in
      ["name": .string(kind.name), "side": .string(kind.side.rawValue)]
    }
    console.printDocument("check", holds: true, ["kinds": .array(kinds)])
  }
}
