// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Foundation
import Goldens
import OrderedCollections
import StrictJSON
import Tensors
import Testing

@Suite struct GoldenCommandTests {
  private let scratch: Scratch
  private static let person = ["CI": "false"]

  init() throws { scratch = try Scratch() }

  /// Copies the committed set; of the cases of the copy, all but the last few stay.
  private func copySet(_ name: String, without dropped: Int = 0) throws -> String {
    try FileManager.default.copyItem(atPath: "\(Hymt2.tree)/Golden", toPath: scratch[name])
    guard dropped > 0 else { return scratch[name] }
    let manifest = "\(name)/manifest.json"
    let json = try JSONValue(parsing: scratch.bytes(manifest))
    var object = try #require(json.objectValue)
    let cases = try #require(object["cases"]?.arrayValue)
    object["cases"] = .array(cases.dropLast(dropped))
    try scratch.write(JSONValue.object(object).bytes(.python), to: manifest)
    for entry in cases.suffix(dropped) {
      try scratch.remove("\(name)/\(try #require(entry["file"]?.stringValue))")
    }
    return scratch[name]
  }

  @Test func theCommittedSetHolds() throws {
    let outcome = try Hymt2.run("golden", "verify", in: Hymt2.tree)
    outcome.expectSuccess()
    #expect(outcome.outputLines.allSatisfy { $0.hasPrefix("✔") })
  }

  @Test func aFilterSelectsCases() throws {
    let outcome = try Hymt2.run(
      "golden", "verify", "--filter", "lora", "--json", in: Hymt2.tree)
    outcome.expectSuccess()
    #expect(try outcome.json()["valid"]?.integerValue == 26)
    let ofLayout = try Hymt2.run(
      "golden", "verify", "--filter", "lora", "--layout", "qwen3_moe", "--json", in: Hymt2.tree)
    let count = try #require(try ofLayout.json()["valid"]?.integerValue)
    #expect((1..<23).contains(count))
    try Hymt2.run("golden", "verify", "--filter", "nothing", in: Hymt2.tree)
      .expectFailure(naming: "nothing", "list the cases")
    try Hymt2.run("golden", "verify", "--filter", "lorra", in: Hymt2.tree)
      .expectFailure(naming: "or try lora")
  }

  @Test func aKindOfCasesIsSelected() throws {
    var counts: [Int] = []
    for kind in ["valid", "wrong", "Refused"] {
      let outcome = try Hymt2.run(
        "golden", "verify", "--only", kind, "--layout", "hy-mt2", "--json", in: Hymt2.tree)
      outcome.expectSuccess()
      let json = try outcome.json()
      let others = ["valid", "wrong", "refused"].filter { $0 != kind.lowercased() }
      for other in others { #expect(json[other] == 0, "--only \(kind): \(other)") }
      counts.append(try #require(json[kind.lowercased()]?.integerValue))
    }
    let all = try Hymt2.run("golden", "verify", "--layout", "hy_mt2", "--json", in: Hymt2.tree)
    for (kind, count) in zip(["valid", "wrong", "refused"], counts) {
      #expect(count > 0)
      #expect(try all.json()[kind] == JSONValue(count), "\(kind)")
    }
  }

  @Test func aMissingSetIsNamedWithItsOption() throws {
    for arguments in [["golden", "verify"], ["golden", "list"], ["golden", "diff", "new"]] {
      try Hymt2.start(arguments, in: scratch.path).wait()
        .expectFailure(naming: "no set of golden files in 'Golden'", "--set")
    }
  }

  @Test func casesAreListed() throws {
    let outcome = try Hymt2.run("golden", "list", "--filter", "experts-128", in: Hymt2.tree)
    outcome.expectSuccess()
    #expect(outcome.output.contains("experts-128  valid"))
    #expect(outcome.output.contains("nemo-automodel 0.7.0"))
  }

  @Test func aDamagedFileFailsBeforeAnythingIsJudged() throws {
    let set = try copySet("set")
    try scratch.edit("set/lora.h5") { $0[4000] ^= 1 }
    try Hymt2.run("golden", "verify", "--set", set).expectFailure(naming: "lora.h5", "SHA-256")
  }

  @Test func aDifferenceIsShownByTensors() throws {
    try Hymt2.run("golden", "diff", try copySet("same"), in: Hymt2.tree).expectSuccess()
    let outcome = try Hymt2.run("golden", "diff", try copySet("less", without: 1), in: Hymt2.tree)
    #expect(outcome.status == 1)
    #expect(outcome.output.hasPrefix("removed  wrong-"))
  }

  @Test func aDifferenceIsReportedByCauseAndAcceptedByIt() throws {
    let (old, new) = (try copySet("old"), try copySet("new", without: 2))
    // Another case stands under a name of the old set, as if it had been made anew.
    let names = ["experts-11.h5", "experts-1.h5"]
    let golden = try GoldenCase(parsing: scratch.bytes("old/\(names[0])"), of: names[0])
    let tensors = try StateDict(
      golden[.native].enumerated().map { position, entry in
        guard position == 0 else { return (entry.name, entry.tensor) }
        let tensor = entry.tensor
        return (
          entry.name,
          try Tensor(tensor.dtype, tensor.shape) { tensor.bits(at: $0) ^ ($0 == 1 ? 2 : 0) }
        )
      })
    var groups = golden.groups
    groups[.native] = tensors
    let made = try GoldenSet(
      writing: [GoldenCase(golden.description, groups)], to: scratch["made"], generator: "test")
    try scratch.write(scratch.bytes("made/\(names[0])"), to: "new/\(names[0])")
    let entry = try #require(
      JSONValue(parsing: scratch.bytes("made/manifest.json"))["cases"]?.arrayValue?.first)
    var manifest = try #require(
      JSONValue(parsing: scratch.bytes("new/manifest.json")).objectValue)
    manifest["cases"] = .array(
      (manifest["cases"]?.arrayValue ?? []).map { $0["id"] == "experts-11" ? entry : $0 })
    try scratch.write(JSONValue.object(manifest).bytes(.python), to: "new/manifest.json")
    #expect(made.manifest.entries.count == 1)
    for ending in ["md", "html"] {
      let report = scratch["diff.\(ending)"]
      let outcome = try Hymt2.run("golden", "diff", new, "--set", old, "--report", report)
      #expect(outcome.status == 1 && outcome.output.contains("1 case changed, 2 cases removed"))
      let text = try String(decoding: scratch.bytes("diff.\(ending)"), as: UTF8.self)
      for part in ["experts-11, native", "1 of ", "at most 2 ulps", "value.bitFlipped", "--cause"] {
        let shown = ending == "md" ? part.replacing("-", with: "\\-") : part
        #expect(text.contains(part) || text.contains(shown), "\(ending): no '\(part)' in \(text)")
      }
    }
    #expect(try Hymt2.run("golden", "diff", new, "--report", "diff.pdf").status == 64)
    func accept(_ arguments: String...) throws -> Outcome {
      try Hymt2.start(
        ["golden", "accept", new, "--set", old, "--json"] + arguments, environment: Self.person
      ).wait()
    }
    try accept("--cause", "halvesExchanged").expectFailure(naming: "value.bitFlipped")
    let byCause = try accept("--cause", "value.bitflipped")
    byCause.expectSuccess()
    #expect(try byCause.json()["accepted"] == ["experts-11"])
    let rest = try Hymt2.run("golden", "diff", new, "--set", old, "--json").json()
    #expect(rest["changed"] == [] && rest["removed"]?.arrayValue?.count == 2)
    try accept("--filter", "wrong", "--cause", "removed").expectSuccess()
    try Hymt2.run("golden", "diff", new, "--set", old).expectSuccess()
    #expect(try scratch.difference("old", "new") == nil)
  }

  @Test func aSetIsAcceptedByAPerson() throws {
    let (old, new) = (try copySet("old"), try copySet("new", without: 2))
    let outcome = try Hymt2.run("golden", "accept", new, "--set", old, environment: Self.person)
    outcome.expectSuccess()
    #expect(try scratch.difference("old", "new") == nil)
  }

  @Test(arguments: ["true", "1", "yes"])
  func continuousIntegrationAcceptsNothing(value: String) throws {
    let (old, new) = (try copySet("old"), try copySet("new", without: 2))
    try Hymt2.run("golden", "accept", new, "--set", old, environment: ["CI": value])
      .expectFailure(naming: "CI=\(value)")
    #expect(try scratch.difference("old", "new") != nil)
  }

  @Test func aSetIsNotAcceptedFromInsideTheOldOne() throws {
    let old = try copySet("old")
    _ = try copySet("old/new")
    try Hymt2.run("golden", "accept", "\(old)/new", "--set", old, environment: Self.person)
      .expectFailure(naming: "outside")
  }

  @Test func aKilledAcceptLeavesTheOldSetOrTheNewOne() throws {
    let (old, new) = (try copySet("old"), try copySet("new", without: 3))
    let manifests = [
      try scratch.bytes("old/manifest.json"), try scratch.bytes("new/manifest.json"),
    ]
    for moment in 0..<12 {
      let child = try Hymt2.start(
        ["golden", "accept", new, "--set", old], environment: Self.person)
      Thread.sleep(forTimeInterval: 0.02 * Double(moment))
      child.send(SIGKILL)
      _ = child.wait()
      let set = try GoldenSet(path: old)
      for entry in set.manifest.entries { _ = try set.bytes(of: entry) }
      let isWhole = try manifests.contains(scratch.bytes("old/manifest.json"))
      #expect(isWhole, "killed after \(20 * moment) ms")
    }
  }

  @Test func nothingIsProposedInsideTheTree() throws {
    try Hymt2.run("golden", "propose", "\(Hymt2.tree)/new", in: Hymt2.tree)
      .expectFailure(naming: "outside")
  }

  @Test func aMissingPythonIsNamed() throws {
    try Hymt2.run(
      "golden", "propose", scratch["new"], "--python", "/no/python", in: Hymt2.tree
    ).expectFailure(naming: "/no/python", "--python")
    #expect(try scratch.names() == [])
  }

  @Test func aProposalRunsThePythonThatIsNamed() throws {
    try scratch.write(Array("#!/bin/sh\necho \"$PWD $*\"\n".utf8), to: "python")
    try FileManager.default.setAttributes(
      [.posixPermissions: 0o755], ofItemAtPath: scratch["python"])
    let outcome = try Hymt2.run(
      "golden", "propose", scratch["new"], "--python", scratch["python"], in: Hymt2.tree)
    outcome.expectSuccess()
    #expect(outcome.output.contains("Generators/python -m hymt2 golden-produce --out "))
  }

  @Test func exportedCasesAreASet() throws {
    try Hymt2.run("golden", "export", scratch["cases"], "--cases", "8").expectSuccess()
    try Hymt2.run("golden", "verify", "--set", scratch["cases"]).expectSuccess()
  }

  @Test func aGoldenFileIsInspected() throws {
    let outcome = try Hymt2.run("inspect", "Golden/lora.h5", in: Hymt2.tree)
    outcome.expectSuccess()
    #expect(outcome.output.contains("format_version = 1"))
    #expect(outcome.output.contains("native/base_model.model.model.layers.1.mlp"))
  }

  @Test func inspectNoticesChangedDataOfAGoldenFile() throws {
    let set = try copySet("set")
    let bytes = try scratch.bytes("set/lora.h5")
    // The last bytes of these files are data.
    try scratch.edit("set/lora.h5") { $0[bytes.count - 1] ^= 1 }
    try Hymt2.run("inspect", "\(set)/lora.h5").expectFailure(naming: "lora.h5")
  }
}
