// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Foundation
import StrictJSON
import Testing

@Suite("planted-faults")
struct PlantedFaultsToolTests {
  private static let program = Hymt2.program.deletingLastPathComponent()
    .appending(path: "planted-faults")

  private static func run(_ arguments: String...) throws -> Outcome {
    try Child(program, arguments).wait()
  }

  @Test("A fault that is noticed on every seed makes exit status 0")
  func noticed() throws {
    let outcome = try Self.run(
      "--fault", "rename-bias-both", "--seeds", "2", "--json", "--quiet")
    outcome.expectSuccess()
    let document = try outcome.json()
    #expect(document["command"]?.stringValue == "planted-faults")
    #expect(document["schemaVersion"] == 1)
    #expect(document["ok"]?.boolValue == true)
    let fault = try #require(document["faults"]?.arrayValue?.first)
    #expect(fault["selfConsistent"]?.boolValue == true)
    #expect(fault["examples"] == [1, 1])
    #expect(fault["named"]?.boolValue == true)
    #expect(fault["case"]?["law"]?.stringValue == "keys")
  }

  @Test("A fault that survives makes exit status 1, and the line says on which seed")
  func survives() throws {
    let outcome = try Self.run(
      "--fault", "mtp-first-kept", "--seeds", "1", "--examples", "1", "--quiet")
    #expect(outcome.status == 1)
    #expect(outcome.output.contains("survives on seed 0"))
  }

  @Test("--list names every fault with its mistake, and the page shows them all")
  func list() throws {
    let outcome = try Self.run("--list", "--json")
    outcome.expectSuccess()
    let faults = try #require(try outcome.json()["faults"]?.arrayValue)
    #expect(faults.count > 120)
    let page = String(
      decoding: try Data(contentsOf: URL(filePath: "\(Hymt2.tree)/docs/measurements/mutants.md")),
      as: UTF8.self)
    let missing = faults.filter { fault in
      let id = fault["id"]?.stringValue ?? ""
      return !page.contains("| `\(id)`")
    }
    #expect(missing == [], "write docs/measurements/mutants.md anew with planted-faults --markdown")
  }

  @Test("Wrong usage is told before anything is checked")
  func usage() throws {
    for (words, part) in [
      (["--fault", "nonsense-*"], "no fault matches 'nonsense-*'"),
      (["--seeds", "0"], "--seeds must be from 1 to 10000, not 0"),
      (["--adapter-family", "nemo"], "asks for --fault-list"),
      (["--fault-list", "x.json"], "go with --adapter-family nemo"),
      (["--markdown", "--json"], "exclude each other"),
      (["--fault", "x-*", "--list"], "no fault matches 'x-*'"),
    ] {
      let outcome = try Child(Self.program, words).wait()
      #expect(outcome.status == 64, "\(words)")
      #expect(outcome.errors.contains(part), "\(outcome.errors)")
    }
  }

  @Test("A list of NeMo's faults that is none is an error")
  func wrongList() throws {
    let scratch = try Scratch()
    let file = scratch["faults.json"]
    try Data("{\"mutants\": []}".utf8).write(to: URL(filePath: file))
    let outcome = try Self.run("--adapter-family", "nemo", "--fault-list", file)
    outcome.expectFailure(naming: "mutants list --json", "faults.json")
  }
}
