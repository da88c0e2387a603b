// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import ArgumentParser
import Goldens

struct GoldenCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "golden",
    abstract: "Check the golden files that upstream made, or take over new ones.",
    discussion: """
      A change of the set takes three steps: propose makes a new set outside the tree with \
      upstream's adapter, diff shows what is new in it, accept puts it in the place of the old one.
      """,
    subcommands: [
      GoldenVerifyCommand.self, GoldenListCommand.self, GoldenDiffCommand.self,
      GoldenProposeCommand.self, GoldenAcceptCommand.self, GoldenExportCommand.self,
    ])
}

/// The set that a command works on.
struct GoldenSetArguments: ParsableArguments {
  @Option(name: .customLong("set"), help: "The folder of the golden files.")
  var path = "Golden"
}

/// The cases that a command works on.
struct GoldenFilterArguments: ParsableArguments {
  @Option(help: "Only cases whose name contains this text, or that have it as a flag.")
  var filter: String?
}
