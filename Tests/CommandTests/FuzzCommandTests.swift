// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Foundation
import StrictJSON
import Testing

@testable import hymt2

@Suite("hymt2 fuzz")
struct FuzzCommandTests {
  private static let text = """
    {"model_type": "hy_v3", "vocab_size": 4, "hidden_size": 8, "intermediate_size": 4, \
    "moe_intermediate_size": 3, "num_experts": 5, "num_shared_experts": 1, "num_hidden_layers": 3, \
    "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 2, "first_k_dense_replace": 1, \
    "num_nextn_predict_layers": 1, "dtype": "bfloat16", "qk_norm": true}
    """
  private let scratch: Scratch
  private let config: String

  init() throws {
    scratch = try Scratch()
    config = scratch["config.json"]
    try Self.text.write(toFile: config, atomically: true, encoding: .utf8)
  }

  @Test("Laws hold around a config; reports are written, and shards are merged")
  func shards() throws {
    let folders = ["1", "2"].map { scratch["shard-\($0)"] }
    for number in 1...2 {
      let outcome = try Hymt2.start([
        "fuzz", "--config", config, "--examples", "8", "--shard", "\(number)/2", "--corpus",
        folders[number - 1], "--json", "--quiet",
      ]).wait()
      outcome.expectSuccess()
      #expect(try outcome.json()["ok"] == true)
      #expect(try outcome.json()["command"] == "fuzz")
    }
    let html = scratch["report.html"]
    let junit = scratch["report.xml"]
    let merged = try Hymt2.start(
      ["fuzz", "merge"] + folders + ["--json", "--report", html, "--junit", junit]
    ).wait()
    merged.expectSuccess()
    #expect(try merged.json()["cases"]?["judged"] == 8)
    for file in [html, junit] { #expect(FileManager.default.fileExists(atPath: file)) }
    let half = try Hymt2.run("fuzz", "merge", folders[0], "--quiet")
    #expect(half.status == 2)
    #expect(half.errors.contains("expected all 2 shards, found none of 2/2"), "\(half.errors)")
  }

  @Test("Another process's adapter has no proof of plans and no layer at full size")
  func adapter() throws {
    let arguments = ["fuzz", "--config", config, "--examples", "8", "--json", "--quiet"]
    func phases(_ arguments: [String]) throws -> [String] {
      let outcome = try Hymt2.start(arguments, in: scratch.path).wait()
      outcome.expectSuccess()
      let phases = try #require(try outcome.json()["phases"]?.arrayValue)
      return phases.compactMap { $0["name"]?.stringValue }
    }
    let reference = try phases(arguments)
    #expect(reference.prefix(2) == ["plan proof", "full-size layer"])
    let other = try phases(arguments + ["--adapter", ScriptedAdapter.command()])
    #expect(other == Array(reference.dropFirst(2)))
  }

  @Test("Help without a subcommand has the options of a campaign and an example for the first run")
  func help() throws {
    let help = try Hymt2.run("fuzz", "--help")
    help.expectSuccess()
    let options = { (outcome: Outcome) in
      Set(
        outcome.outputLines.filter { $0.hasPrefix("  -") }
          .map { $0.split(separator: "  ").first.map(String.init) ?? "" })
    }
    let missing = try options(Hymt2.run("fuzz", "run", "--help")).subtracting(options(help))
    #expect(missing == [])
    #expect(options(help).count > 20)
    #expect(
      help.outputLines.contains("  hymt2 fuzz --config Generators/configs/hy3.json --time 1m"))
    #expect(help.outputLines.allSatisfy { $0.count <= 80 })
  }

  @Test("The shard comes from the environment unless it is given")
  func environment() throws {
    let arguments = ["fuzz", "--config", config, "--examples", "4", "--json"]
    let outcome = try Hymt2.start(arguments, environment: ["HYMT2_SHARD": "2/2"]).wait()
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(try outcome.json()["shards"] == ["2/2"])
    let given = try Hymt2.start(
      arguments + ["--shard", "1/4"], environment: ["HYMT2_SHARD": "2/2"]
    ).wait()
    #expect(try given.json()["shards"] == ["1/4"])
  }

  @Test(
    "Wrong usage is told",
    arguments: [
      ["--time", "10x"], ["--time", "0"], ["--examples", "0"], ["--shard", "3/2"],
      ["--shard", "0/2"],
      ["--time", "1m", "--examples", "5"],
    ])
  func usage(_ words: [String]) throws {
    let outcome = try Hymt2.start(["fuzz", "--config", config] + words).wait()
    #expect(outcome.status == 64, "\(outcome.errors)")
  }

  @Test(
    "Times are read",
    arguments: [
      ("90s", 90), ("10m", 600), ("2h", 7200), ("1h30m", 5400), ("45", 45), ("1h1s", 3601),
    ])
  func times(_ text: String, _ seconds: Int) {
    #expect(TimeSpan(argument: text)?.seconds == seconds)
  }

  @Test(
    "What is no time is not read",
    arguments: [
      "", "s", "m10", "10", "1m1h", "1m1m", "-5s", "1.5m", "99999999999999999999h", "5m3",
    ].filter { $0 != "10" })
  func noTimes(_ text: String) {
    #expect(TimeSpan(argument: text) == nil)
  }

  @Test("A config that cannot be read is an error that names the field")
  func badConfig() throws {
    let path = scratch["bad.json"]
    try Self.text.replacing("\"num_experts\": 5", with: "\"num_experts\": -1").write(
      toFile: path, atomically: true, encoding: .utf8)
    try Hymt2.run("fuzz", "--config", path).expectFailure(naming: "num_experts", path)
  }

  @Test("A corpus is listed and shrunk")
  func others() throws {
    let corpus = scratch["corpus"]
    try Hymt2.run(
      "fuzz", "--config", config, "--examples", "6", "--corpus", corpus, "--quiet"
    ).expectSuccess()
    let list = try Hymt2.run("fuzz", "corpus", "list", corpus, "--quiet")
    list.expectSuccess()
    #expect(list.outputLines.count == 6)
    #expect(list.outputLines.allSatisfy { $0.hasPrefix("c1:hy_v3") })
    let small = try Hymt2.run("fuzz", "corpus", "minimise", corpus, "--json", "--quiet")
    small.expectSuccess()
    let cases = try small.json()["cases"]?.integerValue ?? 0
    #expect((1...6).contains(cases))
  }
}
