// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Foundation
import Testing

@testable import hymt2

@Suite("The command line as a whole")
struct HyMT2Tests {
  static let options = ["--json", "--color", "--quiet", "--help"]
  static let commands: [(name: String, options: [String])] = [
    (
      "check",
      [
        "--law", "--without-law", "--examples", "--seed", "--config", "--threads", "--list-laws",
        "--save-case",
        "--report", "--junit", "--timings", "--list-axes", "--keep-going", "--shrink-attempts",
        "--shrink-seconds", "--known", "--no-known", "--layout", "--native",
        "--accepts-invalid-input",
      ]
    ),
    (
      "replay",
      [
        "<token>", "--law", "--config", "--save-case", "--known", "--no-known", "--layout",
        "--native",
      ]
    ),
    ("prove", ["--config", "--ep-size", "--layout", "--native"]),
    ("verify", ["<folder>", "--synthetic", "--config", "--adapter", "--layout"]),
    (
      "convert",
      [
        "--to", "<input>", "<output>", "--dtype", "--ep-rank", "--ep-size", "--exclude", "--mtp",
        "--max-memory", "--max-shard-size", "--layout", "--native",
      ]
    ),
    ("inspect", ["<path>", "--summary"]),
    ("known list", ["<adapter>", "<version>", "--known", "--markdown", "--layout"]),
    ("known draft", ["<report>"]),
    ("layouts list", ["--configs"]),
    ("layouts show", ["<table>", "--native", "--config"]),
    ("layouts audit", ["<tables>"]),
    ("bench", ["--runs", "--layout"]),
    ("golden verify", ["--set", "--filter", "--adapter", "--no-known", "--layout"]),
    ("golden list", ["--set", "--filter"]),
    ("golden diff", ["<new>", "--set", "--filter"]),
    ("golden accept", ["<proposed>", "--set"]),
    (
      "fuzz run",
      [
        "--config", "--time", "--examples", "--seed", "--corpus", "--shard", "--adapter",
        "--report", "--junit", "--layout", "--native",
      ]
    ),
    ("fuzz merge", ["<folders>", "--report", "--junit"]),
    ("fuzz corpus list", ["<folder>"]),
    ("fuzz corpus merge", ["<folder>", "<others>"]),
    ("fuzz corpus minimise", ["<folder>"]),
  ]

  /// The commands whose examples need no files and are work.
  private static let runnable = [
    "bench", "check", "known list", "layouts audit", "layouts list", "layouts show",
  ]

  /// What a command prints for `--help`.
  static func help(of command: String) throws -> Outcome {
    try Hymt2.start(command.split(separator: " ").map(String.init) + ["--help"]).wait()
  }

  @Test("Help lists the commands and the exit statuses; the version is one line")
  func overview() throws {
    let help = try Hymt2.run("--help")
    help.expectSuccess()
    for (name, _) in Self.commands {
      let first = name.prefix { $0 != " " }
      #expect(help.output.contains("\n  \(first) "))
    }
    #expect(help.output.contains("Exit status: 0 everything held, 1 a law failed"))
    #expect(try Hymt2.run().output == help.output)
    #expect(try Hymt2.run("--version").output == "hymt2 0.1.0\n")
  }

  @Test("Help of each command has its options, the common ones and examples, in 80 columns")
  func help() throws {
    for (name, options) in Self.commands {
      let help = try Self.help(of: name)
      help.expectSuccess()
      for option in options + Self.options {
        #expect(
          help.output.contains("  \(option)") || help.output.contains(", \(option)"), "\(name)")
      }
      let examples = try #require(help.output.range(of: "\n\nExamples:\n  hymt2 \(name)"))
      let text = help.output[..<examples.lowerBound].split(separator: "\n")
      // Lines broken in the source, too, would leave short ones.
      #expect(text.dropLast().allSatisfy { $0.count <= 80 }, "\(text)")
    }
  }

  @Test("Examples in help are understood")
  func examples() throws {
    let scratch = try Scratch()
    let folder = Hymt2.program.deletingLastPathComponent().path
    for (name, _) in Self.commands where !Self.runnable.contains(name) {
      let lines = try Self.help(of: name).outputLines.filter { $0.hasPrefix("  hymt2 ") }
      try #require(!lines.isEmpty)
      // A token is all that its checkpoint needs.
      for line in lines where !line.contains(" c1:") {
        let arguments = line.dropFirst("  hymt2".count)
        let outcome = try Child(
          URL(filePath: "/bin/sh"), ["-c", "PATH='\(folder)':$PATH; exec hymt2 \(arguments)"],
          in: scratch.path
        ).wait()
        // The files are not there, but that much is understood.
        outcome.expectFailure()
      }
    }
  }

  @Test("Wrong usage is exit status 64, with a hint and nothing on standard output")
  func usage() throws {
    let wrong = [
      ["nothing"], ["prove"], ["prove", "--config"], ["prove", "--config", "a", "b"],
      ["prove", "--config", "a", "--ep-size", "0"], ["prove", "--config", "a", "--ep-size", "x"],
      ["prove", "--config", "a", "--dtype", "bf16"], ["prove", "--config", "a", "--prefix", "x"],
      ["prove", "--config", "a", "--activation", "gelu"],
      ["verify"], ["verify", "a", "b"], ["verify", "a", "--config", "b"],
      ["verify", "--synthetic"],
      ["verify", "a", "--synthetic", "--config", "b"], ["verify", "--config", "b"],
      ["convert", "a", "b"], ["convert", "--to", "hf", "a"], ["convert", "--to", "x", "a", "b"],
      ["convert", "--to", "hf", "a", "b", "--ep-rank", "0"],
      ["convert", "--to", "hf", "a", "b", "--ep-size", "1"],
      ["convert", "--to", "hf", "a", "b", "--ep-rank", "2", "--ep-size", "2"],
      ["convert", "--to", "hf", "a", "b", "--ep-rank", "0", "--ep-size", "0"],
      ["convert", "--to", "hf", "a", "b", "--ep-rank=-1", "--ep-size=-1"],
      ["convert", "--to", "native", "a", "b", "--exclude", "x"],
      ["convert", "--to", "native", "a", "b", "--mtp", "keep"],
      ["convert", "--to", "native", "a", "b", "--max-memory", "0"],
      ["convert", "--to", "native", "a", "b", "--max-memory", "many"],
      ["convert", "--to", "native", "a", "b", "--max-shard-size", "99999999TiB"],
      ["check", "extra"], ["check", "--examples", "0"], ["check", "--seed=-1"],
      ["check", "--threads", "0"], ["check", "--law", "none-such"],
      ["check", "--without-law", "none-such"],
      ["check", "--law", "keys", "--without-law", "bytes"],
      ["replay"], ["replay", "a", "b"], ["replay", "a", "--law", "none-such"],
      ["inspect"], ["inspect", "a", "--color", "red"], ["inspect", "a", "--loud"],
      ["layouts", "show"], ["layouts", "audit"], ["layouts", "show", "none"],
      ["check", "--layout", "none"], ["check", "--native", "x", "--layout", "qwen3_moe"],
      ["bench", "--runs", "0"], ["bench", "--experts", "0"], ["bench", "extra"],
    ]
    for arguments in wrong {
      let outcome = try Hymt2.start(arguments).wait()
      #expect(outcome.status == 64, "\(arguments) \(outcome)")
      #expect(outcome.output == "", "\(arguments)")
      #expect(outcome.errors.hasPrefix("Error: "), "\(arguments) \(outcome.errors)")
      #expect(outcome.errors.contains("Usage: hymt2"), "\(arguments) \(outcome.errors)")
    }
  }

  @Test("Work that finds a broken law is exit status 1")
  func brokenLaw() throws {
    let error = try #require(throws: (any Error).self) { try runOrExit { false } }
    #expect("\(error)" == "ExitCode(rawValue: 1)")
    try runOrExit { true }
  }

  @Test("A result that cannot be written is exit status 2")
  func fullDevice() throws {
    let outcome = try Child(
      URL(filePath: "/bin/sh"),
      ["-c", "\"$0\" inspect \"$1\" >/dev/full"]
        + [Hymt2.program.path, "\(Hymt2.tree)/Tests/SafetensorsTests/Fixtures/tiny-hyv3"]
    ).wait()
    outcome.expectFailure(naming: "cannot write the result: No space left on device")
  }
}
