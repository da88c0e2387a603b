// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Adapters
import ArgumentParser
import Campaigns
import CheckpointGenerators
import Layouts
import PropertyEngine
import StrictJSON
import Tensors

/// `hymt2 bench`.
struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Measure how fast this machine converts a full-size layer and checks checkpoints.",
    usage: "hymt2 bench [<options>]",
    discussion: """
      The layer has the size of one of Hy-MT2-30B-A3B: 128 experts of 2048 x 768 in bfloat16, \
      1.2 GB. It is converted into new memory and into warm memory, that of the result before, and \
      is cast to float32 and back. In each run memcpy copies as many bytes on as many threads, and \
      the share of its bytes a second, read and written, is each conversion's. `ci/bench` also runs \
      NeMo Automodel's adapter on this layer.

      A case is a random whole checkpoint (experts 1-16, hidden 1-32, intermediate 1-16, layers \
      1-4, dense 0-2, MTP 0-2) that is generated, round-tripped and compared.

      Examples:
        hymt2 bench
        hymt2 bench --runs 3 --cases 50000 --json
        hymt2 bench --experts 32 --hidden 4096 --intermediate 1536
        hymt2 bench --growth
      """)

  @OptionGroup var layout: LayoutArguments

  @Option(help: "Timed runs, after one warm-up.")
  var runs = 5

  @Option(help: "Experts of the layer.")
  var experts = 128

  @Option(help: "Hidden size of the layer.")
  var hidden = 2048

  @Option(help: "Intermediate size of the experts.")
  var intermediate = 768

  @Flag(help: "Also measure layers of other sizes, and several layers.")
  var growth = false

  @Option(help: "Random checkpoints checked.")
  var cases = 20_000

  @Option(help: "Checkpoints checked at the same time. Default: one per core.")
  var threads: Int?

  @OptionGroup var output: OutputOptions

  func validate() throws {
    try require("--cases", cases, in: 1...10_000_000)
    try require("--threads", threads, in: 1...1024)
    try require("--runs", runs, in: 1...1000)
    try require("--experts", experts, in: 1...1024)
    try require("--hidden", hidden, in: 1...65_536)
    try require("--intermediate", intermediate, in: 1...65_536)
  }

  func run() throws {
    try runOrExit {
      let layout = try layout.chosenOrUsual()
      let sizes = LayerSizes(experts: experts, hidden: hidden, intermediate: intermediate)
      let layer = try LayerBench(layout, sizes, runs: runs, isWhole: true)
      let growth = growth ? try GrowthBench(layout, sizes, runs: runs) : nil
      let roundTrips = try RoundTripBench(
        layout, cases: cases, threads: ParallelWork.workerCount(threads))
      layer.report(to: output.console)
      growth?.report(to: output.console)
      roundTrips.report(to: output.console)
      output.console.printDocument(
        "bench", holds: true,
        layout.members + layer.json + roundTrips.json
          + (growth.map { ["growth": $0.json] } ?? [:]))
      return true
    }
  }
}

/// How many random checkpoints are made, converted there and back and compared in a second.
struct RoundTripBench {
  private let cases: Int
  private let threads: Int
  private let seconds: Double

  /// - Parameter layout: The layout of the checkpoints; of the usual one they are evenly distributed.
  init(_ layout: Layout, cases: Int, threads: Int) throws {
    guard let law = Laws.named("round-trip") else {
      throw CommandError("there is no law 'round-trip'")
    }
    let adapter = ReferenceAdapter()
    let checkpoints: Generator<CheckpointSpec> =
      layout == .usual ? .published : .checkpoints(CheckpointSpace(layout: layout))
    let property = Property(checkpoints) { (spec: CheckpointSpec, _) in
      switch law.verdict(on: CheckpointUnderTest(spec, adapter)) {
      case .holds: .pass
      case .doesNotApply: .discard
      case .broken(let violation): .fail(FailureKey(law: law.name), violation.summary)
      }
    }
    var settings = Settings(examples: cases)
    settings.threads = threads
    let start = ContinuousClock.now
    let report = property.run(settings)
    seconds = (.now - start) / .seconds(1)
    guard report.isSuccess else {
      throw CommandError(
        report.counterexamples.first?.message ?? "the run ended early: \(report.end)")
    }
    self.cases = report.passed
    self.threads = threads
  }

  func report(to console: Console) {
    console.print(
      "\(grouped(Int(Double(cases) / seconds))) random checkpoints a second round-trip, "
        + "\(grouped(cases)) in all on \(threads) threads")
  }

  var json: JSONObject {
    [
      "cases": JSONValue(cases), "threads": JSONValue(threads),
      "casesPerSecond": JSONValue(Double(cases) / seconds),
    ]
  }
}
