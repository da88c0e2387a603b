// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import ArgumentParser
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
    ("demo", []),
    ("prove", ["--config", "--ep-size", "--layout", "--native"]),
    ("names", ["<index>", "--config", "--layout"]),
    (
      "digest",
      ["<folder>", "--to", "--ep-rank", "--ep-size", "--exclude", "--mtp", "--max-memory"]
    ),
    ("diff", ["<first>", "<second>", "--report", "--layout", "--native"]),
    ("verify", ["<folder>", "--synthetic", "--config", "--adapter", "--layout"]),
    (
      "convert",
      [
        "--to", "<input>", "<output>", "--dtype", "--ep-rank", "--ep-size", "--exclude", "--mtp",
        "--max-memory", "--max-shard-size", "--layout", "--native",
      ]
    ),
    ("inspect", ["<path>", "--summary"]),
    ("known list", ["<adapter>", "<version>", "--known", "--markdown", "--overview", "--layout"]),
    ("known draft", ["<report>"]),
    ("layouts list", ["--configs"]),
    ("layouts show", ["<table>", "--native", "--config"]),
    ("layouts audit", ["<tables>", "--all"]),
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
    "bench", "check", "demo", "known list", "layouts audit", "layouts list", "layouts show",
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
      ["prove", "--config", "a", "--dtype", "bf15"], ["prove", "--config", "a", "--prefix", "x"],
      ["prove", "--config", "a", "--activation", "gelu"],
      ["verify"], ["verify", "a", "b"], ["verify", "a", "--headers-only", "--adapter", "b"],
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

  @Test("A word near a right one is understood or answered with the right one")
  func nearWords() throws {
    let config = "\(Hymt2.tree)/Generators/configs/hy-mt2-30b-a3b.json"
    for type in ["bf16", "BF16", "bfloat16", "torch.bfloat16"] {
      try Hymt2.run("prove", "--config", config, "--dtype", type).expectSuccess()
    }
    try Hymt2.run(
      "check", "--examples", "1", "--quiet", "--law", "round_trip", "--layout", "Qwen3-MoE"
    ).expectSuccess()
    let near: [(arguments: [String], answer: String)] = [
      (["check", "--law", "roundtrip"], "did you mean 'round-trip'?"),
      (["check", "--without-law", "invalid"], "did you mean 'invalid-input'?"),
      (["check", "--layout", "qwen3moe"], "did you mean 'qwen3_moe'?"),
      (["check", "--layout", "hy_v3", "--native", "transformer"], "did you mean 'transformers'?"),
      (["prove", "--config", config, "--dtype", "bf15"], "did you mean 'BF16'?"),
      (["prove", "--config", config, "--activation", "swigluu"], "did you mean 'swiglu'"),
      (
        ["prove", "--config", config, "--prefix", "languagemodel"],
        "did you mean 'language_model.'?"
      ),
      (["convert", "--to", "nativ", "a", "b"], "did you mean 'native'?"),
      (["convert", "--to", "hf", "a", "b", "--mtp", "droop"], "did you mean 'drop'?"),
      (["golden", "verify", "--only", "refuse"], "did you mean 'refused'?"),
      (["inspect", "a", "--color", "allways"], "did you mean 'always'?"),
    ]
    for (arguments, answer) in near {
      let outcome = try Hymt2.start(arguments).wait()
      #expect(outcome.status == 64, "\(arguments) \(outcome)")
      #expect(outcome.errors.contains(answer), "\(arguments) \(outcome.errors)")
    }
    try Hymt2.run("known", "list", "nemo").expectFailure(naming: "did you mean 'nemo-automodel")
    try Hymt2.run("known", "list", "NeMo_Automodel", "--layout", "hy-v3").expectSuccess()
    try Hymt2.run("replay", "c1:hyv3").expectFailure(naming: "'hy_v3'", "the nearest of ")
    try Hymt2.run("replay", "c1:hy_v3:num_expert=2").expectFailure(naming: "'num_experts'")
    try Hymt2.run("replay", "c1:hy_v3:target=bf15").expectFailure(naming: "'bf16'")
  }

  /// Every command of the program, by its words.
  private static func commands(
    _ command: any ParsableCommand.Type = HyMT2.self, _ words: [String] = []
  ) -> [[String]] {
    [words]
      + command.configuration.subcommands.flatMap { subcommand in
        commands(subcommand, words + [subcommand._commandName])
      }
  }

  @Test("No line of any help is longer than 80 characters")
  func widths() throws {
    let commands = Self.commands()
    #expect(commands.count > 20)
    for command in commands {
      let help = try Hymt2.start(command + ["--help"]).wait()
      help.expectSuccess()
      let long = help.outputLines.filter { $0.count > 80 }
      #expect(long.isEmpty, "hymt2 \(command.joined(separator: " ")) --help")
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
