// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Adapters
import ArgumentParser
import Campaigns
import CheckpointGenerators
import Layouts

/// The options of commands that judge laws on generated checkpoints.
struct CheckArguments: ParsableArguments {
  @OptionGroup var law: LawArguments

  @Option(
    help: ArgumentHelp(
      "Judge checkpoints of this config.json only.", valueName: "file"))
  var config: String?

  @Option(
    help: ArgumentHelp(
      "Write the smallest failing checkpoint as safetensors to this new folder.",
      valueName: "folder"))
  var saveCase: String?

  @OptionGroup var layout: LayoutArguments

  @OptionGroup var choice: AdapterChoice

  /// The checkpoints: of the config if there is one, else of any config of the layout.
  func space() throws -> CheckpointSpace {
    guard let config else { return CheckpointSpace(layout: try layout.chosenOrUsual()) }
    return CheckpointSpace(config: try layout.config(fileAt: config))
  }

  /// The run of the chosen laws on the chosen checkpoints.
  func run(
    _ adapter: any AdapterUnderTest, _ space: CheckpointSpace, known: KnownDivergences? = nil,
    checkArguments: [String] = []
  ) -> CheckRun {
    let arguments =
      law.arguments + (config.map { ["--config", $0] } ?? []) + layout.words + choice.arguments
    return CheckRun(
      adapter, laws: law.chosen, space: space, known: known, arguments: arguments,
      checkArguments: checkArguments)
  }

  /// Checks, before the work begins, that the case can be saved.
  func checkOutput() throws {
    guard let saveCase else { return }
    try OutputPlace(saveCase).checkFree()
  }

  /// Saves cases where asked for: the first under the name given, others with a number behind it.
  func save(_ failures: [Failure], _ console: Console) throws {
    guard let saveCase else { return }
    for (index, failure) in failures.enumerated() {
      let path = index == 0 ? saveCase : "\(saveCase)-\(index + 1)"
      try failure.save(to: path)
      console.note("saved the checkpoint that breaks \(failure.law.name) to '\(path)'")
    }
    if failures.isEmpty { console.note("no law is broken, so no checkpoint was saved") }
  }
}

extension Console {
  /// Writes lines of a report.
  func print(_ lines: [ReportLine]) {
    for line in lines {
      if let verdict = line.verdict {
        printVerdict(verdict, line.text)
      } else {
        print(line.text)
      }
    }
  }
}
