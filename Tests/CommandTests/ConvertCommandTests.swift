// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Safetensors
import StrictJSON
import Tensors
import Testing

@Suite("hymt2 convert")
struct ConvertCommandTests {
  @Test("The way to native form and back gives the same files, byte by byte")
  func roundTrip() throws {
    let scratch = try Scratch()
    let tiny = try scratch.tiny()
    let there = try Hymt2.run("convert", "--to", "native", tiny, scratch["native"])
    there.expectSuccess()
    #expect(
      there.output == """
        \(scratch["native"]): 1 file
          44 tensors, 2,232 parameters
          8 F32 + 2,224 BF16 elements
          4,480 bytes

        """)
    #expect(
      try scratch.names(in: "native") == [
        "config.json", "generation_config.json", "hymt2_conversion.json", "model.safetensors",
      ])
    let back = try Hymt2.run("convert", "--to", "hf", "native", "back", in: scratch.path)
    back.expectSuccess()
    #expect(back.outputLines.first == "back: 3 files")
    #expect(try scratch.difference("tiny", "back") == nil)
    #expect(try scratch.names() == ["back", "native", "tiny"])
  }

  @Test("Each element of native form is where the layout says")
  func layout() throws {
    let scratch = try Scratch()
    try convert("native", try scratch.tiny(), scratch["native"])
    let disk = try CheckpointFolder(path: scratch["tiny"])
    let native = try CheckpointFolder(path: scratch["native"])
    let (experts, hidden, inter) = (4, 8, 4)
    for layer in 1...2 {
      let base = "model.layers.\(layer).mlp.experts."
      for e in 0..<experts {
        for (h, i) in (0..<hidden).flatMap({ h in (0..<inter).map { (h, $0) } }) {
          let row = (e * hidden + h) * 2 * inter
          let gate = disk.bits("\(base)\(e).gate_proj.weight", i * hidden + h)
          #expect(native.bits("\(base)gate_and_up_projs", row + i) == gate)
          let up = disk.bits("\(base)\(e).up_proj.weight", i * hidden + h)
          #expect(native.bits("\(base)gate_and_up_projs", row + inter + i) == up)
          let down = disk.bits("\(base)\(e).down_proj.weight", h * inter + i)
          #expect(native.bits("\(base)down_projs", (e * inter + i) * hidden + h) == down)
        }
      }
    }
  }

  @Test("The JSON document tells where the result is and what is in it")
  func json() throws {
    let scratch = try Scratch()
    _ = try scratch.tiny()
    let outcome = try Hymt2.run(
      "convert", "--to", "native", "tiny/", "./native/", "--json", in: scratch.path)
    outcome.expectSuccess()
    let json = try outcome.json()
    #expect(json["schemaVersion"] == 1)
    #expect(json["command"] == "convert")
    #expect(json["ok"] == true)
    #expect(json["output"] == "./native/")
    #expect(json["files"] == 1)
    #expect(json["tensors"] == 44)
    #expect(json["bytes"] == 4480)
    #expect(json["omitted"] == 0)
  }

  @Test("A single file comes back as a single file")
  func singleFile() throws {
    let scratch = try Scratch()
    try Synthetic.write(Synthetic.config(), to: scratch["one"])
    try convert("native", scratch["one"], scratch["native"])
    try convert("hf", scratch["native"], scratch["back"])
    #expect(try scratch.difference("one", "back") == nil)
  }

  @Test("Without the record of the original, the way back has the same tensors in one file")
  func withoutRecord() throws {
    let scratch = try Scratch()
    try convert("native", try scratch.tiny(), scratch["native"])
    try scratch.remove("native/hymt2_conversion.json")
    try convert("hf", scratch["native"], scratch["back"])
    #expect(try scratch.names(in: "back").contains("model.safetensors"))
    try Hymt2.run("verify", scratch["back"]).expectSuccess()
    let (before, after) = try (
      CheckpointFolder(path: scratch["tiny"]), CheckpointFolder(path: scratch["back"])
    )
    for info in before.infos {
      let isSame = after.tensor(named: info.name) == before.tensor(named: info.name)
      #expect(isSame, "\(info.name)")
    }
    #expect(after.tensorCount == before.tensorCount)
  }

  @Test("A memory budget, however small, changes no byte")
  func memory() throws {
    let scratch = try Scratch()
    // Grouped tensors of 1.2 MB, above the smallest piece of work.
    try Synthetic.write(
      Synthetic.config(experts: 6, hidden: 256, inter: 192), to: scratch["disk"],
      maxShardSize: 1_000_000)
    try convert("native", scratch["disk"], scratch["native"])
    for size in ["1", "100KB", "1.5MiB", "64GiB"] {
      try convert("native", scratch["disk"], scratch["native.\(size)"], "--max-memory", size)
      #expect(try scratch.difference("native", "native.\(size)") == nil, "\(size)")
    }
    try convert("hf", scratch["native"], scratch["back"], "--max-memory", "1B")
    #expect(try scratch.difference("disk", "back") == nil)
  }

  @Test("Shards have at most the size asked for")
  func shardSize() throws {
    let scratch = try Scratch()
    let tiny = try scratch.tiny()
    try convert("native", tiny, scratch["native"], "--max-shard-size", "1KB")
    let folder = try CheckpointFolder(path: scratch["native"])
    #expect(folder.shards.count > 3)
    for shard in folder.shards {
      let size = shard.file.stateDict.reduce(0) { $0 + $1.tensor.byteCount }
      #expect(size <= 1000, "\(shard.name)")
    }
    try convert("hf", scratch["native"], scratch["back"])
    #expect(try scratch.difference("tiny", "back") == nil)
    // A size asked for goes before the shards of the original.
    try convert("hf", scratch["native"], scratch["single"], "--max-shard-size", "1GB")
    #expect(
      try CheckpointFolder(path: scratch["single"]).shards.map(\.name) == ["model.safetensors"])
  }
}
