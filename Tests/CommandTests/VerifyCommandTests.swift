// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
import StrictJSON
import Testing

@Suite("hymt2 verify")
struct VerifyCommandTests {
  @Test("A checkpoint written by transformers holds, in text and JSON")
  func transformers() throws {
    let scratch = try Scratch()
    let tiny = try scratch.tiny()
    let text = try Hymt2.run("verify", tiny)
    text.expectSuccess()
    #expect(
      text.output == """
        ✔ 3 files are whole and agree with the index
        ✔ every tensor of the config is there with its shape
        ✔ every tensor has its element type
        ✔ every move stays inside its tensors
        ✔ every element is written once and read once
        ✔ every element is where the layout's index formula puts it
        ✔ converting back restores every element
        ✔ 768 elements of experts are where the formula says
        ✔ 24 expert tensors (1.5 KB) round-trip bit for bit
          64 tensors, 2,232 parameters
          8 F32 + 2,224 BF16 elements
          4,480 bytes

        """)
    let document = try Hymt2.run("verify", tiny, "--json")
    document.expectSuccess()
    let json = try document.json()
    #expect(json["schemaVersion"] == 1)
    #expect(json["command"] == "verify")
    #expect(json["ok"] == true)
    #expect(json["tensors"] == 64)
    #expect(json["bytes"] == 4480)
    #expect(json["expertTensors"] == 24)
    #expect(json["expertBytes"] == 1536)
    #expect(json["sampledElements"] == 768)
    #expect(json["castTo"] == .null)
    #expect(json["faults"] == [])
    #expect(json["disagreements"] == [])
    let isSame = try Hymt2.run("verify", tiny, "--json").output == document.output
    #expect(isSame)
  }

  @Test("A cast on the way is said")
  func cast() throws {
    let scratch = try Scratch()
    let tiny = try scratch.tiny()
    let text = try Hymt2.run("verify", tiny, "--dtype", "F8_E4M3")
    text.expectSuccess()
    #expect(text.output.contains("round-trip bit for bit, cast to F8_E4M3\n"))
    #expect(try Hymt2.run("verify", tiny, "--dtype", "F32", "--json").json()["castTo"] == "F32")
    #expect(!(try Hymt2.run("verify", tiny, "--dtype", "BF16")).output.contains("cast"))
  }

  @Test("Single files, MTP layers and other prefixes hold")
  func kinds() throws {
    let scratch = try Scratch()
    try Synthetic.write(Synthetic.config(mtp: 1), to: scratch["mtp"])
    let mtp = try Hymt2.run("verify", scratch["mtp"])
    mtp.expectSuccess()
    #expect(mtp.outputLines.first == "✔ the file is whole")
    #expect(mtp.output.contains(" 30 expert tensors "))
    try Synthetic.write(Synthetic.config(), to: scratch["bare"], prefix: .none)
    try Hymt2.run("verify", scratch["bare"], "--prefix", "none").expectSuccess()
    try Hymt2.run("verify", scratch["bare"]).expectFailure(
      naming: "unknown prefix: 'layers.1.", "state it by --prefix none")
  }

  @Test("Made-up data of a config's whole model hold")
  func synthetic() throws {
    let scratch = try Scratch()
    try scratch.write(Synthetic.config(experts: 7, mtp: 1), to: "config.json")
    let arguments = ["verify", "--synthetic", "--config", scratch["config.json"]]
    let text = try Hymt2.start(arguments).wait()
    text.expectSuccess()
    #expect(text.outputLines.first == "✔ every tensor of the config is there with its shape")
    #expect(text.output.contains("✔ 42 expert tensors ("))
    let json = try Hymt2.start(arguments + ["--json"]).wait().json()
    #expect(json["ok"] == true)
    #expect(json["expertTensors"] == 42)
    #expect(json["expertBytes"] == JSONValue(42 * 8 * 4 * 2))
  }

  @Test("A native folder and a folder that is none are refused")
  func otherFolders() throws {
    let scratch = try Scratch()
    let tiny = try scratch.tiny()
    try Hymt2.run("convert", "--to", "native", tiny, scratch["native"]).expectSuccess()
    try Hymt2.run("verify", scratch["native"]).expectFailure(
      naming: "the experts are in native form 'automodel'",
      "key of another layout: 'model.layers.1.mlp.experts.down_projs'",
      "missing tensor: 'model.layers.1.mlp.router.gate.weight'", "key of another layout, in all ")
    try Hymt2.run("verify", scratch["none"]).expectFailure(naming: scratch["none"])
    try Hymt2.run("verify", "").expectFailure(naming: "No such file")
    try Hymt2.run("verify", "\(tiny)/config.json").expectFailure(naming: "Not a directory")
    try Hymt2.run("verify", scratch.path, "--json").expectFailure(
      naming: scratch.path, "'config.json'")
  }
}
