// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import ArgumentParser
import Campaigns
import CheckpointGenerators
import Goldens
import PropertyEngine
import StrictJSON
import Synchronization

struct GoldenExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Write random checkpoints as golden files, for other programs to check.",
    usage: "hymt2 golden export <out> [<options>]",
    discussion: """
      The results are those of the reference adapter. To check them with NeMo and NumPy:
        hymt2 golden export /tmp/cases
        HYMT2_GOLDEN=/tmp/cases pytest Generators/python/tests/test_golden.py
      """)

  @Argument(help: "The folder to make.")
  var out: String

  @Option(help: "How many checkpoints to draw; those on which upstream differs are left out.")
  var cases = 100

  @Option(help: "Random seed.")
  var seed: UInt64 = 0

  @OptionGroup var layout: LayoutArguments
  @OptionGroup var output: OutputOptions

  func validate() throws {
    try require("--cases", cases, in: 1...10_000)
  }

  func run() throws {
    try runOrExit {
      let drawn = Drawn()
      let space = CheckpointSpace(layout: try layout.chosenOrUsual())
      let property = Property(.checkpoints(space)) { spec, _ in
        drawn.specs.withLock { $0.append(spec) }
        return .pass
      }
      _ = property.run(Settings(examples: cases, seed: seed))
      var goldens: [GoldenCase] = []
      for (position, spec) in drawn.specs.withLock({ $0 }).enumerated() {
        let digits = String(position)
        let number = String(repeating: "0", count: 5 - digits.count) + digits
        if let golden = try GoldenCase(generated: "generated-\(number)", spec) {
          goldens.append(golden)
        }
      }
      let set = try GoldenSet(writing: goldens, to: out, generator: "hymt2 golden export")
      output.console.print("\(out): \(grouped(set.manifest.entries.count)) cases")
      output.console.printDocument(
        "golden export", holds: true, ["cases": JSONValue(set.manifest.entries.count)])
      return true
    }
  }

  private final class Drawn: Sendable {
    let specs = Mutex<[CheckpointSpec]>([])
  }
}
