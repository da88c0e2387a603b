// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import ArgumentParser
import Campaigns
import Foundation
import StrictJSON
import Testing

@testable import hymt2

@Suite("hymt2 replay")
struct ReplayCommandTests {
  private let scratch: Scratch

  init() throws { scratch = try Scratch() }

  /// Runs a command on an adapter in this process; gives its exit status.
  private func status(
    _ command: any ParsableCommand, _ adapter: any AdapterUnderTest
  ) throws -> Int32 {
    do {
      if let check = command as? CheckCommand { try check.run(adapter) }
      if let replay = command as? ReplayCommand { try replay.run(adapter) }
      return 0
    } catch let error as ExitCode {
      return error.rawValue
    }
  }

  /// A token of a failure that the refusing adapter has.
  private func token(_ arguments: [String] = []) throws -> String {
    let chosen = try CheckArguments.parse(["--law", "keys"] + arguments)
    let report = try chosen.run(RefusingAdapter(), chosen.space()).run(RunSettings(examples: 50))
    return try #require(report.failures.first?.token)
  }

  @Test("A failing check is exit status 1 and saves the case, which replays from its folder")
  func savedCase() throws {
    let check = try CheckCommand.parse([
      "--examples", "50", "--law", "keys", "--quiet", "--save-case", scratch["case"],
      "--junit", scratch["j.xml"],
    ])
    #expect(try status(check, RefusingAdapter()) == 1)
    #expect(try scratch.names(in: "case") == ["README.md", "config.json", "model.safetensors"])
    let junit = String(decoding: try scratch.bytes("j.xml"), as: UTF8.self)
    #expect(junit.contains("three experts are too many"))
    let replay = try ReplayCommand.parse([scratch["case"], "--quiet", "--json"])
    #expect(try status(replay, RefusingAdapter()) == 1)
    let verified = try Hymt2.run("inspect", scratch["case"])
    #expect(verified.status == 0, "\(verified.errors)")
  }

  @Test("A token whose checkpoint fails no longer is exit status 0 and says so")
  func held() throws {
    let token = try token()
    let outcome = try Hymt2.run("replay", token)
    outcome.expectSuccess()
    #expect(outcome.output.hasPrefix("✔ no longer fails: "))
    let json = try Hymt2.run("replay", token, "--json", "--law", "keys").json()
    #expect(json["ok"] == true)
    #expect(json["token"]?.stringValue == token)
    #expect(json["laws"]?.arrayValue?.count == 1)
  }

  @Test("A file that has a token anywhere will do; one without is exit status 2")
  func files() throws {
    let token = try token()
    try scratch.write(Array("{\"replay\": \"hymt2 replay \(token)\"}\n".utf8), to: "r.json")
    try Hymt2.run("replay", scratch["r.json"]).expectSuccess()
    try scratch.write(Array("nothing\n".utf8), to: "n.txt")
    try Hymt2.run("replay", scratch["n.txt"]).expectFailure(naming: scratch["n.txt"], "token")
    try Hymt2.run("replay", scratch["none"]).expectFailure(naming: scratch["none"], "No such file")
  }

  @Test("Damaged tokens and those of other configs are exit status 2; a token has its config")
  func foreign() throws {
    let token = try token()
    try Hymt2.run("replay", "\(token),size=1").expectFailure(naming: "the token", "'size'")
    try Hymt2.run("replay", "p2_").expectFailure(naming: "token of an older version")
    try scratch.write(Synthetic.config(experts: 5), to: "config.json")
    try Hymt2.run("replay", token, "--config", scratch["config.json"])
      .expectFailure(naming: "the token's checkpoint has another config")
    let pinned = try self.token(["--config", scratch["config.json"]])
    try Hymt2.run("replay", pinned).expectSuccess()
    try Hymt2.run("replay", pinned, "--config", scratch["config.json"]).expectSuccess()
  }
}
