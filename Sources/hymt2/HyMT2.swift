// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import ArgumentParser

/// The command line.
@main
struct HyMT2: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "hymt2",
    abstract:
      "Check that a checkpoint adapter moves every weight to the right place and back.",
    discussion: """
      Results go to standard output; progress, warnings and errors to standard error.
      Exit status: 0 everything held, 1 a law failed, 2 could not run, 64 wrong usage.
      """,
    version: "hymt2 \(version)",
    subcommands: [
      DemoCommand.self, CheckCommand.self, FuzzCommand.self, ReplayCommand.self, ProveCommand.self,
      NamesCommand.self,
      VerifyCommand.self,
      ConvertCommand.self, DigestCommand.self, DiffCommand.self, InspectCommand.self,
      GoldenCommand.self,
      KnownCommand.self,
      LayoutsCommand.self,
      BenchCommand.self,
    ])

  static let version = "0.1.0"
}
