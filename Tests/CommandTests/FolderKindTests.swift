// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Foundation
import Safetensors
import StrictJSON
import Testing

@Suite("Checkpoint folders as people have them")
struct FolderKindTests {
  private static let index = "tiny/model.safetensors.index.json"

  /// Converts the folder `tiny` to native form and back, and expects the same files.
  private func expectReturn(_ scratch: Scratch, _ comment: Comment? = nil) throws {
    try Hymt2.run("verify", scratch["tiny"]).expectSuccess()
    try convert("native", scratch["tiny"], scratch["native"])
    try convert("hf", scratch["native"], scratch["back"])
    #expect(try scratch.difference("tiny", "back") == nil, comment)
    try scratch.remove("native")
    try scratch.remove("back")
  }

  @Test("The total size of an index is a whole number, however it is written or left out")
  func totalSize() throws {
    for total in ["4480.0", "4.48e3", "448E+1", "44800e-1", "4480.000"] {
      let scratch = try Scratch()
      _ = try scratch.tiny()
      try scratch.replace("\"total_size\": 4480", by: "\"total_size\": \(total)", in: Self.index)
      try expectReturn(scratch, "\(total)")
    }
    for members in ["\"total_parameters\": 2224\n", "", "\"mean\": NaN\n"] {
      let scratch = try Scratch()
      _ = try scratch.tiny()
      try scratch.replace(
        "{\n    \"total_parameters\": 2224,\n    \"total_size\": 4480\n  }",
        by: members.isEmpty ? "{}" : "{\n    \(members)  }", in: Self.index)
      try expectReturn(scratch, "\(members)")
    }
  }

  @Test("A total size that is no whole number, or a wrong one, is told")
  func wrongTotalSize() throws {
    for total in ["4480.5", "4478.0", "44785e-1", "1e30", "NaN", "-4480"] {
      let scratch = try Scratch()
      let tiny = try scratch.tiny()
      try scratch.replace("\"total_size\": 4480", by: "\"total_size\": \(total)", in: Self.index)
      try Hymt2.run("verify", tiny).expectFailure(
        naming: "model.safetensors.index.json", "total_size", total.replacing(".0", with: ""))
    }
  }

  @Test("Numbers that Python writes beside those of JSON stay in fields that nobody reads")
  func infinity() throws {
    for value in ["Infinity", "-Infinity", "NaN", "[0.0, Infinity]", "{\"a\": [NaN]}"] {
      let scratch = try Scratch()
      _ = try scratch.tiny()
      try scratch.replace(
        "\"hidden_size\":", by: "\"time_step_limit\": \(value),\n  \"hidden_size\":",
        in: "tiny/config.json")
      try expectReturn(scratch, "\(value)")
      let proof = try Hymt2.run("prove", "--config", scratch["tiny/config.json"])
      #expect(proof.status == 0, "\(proof.errors)")
    }
    for value in ["Infinity", "NaN", "8.5"] {
      let scratch = try Scratch()
      let tiny = try scratch.tiny()
      try scratch.replace(
        "\"hidden_size\": 8", by: "\"hidden_size\": \(value)", in: "tiny/config.json")
      try Hymt2.run("verify", tiny).expectFailure(
        naming: "tiny/config.json", "'hidden_size'", "a whole number, found \(value)")
    }
    let scratch = try Scratch()
    _ = try scratch.tiny()
    try scratch.replace("\"hidden_size\": 8", by: "\"hidden_size\": 8.0", in: "tiny/config.json")
    try expectReturn(scratch)
  }

  @Test("Each shard gets its own metadata back, and one without any gets none")
  func metadata() throws {
    let scratch = try Scratch()
    _ = try scratch.tiny("one")
    try scratch.rewrite(
      "one", as: "tiny",
      metadata: { shard in
        shard.contains("00002")
          ? nil : ["format": "pt", "shard": shard, "DCP_SHARDING_INFO": "{\"\(shard)\": [0]}"]
      })
    try expectReturn(scratch)
    try convert("native", scratch["tiny"], scratch["native"])
    try scratch.replace(
      "\"schemaVersion\": 2", by: "\"schemaVersion\": 1", in: "native/hymt2_conversion.json")
    try Hymt2.run("convert", "--to", "hf", scratch["native"], scratch["back"]).expectFailure(
      naming: "hymt2_conversion.json", "schemaVersion 2", "remove the file")
  }

  @Test("What a checkpoint needs goes along, and what stays is named")
  func leftovers() throws {
    let scratch = try Scratch()
    let tiny = try scratch.tiny()
    let needed = [
      "tokenizer.json", "tokenizer_config.json", "tokenizer.model", "merges.txt", "x.tiktoken",
      "chat_template.jinja", "modeling_hy.py", "LICENSE", "README.md", "preprocessor_config.json",
    ]
    let unneeded = [
      ".gitattributes", "consolidated.00.pth", "log.out",
      "model-00002-of-00003.safetensors.aria2", "model-00002-of-00003.safetensors.incomplete",
      "optimizer.pt", "pytorch_model.bin", "pytorch_model.bin.index.json", "rng_state_0.pth",
      "trainer_state.json", "training_args.bin", "w.gguf", "zero_to_fp32.py",
    ]
    for name in needed + unneeded { try scratch.write([1, 2, 3], to: "tiny/\(name)") }
    let files = FileManager.default
    try files.createDirectory(atPath: scratch["tiny/original"], withIntermediateDirectories: true)
    try files.createSymbolicLink(atPath: scratch["tiny/blob"], withDestinationPath: "nowhere")
    let json = try Hymt2.run("convert", "--to", "native", tiny, scratch["native"], "--json")
    #expect(json.status == 0)
    let left = try #require(try json.json()["left"]?.arrayValue).compactMap(\.stringValue)
    #expect(Set(left) == Set(unneeded + ["original/", "blob -> nowhere"]))
    #expect(
      json.errors.hasPrefix("not taken along, because no checkpoint needs it: .gitattributes"))
    #expect(json.errors.contains(" and 7 more"))
    let own = ["config.json", "generation_config.json"]
    let made = ["hymt2_conversion.json", "model.safetensors"]
    #expect(Set(try scratch.names(in: "native")) == Set(needed + own + made))
    for name in needed + own {
      #expect(try scratch.bytes("native/\(name)") == scratch.bytes("tiny/\(name)"), "\(name)")
    }
  }
}
