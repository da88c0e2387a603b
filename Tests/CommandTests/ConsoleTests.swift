// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Foundation
import StrictJSON
import Testing

@Suite("Color, quiet and progress")
struct ConsoleTests {
  private static let green = "\u{1b}[32m✔\u{1b}[0m every move stays inside its tensors\n"

  @Test("Color is for terminals, or as --color says")
  func color() throws {
    let scratch = try Scratch()
    let tiny = try scratch.tiny()
    let plain = try Hymt2.run("verify", tiny).output
    let colored = try Hymt2.run("verify", tiny, "--color", "always").output
    #expect(!plain.contains("\u{1b}"))
    #expect(colored.contains(Self.green))
    #expect(colored.replacing(/\u{1b}\[[0-9]+m/, with: "") == plain)
    #expect(try Hymt2.run("verify", tiny, "--color", "never").output == plain)
    let json = try Hymt2.run("verify", tiny, "--color", "always", "--json").output
    #expect(!json.contains("\u{1b}"))
    let insisted = try Hymt2.run(
      "verify", tiny, "--color", "always", environment: ["NO_COLOR": "1"])
    #expect(insisted.output == colored)
  }

  @Test("On a terminal, color goes with NO_COLOR and progress with --quiet")
  func terminal() throws {
    let scratch = try Scratch()
    let tiny = try scratch.tiny()
    /// Runs on a terminal that `script` makes, which is not everywhere.
    func onTerminal(_ options: String, _ variables: [String: String] = [:]) throws -> String? {
      let script = URL(filePath: "/usr/bin/script")
      guard FileManager.default.isExecutableFile(atPath: script.path) else { return nil }
      let command = "'\(Hymt2.program.path)' verify '\(tiny)' \(options)"
      let outcome = try Child(
        script, ["-qec", command, "/dev/null"], environment: variables
      ).wait()
      #expect(outcome.status == 0, "\(outcome)")
      return outcome.output.replacing("\r\n", with: "\n")
    }
    guard let auto = try onTerminal("") else { return }
    #expect(auto.contains(Self.green))
    #expect(try onTerminal("", ["NO_COLOR": "1"])?.contains("\u{1b}[32m") == false)
    #expect(try onTerminal("", ["NO_COLOR": ""])?.contains(Self.green) == true)
    #expect(try onTerminal("--color never")?.contains("\u{1b}[32m") == false)
  }

  @Test("--quiet leaves standard error empty on success; short work elsewhere shows no progress")
  func quiet() throws {
    let scratch = try Scratch()
    try Synthetic.write(Synthetic.config(mtp: 1), to: scratch["disk"])
    let loud = try Hymt2.run("convert", "--to", "native", scratch["disk"], scratch["a"])
    #expect(loud.status == 0)
    #expect(loud.errors.contains("dropped"))
    #expect(!loud.errors.contains("converting"))
    for option in ["--quiet", "-q"] {
      let quiet = try Hymt2.run(
        "convert", "--to", "native", scratch["disk"], scratch[option], option)
      quiet.expectSuccess()
      #expect(quiet.outputLines.count == 4)
    }
    // Errors are no warnings.
    try Hymt2.run("verify", scratch["none"], "--quiet").expectFailure(naming: scratch["none"])
  }

  @Test("hymt2 bench measures, in text and JSON")
  func bench() throws {
    let text = try Hymt2.run(
      "bench", "--runs", "1", "--experts", "1", "--cases", "50", "--growth")
    text.expectSuccess()
    let lines = text.output.split(separator: "\n").map(String.init)
    let starts = [
      "MoE layer, 9.4 MB, ", "  memcpy  ", "  fromHF new ", "  toHF new ", "  fromHF  ", "  toHF  ",
      "  to F32  ", "  to BF16  ", "growth: ",
    ]
    #expect(zip(lines, starts).allSatisfy { $0.hasPrefix($1) }, "\(text.output)")
    #expect(lines.count == 20 && lines[1].hasSuffix(" 1.000 of memcpy"), "\(text.output)")
    #expect(
      lines.last?.wholeMatch(
        of: /[\d,]+ random checkpoints a second .*, 50 in all on \d+ threads/)
        != nil, "\(text.output)")
    let json = try Hymt2.run(
      "bench", "--runs", "1", "--experts", "1", "--cases", "50", "--json"
    )
    .json()
    #expect(json["schemaVersion"] == 1)
    #expect(json["bytes"] == 9_437_184)
    let rows = ["fromHF", "fromHF new", "memcpy", "to BF16", "to F32", "toHF", "toHF new"]
    #expect(json["seconds"]?.objectValue?.members.map(\.0) == rows)
    #expect(json["ofMemcpy"]?.objectValue?.members.map(\.0) == rows)
    #expect(json["cases"] == 50)
  }

  @Test(
    "hymt2 bench measures no layer that memory has no room for, and none that nothing is done to")
  func benchOfNothing() throws {
    try Hymt2.run("bench", "--experts", "1024", "--hidden", "65536", "--intermediate", "65536")
      .expectFailure(naming: "give fewer --experts")
    let shared = try Hymt2.run("bench", "--layout", "gpt_oss", "--experts", "1", "--cases", "50")
    shared.expectSuccess()
    #expect(shared.output.hasPrefix("MoE layer: nothing is converted"), "\(shared.output)")
  }
}
