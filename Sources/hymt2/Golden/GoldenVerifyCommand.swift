// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import ArgumentParser
import Goldens
import StrictJSON

struct GoldenVerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Run an adapter on every golden and compare it with upstream.",
    discussion: """
      Compares names and SHA-256 of all files with the manifest first. Then valid cases must come \
      out of both conversions as upstream made them, wrong results must break the law that their \
      case names, and invalid state dicts must be refused with the findings that theirs names. \
      Writes nothing.

      Examples:
        hymt2 golden verify
        hymt2 golden verify --filter lora
        hymt2 golden verify --adapter "python3 my_adapter.py"
      """)

  @OptionGroup var set: GoldenSetArguments
  @OptionGroup var selection: GoldenFilterArguments
  @OptionGroup var choice: AdapterChoice
  @OptionGroup var output: OutputOptions

  func run() throws {
    try runOrExit {
      let console = output.console
      let set = try GoldenSet(path: set.path)
      let entries = try set.entries(matching: selection.filter)
      var faults: [GoldenFault] = []
      let adapter = try choice.adapter()
      for entry in entries { faults += try set.read(entry).faults(of: adapter) }
      let (valid, invalid) = (
        entries.count { $0.verdict == .valid }, entries.count { $0.verdict == .invalid }
      )
      console.printVerdict(true, "\(countText(entries.count)) files are whole")
      for (verdict, line) in [
        (
          GoldenDescription.Verdict.valid,
          "\(countText(valid)) cases come out as upstream has them"
        ),
        (.invalid, "\(countText(invalid)) wrong results and invalid state dicts are noticed"),
      ] {
        let ids = Set(entries.lazy.filter { $0.verdict == verdict }.map(\.id))
        let concerned = faults.filter { ids.contains($0.id) }
        guard !ids.isEmpty else { continue }
        console.printVerdict(concerned.isEmpty, line)
        for fault in concerned { console.print("  \(fault)") }
      }
      console.printDocument(
        "golden verify", holds: faults.isEmpty,
        [
          ("valid", JSONValue(valid)), ("invalid", JSONValue(invalid)),
          (
            "faults",
            .array(
              faults.map {
                [
                  "case": .string($0.id), "question": .string($0.question.rawValue),
                  "summary": .string($0.summary),
                ]
              })
          ),
        ])
      return faults.isEmpty
    }
  }
}
