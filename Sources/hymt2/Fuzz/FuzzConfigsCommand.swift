// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import ArgumentParser
import Campaigns
import CheckpointGenerators
import Layouts
import StrictJSON
import Synchronization
import Tensors

/// `hymt2 fuzz configs`.
struct FuzzConfigsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "configs",
    abstract: "Read changed texts of a config: none may crash, each refusal must say where.",
    discussion: """
      Changes the text at random, byte by byte and field by field. A text is either a config, around \
      which a campaign can begin, or refused with the field that is wrong, or with the byte where it \
      is no JSON.

      Examples:
        hymt2 fuzz configs --config config.json
        hymt2 fuzz configs --config config.json --mutations 100000 --seed 7
      """)

  @Option(help: ArgumentHelp("The config.json to change.", valueName: "file"))
  var config: String

  @Option(help: "How many changed texts to read.")
  var mutations = 100_000

  @Option(help: "The number of the first one, to read one again.")
  var first: UInt64 = 0

  @Option(help: "What the changes derive from.")
  var seed: UInt64 = 0

  @OptionGroup var output: OutputOptions

  func validate() throws {
    guard (1...1_000_000_000).contains(mutations) else {
      throw ValidationError("--mutations must be from 1 to 1000000000, not \(mutations)")
    }
  }

  func run() throws {
    try runOrExit {
      let model = try ModelConfig(fileAt: config)
      let storage = try TensorStorage.mapping(config)
      let text = (0..<storage.bytes.byteCount).map { storage.bytes.byte(at: $0) }
      let tally = Mutex(Tally())
      let progress = Progress("reading", total: mutations, in: .items, output.console)
      let mutator = ConfigMutator(text, of: model)
      let trial = ConfigTrial()
      ParallelWork.run(count: mutations) { index, _ in
        let number = first &+ UInt64(index)
        let outcome = trial.judge(mutator.mutant(number, seed: seed))
        tally.withLock { $0.add(outcome, number) }
        progress.advance(1)
      }
      progress.finish()
      return tally.withLock { report($0) }
    }
  }

  private struct Tally {
    var accepted = 0
    var unusable = 0
    var refused = 0
    /// The numbers of texts that were refused without a place, with the refusal.
    var placeless: [(number: UInt64, text: String)] = []

    mutating func add(_ outcome: ConfigTrial.Outcome, _ number: UInt64) {
      switch outcome {
      case .accepted: accepted += 1
      case .unusable: unusable += 1
      case .refused(_, let text):
        refused += 1
        if !outcome.saysWhere { placeless.append((number, text)) }
      }
    }
  }

  private func report(_ tally: Tally) -> Bool {
    let console = output.console
    let placeless = tally.placeless.sorted { $0.number < $1.number }
    let holds = placeless.isEmpty
    console.printVerdict(
      holds,
      "\(countText(mutations)) changed texts of \(config), seed \(seed): "
        + "\(countText(tally.accepted)) are configs, \(countText(tally.unusable)) are configs of "
        + "which nothing can be generated, \(countText(tally.refused)) are refused, "
        + (holds ? "each with the place" : "\(countText(placeless.count)) without a place"))
    for (number, text) in placeless.prefix(10) {
      console.print("  \(text)")
      console.print(
        "    hymt2 fuzz configs --config \(config) --seed \(seed) --first \(number) --mutations 1")
    }
    console.printDocument(
      "fuzz configs", holds: holds,
      [
        ("mutations", JSONValue(mutations)), ("seed", JSONValue(seed)),
        ("accepted", JSONValue(tally.accepted)), ("unusable", JSONValue(tally.unusable)),
        ("refused", JSONValue(tally.refused)),
        ("withoutPlace", .array(placeless.map { JSONValue($0.number) })),
      ])
    return holds
  }
}
