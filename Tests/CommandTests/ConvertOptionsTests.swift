// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Safetensors
import Tensors
import Testing

@Suite("Options of hymt2 convert")
struct ConvertOptionsTests {
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
