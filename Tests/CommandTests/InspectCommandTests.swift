// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Foundation
import Safetensors
import StrictJSON
import Tensors
import Testing

@Suite("hymt2 inspect")
struct InspectCommandTests {
  @Test("A file's tensors are listed with types and shapes")
  func file() throws {
    let scratch = try Scratch()
    let name = "tiny/model-00003-of-00003.safetensors"
    _ = try scratch.tiny()
    let outcome = try Hymt2.run("inspect", name, in: scratch.path)
    outcome.expectSuccess()
    let lines = outcome.outputLines
    #expect(lines.count == 2 + 12 + 3)
    #expect(lines.prefix(2) == ["\(name): 12 tensors", "  format = pt"])
    #expect(lines[2] == "  model.layers.2.mlp.router.gate.weight           BF16     [4, 8]")
    #expect(lines[13] == "  model.norm.weight                               BF16     [8]")
    #expect(
      lines.suffix(3)
        == ["  12 tensors, 344 parameters", "  344 BF16 elements", "  688 bytes"])
  }

  @Test("A folder's files are listed, or their sums alone with --summary")
  func folder() throws {
    let scratch = try Scratch()
    let tiny = try scratch.tiny()
    let summary = try Hymt2.run("inspect", tiny, "--summary")
    summary.expectSuccess()
    #expect(
      summary.output == """
        model-00001-of-00003.safetensors: 19 tensors
          format = pt
        model-00002-of-00003.safetensors: 33 tensors
          format = pt
        model-00003-of-00003.safetensors: 12 tensors
          format = pt
          64 tensors, 2,232 parameters
          8 F32 + 2,224 BF16 elements
          4,480 bytes

        """)
    #expect(try Hymt2.run("inspect", tiny).outputLines.count == 9 + 64)
  }

  @Test("The JSON document has files, tensors and sums")
  func json() throws {
    let scratch = try Scratch()
    let tiny = try scratch.tiny()
    let outcome = try Hymt2.run("inspect", tiny, "--json")
    outcome.expectSuccess()
    let json = try outcome.json()
    #expect(json["schemaVersion"] == 1)
    #expect(json["command"] == "inspect")
    #expect(json["ok"] == true)
    #expect(json["tensors"] == 64)
    #expect(json["bytes"] == 4480)
    let files = try #require(json["files"]?.arrayValue)
    #expect(files.map { $0["tensorCount"] } == [19, 33, 12])
    #expect(files.map { $0["metadata"] } == [["format": "pt"], ["format": "pt"], ["format": "pt"]])
    let last = try #require(files.last?["tensors"]?.arrayValue?.last)
    #expect(last["name"] == "model.norm.weight")
    #expect(last["dtype"] == "BF16")
    #expect(last["shape"] == [8])
    let summary = try Hymt2.run("inspect", tiny, "--json", "--summary").json()
    #expect(summary["files"]?.arrayValue?.map { $0["tensors"] } == [nil, nil, nil])
  }

  @Test("A folder that is no whole checkpoint is shown with a warning")
  func brokenFolder() throws {
    let scratch = try Scratch()
    let tiny = try scratch.tiny()
    let whole = try Hymt2.run("inspect", tiny).output
    for name in ["config.json", "model.safetensors.index.json"] {
      let kept = try scratch.bytes("tiny/\(name)")
      try scratch.remove("tiny/\(name)")
      let outcome = try Hymt2.run("inspect", tiny)
      #expect(outcome.status == 0)
      #expect(outcome.output == whole)
      #expect(outcome.errors.hasPrefix("warning: not a whole checkpoint: \(tiny)"))
      #expect(outcome.errors.contains(name))
      try Hymt2.run("inspect", tiny, "--quiet").expectSuccess()
      try scratch.write(kept, to: "tiny/\(name)")
    }
    try scratch.remove("tiny/model-00002-of-00003.safetensors")
    let less = try Hymt2.run("inspect", tiny, "--json")
    #expect(less.errors.contains("'model-00002-of-00003.safetensors'"))
    #expect(try less.json()["tensors"] == 31)
    try scratch.edit("tiny/model-00001-of-00003.safetensors") { $0[0] ^= 1 }
    try Hymt2.run("inspect", tiny).expectFailure(naming: "model-00001-of-00003.safetensors")
  }

  @Test("What is neither a file of tensors nor a folder with such is refused by name")
  func failures() throws {
    let scratch = try Scratch()
    try scratch.write(Array("{}".utf8), to: "config.json")
    let fails = { (name: String) in try Hymt2.run("inspect", name, in: scratch.path) }
    try fails("none").expectFailure(naming: "none", "No such file")
    try fails("").expectFailure()
    try fails(".").expectFailure(naming: "model.safetensors")
    try fails("config.json").expectFailure(naming: "config.json")
    try fails("/dev/null").expectFailure(naming: "/dev/null", "not a regular file")
    var noise = SystemRandomNumberGenerator()
    for count in [0, 1, 8, 100, 5000] {
      try scratch.write((0..<count).map { _ in UInt8.random(in: 0...255, using: &noise) }, to: "x")
      try fails("x").expectFailure(naming: "x")
      let json = try Hymt2.run("inspect", "x", "--json", in: scratch.path)
      json.expectFailure(naming: "x")
    }
    try scratch.write([8, 0, 0, 0, 0, 0, 0, 0] + Array("{\"a\": 1}".utf8), to: "x")
    try fails("x").expectFailure(naming: "x, byte ")
  }

  @Test("Types of less than a byte are listed, and refused by name elsewhere")
  func narrowTypes() throws {
    let scratch = try Scratch()
    let json = """
      {"a":{"dtype":"F4","shape":[2,4],"data_offsets":[0,4]},\
      "b":{"dtype":"F6_E2M3","shape":[4],"data_offsets":[4,7]}}
      """
    var bytes = [UInt8](repeating: 0, count: 8)
    bytes[0] = UInt8(json.utf8.count)
    try scratch.write(bytes + Array(json.utf8) + [UInt8](repeating: 0, count: 7), to: "x")
    let outcome = try Hymt2.run("inspect", "x", in: scratch.path)
    outcome.expectSuccess()
    #expect(
      outcome.output.hasPrefix("x: 2 tensors\n  a  F4       [2, 4]\n  b  F6_E2M3  [4]\n"))
    let files = try #require(try Hymt2.run("inspect", scratch["x"], "--json").json()["files"])
    #expect(
      files.arrayValue?.first?["tensors"]?.arrayValue?.first == [
        "bytes": 4, "dtype": "F4", "name": "a", "shape": [2, 4],
      ])
    _ = try scratch.tiny()
    try scratch.write(scratch.bytes("x"), to: "tiny/model-00002-of-00003.safetensors")
    try Hymt2.run("verify", scratch["tiny"]).expectFailure(
      naming: "model-00002-of-00003.safetensors", "'a'", "found 'F4'")
    #expect(try Hymt2.run("inspect", scratch["tiny"]).output.contains("  a  F4       [2, 4]\n"))
  }

  @Test("Control characters in names do not reach the terminal")
  func controlCharacters() throws {
    let scratch = try Scratch()
    let info = TensorInfo("a\u{1b}[2J\u{9b}1m\nb", .u8, [0])
    let writer = try CheckpointFolderWriter(
      path: scratch["out"],
      plan: ShardPlan([.init("model.safetensors", [info], metadata: ["k\r": "v\u{7}"])]))
    try writer.finish()
    let outcome = try Hymt2.run("inspect", scratch["out/model.safetensors"])
    outcome.expectSuccess()
    #expect(outcome.output.contains("\n  a\\u{1B}[2J\\u{009B}1m\\nb  U8       [0]\n"))
    #expect(outcome.output.contains("\n  k\\r = v\\u{07}\n"))
    try scratch.write(Synthetic.config(), to: "out/config.json")
    let failure = try Hymt2.run("verify", scratch["out"])
    failure.expectFailure()
    let isClean = !failure.errors.utf8.contains { $0 < 0x20 && $0 != 0x0a }
    #expect(isClean, "\(failure.errors.debugDescription)")
  }
}
