// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import ArgumentParser
import Goldens
import StrictJSON

struct GoldenAcceptCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "accept",
    abstract: "Put a proposed set in the place of the golden files, all at once.",
    discussion: """
      Killed at any moment, it leaves the old set or the new one, whole. Refuses to run where the \
      environment variable CI is set: there, nobody looks at what is accepted.

      Examples:
        hymt2 golden accept /tmp/new
      """)

  @Argument(help: "The folder that propose made.")
  var proposed: String

  @OptionGroup var set: GoldenSetArguments
  @OptionGroup var output: OutputOptions

  func run() throws {
    try runOrExit {
      let value = Console.environment("CI")
      guard value == nil || value == "false" || value == "0" else {
        throw CommandError(
          "CI=\(value ?? ""): expected a person who has seen the difference, found continuous "
            + "integration; run accept by hand and commit the result")
      }
      try OutputPlace(proposed).checkOutside(of: set.path)
      let new = try GoldenSet(path: proposed)
      try new.replace(setAt: set.path)
      output.console.print("\(set.path): \(countText(new.manifest.entries.count)) cases")
      output.console.printDocument(
        "golden accept", holds: true, [("cases", JSONValue(new.manifest.entries.count))])
      return true
    }
  }
}
