// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import ArgumentParser
import Campaigns

/// The options that say how far a search goes once something has failed.
struct SearchArguments: ParsableArguments {
  @Flag(help: "Judge all examples whatever fails, and show every cause. --adapter implies it.")
  var keepGoing = false

  @Option(
    help: ArgumentHelp(
      "How many checkpoints to try to make one failure small.", valueName: "n"))
  var shrinkAttempts: Int?

  @Option(
    help: ArgumentHelp(
      """
      How long to try to make one failure small. The report then depends on the machine and its \
      load. Default: 120 with --adapter, otherwise no limit.
      """, valueName: "n"))
  var shrinkSeconds: Int?

  func validate() throws {
    for (name, number) in [("attempts", shrinkAttempts), ("seconds", shrinkSeconds)] {
      guard let number, !(0...1_000_000_000).contains(number) else { continue }
      throw ValidationError("--shrink-\(name) must be from 0 to 1000000000, not \(number)")
    }
  }

  /// Changes what was asked for.
  ///
  /// - Parameter isExternal: Whether the adapter is one of another process, which may have many
  ///   faults and may hang at each attempt.
  func apply(to settings: inout RunSettings, isExternal: Bool) {
    settings.keepsGoing = keepGoing || isExternal
    if let shrinkAttempts { settings.shrinkExecutions = shrinkAttempts }
    settings.shrinkTimeBudget = (shrinkSeconds ?? (isExternal ? 120 : nil)).map { .seconds($0) }
  }

  /// What says the same on a command line, but for --keep-going, which the settings tell.
  var words: [String] {
    (shrinkAttempts.map { ["--shrink-attempts", "\($0)"] } ?? [])
      + (shrinkSeconds.map { ["--shrink-seconds", "\($0)"] } ?? [])
  }
}
