// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Adapters
import ArgumentParser
import Campaigns
import CheckpointGenerators
import ExternalAdapters
import Layouts
import StrictJSON

/// The options of commands that check laws on generated checkpoints.
struct CheckArguments: ParsableArguments {
  @OptionGroup var law: LawArguments

  @Option(
    help: ArgumentHelp(
      "Check only checkpoints of this config.json.", valueName: "file"))
  var config: String?

  @Option(
    help: ArgumentHelp(
      "Write the smallest failing checkpoint as safetensors to this new folder.",
      valueName: "folder"))
  var saveCase: String?

  @OptionGroup var layout: LayoutArguments

  @OptionGroup var choice: AdapterChoice

  /// The checkpoints: of the config if there is one, else of any config of the layout, which is the one
  /// that an adapter serves where none is chosen.
  ///
  /// - Parameter console: Told of a layout that nobody chose.
  func space(
    for adapter: (any AdapterUnderTest)? = nil, _ console: Console? = nil
  ) throws -> CheckpointSpace {
    if let config { return CheckpointSpace(config: try layout.config(fileAt: config)) }
    if let chosen = try layout.chosen() { return CheckpointSpace(layout: chosen) }
    guard let external = adapter as? ExternalAdapter else {
      return CheckpointSpace(layout: .usual)
    }
    // A name and never a file: what an adapter says opens nothing.
    let served = try external.layout.map { try Layout.named($0) }
    if served == nil {
      console?.note(
        "checking checkpoints of layout \(Layout.usual.name); --layout NAME chooses another")
    }
    return CheckpointSpace(layout: served ?? .usual)
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

  /// Saves cases where asked for: the first under the name given, others with a number after it.
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

/// The options that say which laws are checked.
struct LawArguments: ParsableArguments {
  @Option(
    name: .customLong("law"),
    help: ArgumentHelp(
      "Check only this law; may be repeated. 'hymt2 check --list-laws' lists them.",
      valueName: "name"), transform: name)
  var laws: [String] = []

  @Option(
    name: .customLong("without-law"),
    help: ArgumentHelp("Check all laws but this one; may be repeated.", valueName: "name"),
    transform: name)
  var lawsLeftOut: [String] = []

  func validate() throws {
    guard laws.isEmpty || lawsLeftOut.isEmpty else {
      throw ValidationError("--law and --without-law exclude each other")
    }
  }

  /// Reads the name of a law.
  @Sendable static func name(_ text: String) throws -> String {
    let list = WordList(Laws.all.map(\.name))
    guard let name = list.meaning(of: text) else {
      throw ValidationError(list.answer(to: text))
    }
    return name
  }

  /// The laws, in their order.
  var chosen: [AdapterLaw] {
    Laws.all.filter { law in
      (laws.isEmpty || laws.contains(law.name)) && !lawsLeftOut.contains(law.name)
    }
  }

  /// What says the same on a command line.
  var arguments: [String] {
    laws.flatMap { ["--law", $0] } + lawsLeftOut.flatMap { ["--without-law", $0] }
  }
}

/// The options that say how far a search goes once something has failed.
struct SearchArguments: ParsableArguments {
  @Flag(help: "Run all examples; report every distinct failure.")
  var keepGoing = false

  @Flag(help: "Stop at the first failure that is not known. This is the default.")
  var failFast = false

  @Option(help: ArgumentHelp("Stop after this many failures that are not known.", valueName: "n"))
  var maxFailures: Int?

  @Option(
    help: ArgumentHelp(
      "How many checkpoints to try when shrinking a failure.", valueName: "n"))
  var shrinkAttempts: Int?

  @Option(
    help: ArgumentHelp(
      """
      How long to shrink a failure. The report then depends on how fast the machine is. \
      Default: 10 with --adapter, otherwise no limit.
      """, valueName: "n"))
  var shrinkSeconds: Int?

  func validate() throws {
    guard [keepGoing, failFast, maxFailures != nil].count(where: \.self) < 2 else {
      throw ValidationError("--keep-going, --fail-fast and --max-failures exclude each other")
    }
    try require("--max-failures", maxFailures, in: 1...1_000_000_000)
    try require("--shrink-attempts", shrinkAttempts, in: 0...1_000_000_000)
    try require("--shrink-seconds", shrinkSeconds, in: 0...1_000_000_000)
  }

  /// Changes what was asked for.
  ///
  /// - Parameter isExternal: Whether the adapter is one of another process, which may hang at each
  ///   attempt.
  func apply(to settings: inout RunSettings, isExternal: Bool) {
    settings.keepsGoing = keepGoing || maxFailures != nil
    settings.mostFailures = maxFailures ?? (keepGoing ? .max : 1)
    if let shrinkAttempts { settings.shrinkExecutions = shrinkAttempts }
    settings.shrinkTimeBudget = (shrinkSeconds ?? (isExternal ? 10 : nil)).map { .seconds($0) }
  }

  /// What says the same on a command line, but for --keep-going, which the settings tell.
  var words: [String] {
    (maxFailures.map { ["--max-failures", "\($0)"] } ?? [])
      + (shrinkAttempts.map { ["--shrink-attempts", "\($0)"] } ?? [])
      + (shrinkSeconds.map { ["--shrink-seconds", "\($0)"] } ?? [])
  }
}
