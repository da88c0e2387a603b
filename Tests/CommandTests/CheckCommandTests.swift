// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Adapters
import ArgumentParser
import Campaigns
import CheckpointGenerators
import Foundation
import Layouts
import StrictJSON
import Testing

@testable import hymt2

@Suite("hymt2 check")
struct CheckCommandTests {
  @Test("All laws hold for the reference adapter; text says so in a few lines")
  func text() throws {
    let outcome = try Hymt2.run("check", "--examples", "5", "--quiet")
    outcome.expectSuccess()
    let count = Laws.all.count - 1
    #expect(
      outcome.outputLines.first
        == "✔ \(count) laws held, 1 not applicable, on 5 checkpoints, seed 0 (adapter: reference)")
    #expect(outcome.outputLines.count <= 15, "\(outcome.output)")
    #expect(outcome.output.contains("coverage of the config axes: "))
  }

  @Test("The first failure ends a check, or so many, or none; it is told when it is found")
  func failures() throws {
    let scratch = try Scratch()
    func run(_ options: String...) throws -> Outcome {
      try Hymt2.start(
        ["check", "--adapter", ScriptedAdapter.command("exit@always"), "--examples", "6", "--json"]
          + options, in: scratch.path
      ).wait()
    }
    let first = try run()
    #expect(first.status == 1)
    #expect(first.errors.contains(" is broken in example 1: "), "\(first.errors)")
    #expect(try first.json()["examples"]?["judged"] == 1)
    #expect(try run("--fail-fast").output == first.output)
    #expect(try run("--keep-going").json()["examples"]?["judged"] == 6)
    let two = try run("--max-failures", "2").json()
    #expect(two["reproduce"]?.stringValue?.contains("--max-failures 2") == true)
    #expect(try run("--fail-fast", "--keep-going").status == 64)
  }

  @Test("With --verbose there are tables of laws and axes")
  func tables() throws {
    let outcome = try Hymt2.run("check", "--examples", "5", "--quiet", "--verbose")
    outcome.expectSuccess()
    for law in Laws.all { #expect(outcome.output.contains("\n  \(law.name) ")) }
    for part in ["coverage of the config axes", "pairs of values", "checkpoints by axis"] {
      #expect(outcome.output.contains(part))
    }
  }

  @Test("JSON is the same in each run and with any number of threads; timings are asked for")
  func json() throws {
    let arguments = ["check", "--examples", "12", "--seed", "9", "--json"]
    let first = try Hymt2.start(arguments + ["--threads", "1", "--quiet"]).wait()
    first.expectSuccess()
    for threads in ["1", "2", "4"] {
      let again = try Hymt2.start(arguments + ["--threads", threads]).wait()
      #expect(again.output == first.output, "\(threads) threads")
    }
    let json = try first.json()
    #expect(json["schemaVersion"] == 1)
    #expect(json["command"] == "check")
    #expect(json["ok"] == true)
    #expect(json["version"] == .string(HyMT2.version))
    #expect(json["examples"]?["judged"] == 12)
    #expect(json["reproduce"] == "hymt2 check --examples 12 --seed 9")
    #expect(json["timings"] == nil)
    let timed = try Hymt2.start(arguments + ["--timings"]).wait().json()
    #expect(timed["timings"]?["seconds"]?.doubleValue ?? 0 > 0)
  }

  @Test("Chosen laws are checked alone, in the order of the list")
  func chosenLaws() throws {
    let outcome = try Hymt2.run(
      "check", "--examples", "4", "--law", "round-trip", "--law", "keys", "--json")
    let laws = try #require(try outcome.json()["laws"]?.arrayValue)
    #expect(laws.map { $0["name"] } == ["keys", "round-trip"])
  }

  @Test("Laws can be left out, of the replay command too")
  func withoutLaws() throws {
    let outcome = try Hymt2.run(
      "check", "--examples", "2", "--without-law", "keys", "--without-law", "bytes", "--json",
      "--quiet")
    outcome.expectSuccess()
    let names = try #require(try outcome.json()["laws"]?.arrayValue).map { $0["name"]?.stringValue }
    #expect(names == Laws.all.map(\.name).filter { $0 != "keys" && $0 != "bytes" })
    let chosen = try CheckArguments.parse(["--without-law", "keys"])
    let run = chosen.run(ReferenceAdapter(), try chosen.space())
    #expect(run.arguments == ["--without-law", "keys"])
  }

  @Test("An unknown law is wrong usage, and the error lists the laws")
  func unknownLaw() throws {
    let outcome = try Hymt2.run("check", "--law", "none-such")
    #expect(outcome.status == 64)
    #expect(outcome.output == "")
    #expect(outcome.errors.contains("'none-such' is invalid for '--law <name>'"))
    for law in Laws.all { #expect(outcome.errors.contains(law.name)) }
  }

  @Test("No examples is wrong usage")
  func noExamples() throws {
    for count in ["0", "-1"] {
      let outcome = try Hymt2.run("check", "--examples=\(count)")
      #expect(outcome.status == 64)
      #expect(outcome.errors.contains("--examples must be from 1"))
    }
  }

  @Test("--list-laws names every law with what it states and checks nothing")
  func listLaws() throws {
    let text = try Hymt2.run("check", "--list-laws")
    text.expectSuccess()
    #expect(text.output.hasPrefix("\(Laws.all[0].name)\n  holds:      "))
    let json = try Hymt2.run("check", "--list-laws", "--json").json()
    #expect(
      json["laws"]?.arrayValue?.map { $0["name"]?.stringValue } == Laws.all.map(\.name))
    let lines = try Hymt2.run("check", "--list-laws", "--layout", "gpt_oss").outputLines
    #expect(lines.allSatisfy { $0.count <= 100 })
    let words = lines.joined(separator: " ").split(separator: " ").joined(separator: " ")
    for law in Laws.all(for: try Layout.named("gpt_oss")) {
      #expect(words.contains("\(law.name) holds: \(law.statement) because: \(law.reason)"))
    }
  }

  @Test("A config pins the checkpoints; one that cannot be read is exit status 2")
  func config() throws {
    let scratch = try Scratch()
    try scratch.write(Synthetic.config(experts: 5), to: "config.json")
    let outcome = try Hymt2.run(
      "check", "--examples", "4", "--config", scratch["config.json"], "--json", "--quiet")
    outcome.expectSuccess()
    let json = try outcome.json()
    #expect(json["reproduce"]?.stringValue?.hasSuffix("--config \(scratch["config.json"])") == true)
    let axes = try #require(json["coverage"]?["axes"]?.arrayValue)
    let values = try #require(axes.first { $0["name"] == "experts" }?["values"]?.arrayValue)
    #expect(values.filter { $0["examples"] == 4 }.count == 1)
    try Hymt2.run("check", "--config", scratch["none.json"])
      .expectFailure(naming: scratch["none.json"], "No such file")
  }

  @Test("Report files are written whole, with nothing beside them")
  func reports() throws {
    let scratch = try Scratch()
    try Hymt2.run(
      "check", "--examples", "3", "--quiet", "--report", scratch["r.html"], "--report",
      scratch["r.MD"], "--report", scratch["r.xml"], "--junit", scratch["j.xml"]
    ).expectSuccess()
    #expect(try scratch.names() == ["j.xml", "r.MD", "r.html", "r.xml"])
    let text = { String(decoding: try scratch.bytes($0), as: UTF8.self) }
    #expect(try text("r.html").hasPrefix("<!doctype html>"))
    #expect(try text("r.MD").hasPrefix("## ✔ hymt2 check: Every law held"))
    let junit = try text("j.xml")
    #expect(junit.contains(#"<testsuite name="hymt2 check" tests="\#(Laws.all.count)""#))
    #expect(try text("r.xml") == junit)
  }

  @Test("--list-invalid-input names every kind and the side that is given it")
  func invalidInputKinds() throws {
    let lines = try Hymt2.run("check", "--list-invalid-input").outputLines
    #expect(lines.count == CheckpointFaultCatalogue.all.count)
    #expect(lines.contains { $0.split(separator: " ") == ["missing-expert", "on", "disk"] })
    #expect(lines.contains { $0.split(separator: " ") == ["grouped-flat", "native"] })
    let json = try Hymt2.run("check", "--list-invalid-input", "--json").json()
    #expect(json["kinds"]?.arrayValue?.count == lines.count)
  }

  @Test("A report whose name says no format is refused, and the formats are named")
  func unknownReportFormat() throws {
    let outcome = try Hymt2.run("check", "--examples", "1000000", "--report", "report.pdf")
    #expect(outcome.status == 64)
    #expect(outcome.errors.contains("'report.pdf'; expected .html, .md, .xml"), "\(outcome.errors)")
  }

  @Test("Places for files that cannot be are found before the work begins")
  func places() throws {
    let scratch = try Scratch()
    try Hymt2.run("check", "--examples", "1000000", "--report", scratch["none/r.html"])
      .expectFailure(naming: scratch["none/r.html"])
    try Hymt2.run("check", "--examples", "1000000", "--junit", scratch["none/j.xml"])
      .expectFailure(naming: scratch["none/j.xml"])
    try Hymt2.run("check", "--examples", "1000000", "--save-case", scratch.path)
      .expectFailure(naming: scratch.path, "free")
  }

  @Test("Interrupted, it reports what was done, says so and exits with 2")
  func interruption() throws {
    let child = try Hymt2.start(["check", "--examples", "1000000", "--json"])
    Thread.sleep(forTimeInterval: 3)
    child.send(SIGINT)
    let outcome = child.wait()
    #expect(outcome.status == 2)
    #expect(outcome.errors.contains("stopped by signal \(SIGINT) before the end"))
    let json = try outcome.json()
    #expect(json["end"] == "cancelled")
    #expect(json["ok"] == true)
  }

  @Test(
    "Interrupted while an adapter answers, it finds nothing that is not there, and keeps what is")
  func interruptionOfOthers() throws {
    let scratch = try Scratch()
    let runs = try [SIGINT, SIGTERM, SIGINT, SIGTERM].enumerated().map { number, signal in
      let isFaulty = number > 1
      let server = isFaulty ? ScriptedAdapter.command("refuse@always") : ScriptedAdapter.command()
      return (
        signal: signal, isFaulty: isFaulty,
        child: try Hymt2.start(
          [
            "check", "--examples", "1000000", "--keep-going", "--json", "--quiet",
            "--adapter", server,
          ], in: scratch.path)
      )
    }
    Thread.sleep(forTimeInterval: 4)
    for run in runs {
      run.child.send(run.signal)
      Thread.sleep(forTimeInterval: 0.1)
    }
    for run in runs {
      let outcome = run.child.wait()
      #expect(outcome.status == (run.isFaulty ? 1 : 2))
      let json = try outcome.json()
      #expect(json["end"] == "cancelled")
      #expect(json["ok"] == .bool(!run.isFaulty))
      #expect(!outcome.output.contains("Cancellation"))
    }
  }
}
