// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Safetensors
import StrictJSON
import Tensors
import Testing

@Suite("hymt2 convert")
struct ConvertCommandTests {
  /// Converts quietly and without an error.
  private func convert(
    _ target: String, _ input: String, _ output: String, _ options: String...,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let outcome = try Hymt2.start(
      ["convert", "--quiet", "--to", target, input, output] + options
    ).wait(sourceLocation: sourceLocation)
    outcome.expectSuccess(sourceLocation: sourceLocation)
  }

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

  @Test("Keys that match --exclude from their start on are left out")
  func exclude() throws {
    let scratch = try Scratch()
    try convert("native", try scratch.tiny(), scratch["native"])
    func keys(excluding pattern: String) throws -> [String] {
      let outcome = try Hymt2.run(
        "convert", "--to", "hf", scratch["native"], scratch["out"], "--exclude", pattern)
      #expect(outcome.status == 0, "\(outcome)")
      defer { try? scratch.remove("out") }
      return try CheckpointFolder(path: scratch["out"]).keys.sorted()
    }
    let all = try CheckpointFolder(path: scratch["tiny"]).keys.sorted()
    #expect(try keys(excluding: "lm_head") == all.filter { $0 != "lm_head.weight" })
    #expect(try keys(excluding: "weight") == all)
    #expect(
      try keys(excluding: #".*\.experts\.[02]\."#)
        == all.filter { !$0.contains(".experts.0.") && !$0.contains(".experts.2.") })
    let outcome = try Hymt2.run(
      "convert", "--to", "hf", scratch["native"], scratch["out"], "--exclude", "(")
    outcome.expectFailure(naming: "invalid exclusion pattern: '('")
  }

  @Test("The ranks of an expert-parallel group partition the experts, and each comes back")
  func ranks() throws {
    let scratch = try Scratch()
    try Synthetic.write(Synthetic.config(experts: 5), to: scratch["disk"])
    try convert("native", scratch["disk"], scratch["whole"])
    let whole = try CheckpointFolder(path: scratch["whole"])
    let disk = try CheckpointFolder(path: scratch["disk"])
    let name: TensorName = "model.layers.1.mlp.experts.down_projs"
    let all = try #require(whole.tensor(named: name))
    for size in [1, 2, 3, 7] {
      var bits: [UInt64] = []
      var names: [TensorName] = []
      for rank in 0..<size {
        let group = ["--ep-rank", "\(rank)", "--ep-size", "\(size)"]
        let (native, back) = (scratch["\(size).\(rank)"], scratch["\(size).\(rank).back"])
        let there = try Hymt2.start(["convert", "--to", "native", disk.path, native] + group).wait()
        #expect(there.status == 0, "\(there)")
        #expect(there.errors.contains("of other ranks' experts") == (size > 1), "\(there)")
        let folder = try CheckpointFolder(path: native)
        if let part = folder.tensor(named: name) {
          bits += (0..<part.shape.elementCount).map { part.bits(at: $0) }
        } else {
          #expect(rank >= 5)
        }
        try Hymt2.start(["convert", "-q", "--to", "hf", native, back] + group).wait()
          .expectSuccess()
        let returned = try CheckpointFolder(path: back)
        for info in returned.infos {
          let isSame = returned.tensor(named: info.name) == disk.tensor(named: info.name)
          #expect(isSame, "\(info.name)")
        }
        names += returned.infos.map(\.name).filter { $0.text.contains(".experts.") }
      }
      let isWhole = bits == (0..<all.shape.elementCount).map { all.bits(at: $0) }
      #expect(isWhole, "\(size) ranks")
      #expect(
        names.sorted() == disk.infos.map(\.name).filter { $0.text.contains(".experts.") }.sorted())
    }
  }

  @Test("MTP layers are dropped with a note, or preserved and come back")
  func mtp() throws {
    let scratch = try Scratch()
    try Synthetic.write(Synthetic.config(mtp: 1), to: scratch["disk"], maxShardSize: 1500)
    let isMTP = { (key: String) in key.hasPrefix("model.layers.2.") }

    let dropped = try Hymt2.run("convert", "--to", "native", scratch["disk"], scratch["dropped"])
    #expect(dropped.status == 0)
    let all = try CheckpointFolder(path: scratch["disk"]).keys
    let count = all.count(where: isMTP)
    #expect(count > 15)
    #expect(
      dropped.errors == "\(count) tensors of MTP layers dropped (--mtp preserve keeps them)\n")
    #expect(try !CheckpointFolder(path: scratch["dropped"]).keys.contains(where: isMTP))
    try convert("hf", scratch["dropped"], scratch["less"])
    #expect(
      try CheckpointFolder(path: scratch["less"]).keys.sorted()
        == all.filter { !isMTP($0) }.sorted())

    try convert("native", scratch["disk"], scratch["native"], "--mtp", "preserve")
    for policy in ["drop", "preserve"] {
      try convert("hf", scratch["native"], scratch["back.\(policy)"], "--mtp", policy)
      #expect(try scratch.difference("disk", "back.\(policy)") == nil, "\(policy)")
    }
  }

  @Test("--dtype casts grouped experts and nothing else")
  func dtype() throws {
    let scratch = try Scratch()
    let tiny = try scratch.tiny()
    for (name, dtype) in [("F32", DType.f32), ("F16", .f16), ("BF16", .bf16)] {
      try convert("native", tiny, scratch[name], "--dtype", name)
      let folder = try CheckpointFolder(path: scratch[name])
      for info in folder.infos {
        let isGrouped = info.name.text.hasSuffix("_projs")
        #expect(
          info.dtype == (isGrouped ? dtype : info.name.text.hasSuffix("_bias") ? .f32 : .bf16))
      }
    }
    let (disk, wide) = (
      try CheckpointFolder(path: tiny), try CheckpointFolder(path: scratch["F32"])
    )
    let base = "model.layers.2.mlp.experts."
    for i in 0..<4 {
      // bfloat16 is the upper half of float32.
      let narrow = try #require(disk.bits("\(base)3.down_proj.weight", i))
      #expect(wide.bits("\(base)down_projs", (3 * 4 + i) * 8) == narrow << 16)
    }
    // Wider types lose nothing on the way, but going back casts nothing.
    try convert("hf", scratch["F32"], scratch["back"])
    let back = try CheckpointFolder(path: scratch["back"])
    #expect(
      back.bits("\(base)3.down_proj.weight", 1) == wide.bits("\(base)down_projs", (3 * 4 + 1) * 8))
    let warned = try Hymt2.run(
      "convert", "--to", "hf", scratch["F32"], scratch["b2"], "--dtype", "BF16")
    #expect(warned.status == 0)
    #expect(warned.errors == "warning: --dtype has no effect with --to hf, which casts nothing\n")
    #expect(try scratch.difference("back", "b2") == nil)
  }
}
