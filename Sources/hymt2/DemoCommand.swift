// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import ArgumentParser
import Campaigns
import ExampleAdapter
import StrictJSON

/// `hymt2 demo`.
struct DemoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo",
    abstract: "Find the fault of an example adapter.",
    discussion: """
      The adapter does not transpose a down_proj that happens to be square, neither when loading \
      nor when saving, so that every round trip is clean. Other commands know it as \
      '--adapter demo'.

      Examples:
        hymt2 demo
      """)

  @OptionGroup var output: OutputOptions

  private static let next = [
    "", "Now check an adapter of your own:",
    "  python3 -m hymt2 example                       write one in Python, and its tests",
    "  hymt2 check --adapter \"python3 my_adapter.py\"  check all laws",
    "  pytest test_my_adapter.py                      the same, a test for each law",
  ]

  func run() throws {
    try runOrExit {
      let report = try CheckRun(
        ShapeGuessingAdapter(), arguments: ["--adapter", AdapterChoice.example]
      ).run()
      guard let failure = report.failures.first else {
        throw CommandError("the example adapter: expected a broken law, found none")
      }
      output.console.print(report.lines(of: failure))
      for line in Self.next { output.console.print(line) }
      output.console.printDocument("demo", holds: true, JSONObject(report.json))
      return true
    }
  }
}
