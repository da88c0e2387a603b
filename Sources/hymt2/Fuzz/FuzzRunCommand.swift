// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Adapters
import ArgumentParser
import Campaigns
import Layouts
import Safetensors
import StrictJSON
import Synchronization

/// `hymt2 fuzz`, which is `hymt2 fuzz run`.
struct FuzzRunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Fuzz an adapter around one config.",
    discussion: """
      The word 'run' may be left out.

      Examples:
        hymt2 fuzz run --config config.json --time 10m --report report.html
        hymt2 fuzz --config config.json --adapter "python3 adapter.py" --corpus cases
        hymt2 fuzz --config config.json --examples 80000 --shard 3/8 --corpus shard-3
      """)

  @Option(help: ArgumentHelp("The config.json of a model.", valueName: "file"))
  var config: String

  @Option(help: "How long to run, such as 90s, 10m or 2h. Default: 10m.")
  var time: TimeSpan?

  @Option(help: "Check this many cases, over all shards, in place of --time.")
  var examples: Int?

  @Option(help: "Random seed.")
  var seed: UInt64 = 0

  @Option(help: "How many cases to check at once. Default: one for each processor.")
  var threads: Int?

  @Option(
    help: ArgumentHelp(
      "Keep interesting cases and the state of the run in this folder.",
      valueName: "folder"))
  var corpus: String?

  @OptionGroup var shard: ShardArguments

  @OptionGroup var law: LawArguments

  @OptionGroup var layout: LayoutArguments

  @OptionGroup var choice: AdapterChoice

  @OptionGroup var known: KnownArguments

  @OptionGroup var reports: ReportFiles

  @OptionGroup var output: OutputOptions

  func validate() throws {
    guard time == nil || examples == nil else {
      throw ValidationError("--time and --examples exclude each other")
    }
    try require("--examples", examples, in: 1...1_000_000_000_000)
    try require("--threads", threads, in: 1...1024)
  }

  func run() throws {
    try run { try choice.adapter(isCancelled: $0) }
  }

  /// Runs a campaign on an adapter.
  ///
  /// - Parameter adapter: Makes the adapter, given what it asks while an answer is awaited.
  func run(_ adapter: (@escaping @Sendable () -> Bool) throws -> any AdapterUnderTest) throws {
    try runOrExit {
      let model = try layout.config(fileAt: config)
      var settings = RunSettings(
        budget: examples.map { .examples($0) } ?? .seconds(time?.seconds ?? 600), seed: seed,
        threads: threads ?? ParallelWork.processorCount)
      settings.shard = try shard.shard(output.console)
      settings.corpus = corpus
      try reports.check()
      let deadline = Deadline(settings.budget)
      let adapter = try adapter { Interruption.isWished || deadline.isOver }
      let run = CampaignRun(
        adapter, around: model, configPath: config, laws: law.chosen,
        known: try known.divergences(of: adapter, model.layout, output.console),
        arguments: law.arguments + layout.words + choice.arguments,
        fuzzArguments: known.words + (corpus.map { ["--corpus", $0] } ?? []))
      Interruption.watch()
      settings.isCancelled = { Interruption.isWished }
      settings.damaged = { [console = output.console] in console.warn("\($0)") }
      let report = try campaign(run, settings, deadline)
      try reports.write(report, of: "fuzz", config: config, to: output.console)
      return try Interruption.outcome(holds: report.holds, output.console)
    }
  }

  private func campaign(
    _ run: CampaignRun, _ settings: RunSettings, _ deadline: Deadline
  ) throws -> RunReport {
    let total: Int
    let unit: Progress.Unit
    switch settings.budget {
    case .seconds(let seconds): (total, unit) = (seconds, .seconds)
    case .examples(let examples): (total, unit) = (examples / settings.shard.count, .items)
    }
    let progress = Progress("fuzzing", total: total, in: unit, output.console)
    defer { progress.finish() }
    return try run.run(settings) { step in
      deadline.reach(step.milliseconds)
      if let law = step.shrinking {
        progress.enter("shrinking a failure of \(law)")
      } else {
        progress.reach(unit == .seconds ? step.milliseconds / 1000 : step.judged)
        progress.tell(
          "\(grouped(step.judged)) cases"
            + (step.failures > 0 ? ", \(grouped(step.failures)) kinds of failures" : ""))
      }
    }
  }
}

/// The end of a campaign's time, for adapters that may never answer.
private final class Deadline: Sendable {
  private let limit: Int?
  private let end = Mutex<ContinuousClock.Instant?>(nil)

  init(_ budget: RunBudget) {
    if case .seconds(let seconds) = budget { limit = seconds * 1000 } else { limit = nil }
    reach(0)
  }

  /// Says how many milliseconds of the time are used up.
  func reach(_ milliseconds: Int) {
    guard let limit else { return }
    let left = ContinuousClock.now + .milliseconds(max(0, limit - milliseconds))
    end.withLock { $0 = left }
  }

  var isOver: Bool { end.withLock { $0.map { ContinuousClock.now >= $0 } ?? false } }
}
