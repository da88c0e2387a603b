// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Foundation
import Testing

@Suite("hymt2 convert where it cannot work")
struct ConvertFailureTests {
  /// Converts the folder `tiny` of a scratch folder, in text and JSON.
  private func fail(_ scratch: Scratch, _ arguments: String...) throws -> Outcome {
    let before = try scratch.names()
    let json = try Hymt2.start(["convert", "--json"] + arguments, in: scratch.path).wait()
    let text = try Hymt2.start(["convert"] + arguments, in: scratch.path).wait()
    json.expectFailure()
    let errors = [json, text].map { $0.errors.replacing(/partial-[0-9]+/, with: "partial-PID") }
    #expect(errors[0] == errors[1])
    // Neither an output nor a hidden folder.
    #expect(try scratch.names() == before)
    return text
  }

  @Test("An output that exists, of whatever kind, stays as it is")
  func existingOutput() throws {
    let scratch = try Scratch()
    _ = try scratch.tiny()
    _ = try scratch.tiny("copy")
    _ = try scratch.tiny("folder")
    try scratch.write([1, 2, 3], to: "file")
    try FileManager.default.createDirectory(
      atPath: scratch["empty"], withIntermediateDirectories: false)
    for (name, target) in [("dangling", "nowhere"), ("link", "folder")] {
      try FileManager.default.createSymbolicLink(
        atPath: scratch[name], withDestinationPath: target)
    }
    for name in ["file", "folder", "empty", "dangling", "link"] {
      try fail(scratch, "--to", "native", "tiny", name)
        .expectFailure(naming: "./\(name): expected a path that is free")
    }
    #expect(try scratch.difference("tiny", "folder") == nil)
    #expect(try scratch.difference("tiny", "copy") == nil)
    #expect(try scratch.bytes("file") == [1, 2, 3])
    #expect(try scratch.names(in: "empty") == [])
  }

  @Test("An output that is the input or inside it is refused, through links too")
  func nestedOutput() throws {
    let scratch = try Scratch()
    let tiny = try scratch.tiny()
    try FileManager.default.createSymbolicLink(
      atPath: scratch["link"], withDestinationPath: "tiny")
    for (input, output) in [
      ("tiny", "tiny"), ("tiny", "tiny/"), ("tiny", "tiny/native"), ("tiny/", "./tiny/native"),
      ("link", "tiny/native"), ("tiny", "link/native"), (tiny, "tiny/native"),
      ("link/.", "link/native"),
    ] {
      try fail(scratch, "--to", "native", input, output)
        .expectFailure(naming: "\(output): expected an output outside of the input '\(input)'")
    }
    #expect(try scratch.names(in: "tiny").count == 6)
    // A name that merely begins like the input's is another folder.
    try Hymt2.run("convert", "--to", "native", "tiny", "tiny2", in: scratch.path).expectSuccess()
    try Hymt2.run("convert", "--to", "native", ".", "../native", in: tiny).expectSuccess()
    #expect(try scratch.difference("tiny2", "native") == nil)
  }

  @Test("An input that is missing or no checkpoint is told by its name")
  func input() throws {
    let scratch = try Scratch()
    _ = try scratch.tiny()
    try fail(scratch, "--to", "native", "none", "out").expectFailure(naming: "none", "No such file")
    try fail(scratch, "--to", "native", "tiny/config.json", "out")
      .expectFailure(naming: "tiny/config.json", "Not a directory")
    try fail(scratch, "--to", "native", ".", "/nowhere/out").expectFailure(naming: "'config.json'")
    try fail(scratch, "--to", "native", "", "out").expectFailure()
    try fail(scratch, "--to", "native", "tiny", "none/out").expectFailure(naming: "none/")
    try fail(scratch, "--to", "native", "tiny", "").expectFailure()
    try fail(scratch, "--to", "native", "tiny", "..").expectFailure(naming: "'..'")
  }

  @Test("The other layout than asked for is refused, naming keys")
  func layouts() throws {
    let scratch = try Scratch()
    _ = try scratch.tiny()
    try fail(scratch, "--to", "hf", "tiny", "out")
      .expectFailure(naming: "'model.layers.1.mlp.experts.0.down_proj.weight'")
    try Hymt2.run("convert", "--to", "native", "tiny", "native", in: scratch.path).expectSuccess()
    try fail(scratch, "--to", "native", "native", "out")
      .expectFailure(naming: "'model.layers.1.mlp.experts.down_projs'")
  }

  @Test("Damage in input folders leaves nothing behind")
  func damage() throws {
    let scratch = try Scratch()
    _ = try scratch.tiny()
    try scratch.replace("\"num_experts\": 4", by: "\"num_experts\": 3", in: "tiny/config.json")
    try fail(scratch, "--to", "native", "tiny", "out")
      .expectFailure(naming: "{1-2}.mlp.experts.3.{down_proj,gate_proj,up_proj}.weight (6)")
    try scratch.replace("\"num_experts\": 3", by: "\"num_experts\": \"4\"", in: "tiny/config.json")
    try fail(scratch, "--to", "native", "tiny", "out")
      .expectFailure(naming: "tiny/config.json", "'num_experts'")
    try scratch.replace("\"num_experts\": \"4\"", by: "\"num_experts\": 4", in: "tiny/config.json")
    try fail(scratch, "--to", "native", "tiny", "out", "--dtype", "I64")
      .expectFailure(naming: "I64", "'model.layers.1.mlp.experts.0.down_proj.weight'")
    try scratch.edit("tiny/model-00001-of-00003.safetensors") { $0.removeLast() }
    try fail(scratch, "--to", "native", "tiny", "out")
      .expectFailure(naming: "tiny/model-00001-of-00003.safetensors")
  }

  @Test("A record of the original that cannot be understood is told by its name")
  func record() throws {
    let scratch = try Scratch()
    _ = try scratch.tiny()
    try Hymt2.run("convert", "--to", "native", "tiny", "native", in: scratch.path).expectSuccess()
    let name = "native/hymt2_conversion.json"
    let record = try scratch.bytes(name)
    for (old, new) in [
      ("{", "["), ("\"schemaVersion\": 2", "\"schemaVersion\": 1"), ("{\n", "{\n  \"tool\": 1,\n"),
      ("\"weight_map\"", "\"weights\""), ("\"format\": \"pt\"", "\"format\": 1"),
      ("model-00001-of-00003", "../model-00001-of-00003"),
    ] {
      try scratch.write(record, to: name)
      try scratch.replace(old, by: new, in: name)
      try fail(scratch, "--to", "hf", "native", "out").expectFailure(naming: name)
    }
  }

  @Test("What a killed run has left is named in a warning, unless --quiet")
  func leftovers() throws {
    let scratch = try Scratch()
    _ = try scratch.tiny()
    for name in [".out.partial-17", ".out.partial-17-2", ".other.partial-3", ".out"] {
      try FileManager.default.createDirectory(
        atPath: scratch[name], withIntermediateDirectories: false)
    }
    let run = {
      try Hymt2.start(["convert", "--to", "native", "tiny", "out"] + $0, in: scratch.path)
    }
    let warned = try run([]).wait()
    #expect(warned.status == 0)
    #expect(
      warned.errors
        == [".out.partial-17", ".out.partial-17-2"].map {
          "warning: \(scratch[$0]) is left over from a run that was killed, unless one is under "
            + "way: remove it\n"
        }.joined())
    try scratch.remove("out")
    try run(["--quiet"]).wait().expectSuccess()
    #expect(try scratch.names().count == 6)
  }
}
