// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Foundation
import Layouts
import Safetensors
import StrictJSON
import Synchronization
import Tensors
import Testing

@Suite("Files that are cut off while they are read")
struct CutOffFileTests {
  @Test("Reading gives the files that mapping gives, within a small budget, too")
  func same() throws {
    let scratch = try Scratch()
    try Synthetic.write(
      Synthetic.config(experts: 6, hidden: 256, inter: 192), to: scratch["disk"],
      maxShardSize: 1_000_000)
    try convert("native", scratch["disk"], scratch["mapped"], "--mmap")
    try convert("native", scratch["disk"], scratch["read"], "--no-mmap")
    #expect(try scratch.difference("mapped", "read") == nil)
    try convert("hf", scratch["read"], scratch["back"], "--no-mmap", "--max-memory", "100KB")
    #expect(try scratch.difference("disk", "back") == nil)
    let verified = try Hymt2.run("verify", scratch["disk"], "--mmap")
    verified.expectSuccess()
    #expect(try verified.output == Hymt2.run("verify", scratch["disk"]).output)
  }

  @Test(
    "At each of a hundred moments of a conversion, cutting a shard off is an error that names it")
  func moments() throws {
    let scratch = try Scratch()
    let tiny = try scratch.tiny()
    let config = try ModelConfig(json: JSONValue(parsing: scratch.bytes("tiny/config.json")))
    let names = ["1", "2", "3"].map { "model-0000\($0)-of-00003.safetensors" }
    let originals = try names.map { try scratch.bytes("tiny/\($0)") }
    var errors = 0
    for moment in 0..<100 {
      let victim = moment % names.count
      let path = scratch["tiny/\(names[victim])"]
      let folder = try CheckpointFolder(path: tiny, access: .read)
      let plan = try AdapterPlanner(config).fromHF(folder.infos)
      let sources = plan.sources.map(\.name)
      let calls = Mutex(0)
      do {
        try PlanStreamer(plan).run { source, elements in
          let call = calls.withLock {
            $0 += 1
            return $0
          }
          if call == moment + 1 {
            try cut(path, to: originals[victim].count * (moment % 7) / 7)
          }
          return try folder.presentOrThrow(sources[source], elements)
        } into: { _, _, _ in
        }
        #expect(calls.withLock { $0 } >= moment / 2, "moment \(moment)")
      } catch let error as SafetensorsError {
        errors += 1
        #expect(error.path == path, "moment \(moment): \(error)")
        #expect(error.found.contains("cut off while it was read"), "moment \(moment): \(error)")
        #expect(error.remedy.contains("put the whole file back"), "moment \(moment): \(error)")
      }
      try scratch.write(originals[victim], to: "tiny/\(names[victim])")
    }
    // Late cuts may concern what has been read already.
    #expect(errors > 30, "\(errors) of 100")
  }

  @Test("The program ends with an error and leaves nothing, at whatever moment the file is cut off")
  func program() throws {
    let scratch = try Scratch()
    try Synthetic.write(
      Synthetic.config(experts: 24, hidden: 256, inter: 512), to: scratch["disk"],
      maxShardSize: 4_000_000)
    let shard = try #require(try scratch.names(in: "disk").first { $0.contains("-00003-of-") })
    let original = try scratch.bytes("disk/\(shard)")
    var failures = 0
    for moment in 0..<20 {
      let child = try Hymt2.start([
        "convert", "--quiet", "--to", "native", scratch["disk"], scratch["native"],
      ])
      usleep(useconds_t(3000 * moment))
      try cut(scratch["disk/\(shard)"], to: original.count / 2)
      let outcome = child.wait()
      if outcome.status == 0 {
        try scratch.remove("native")
      } else {
        failures += 1
        outcome.expectFailure(naming: shard)
      }
      #expect(try scratch.names() == ["disk"], "moment \(moment)")
      try scratch.write(original, to: "disk/\(shard)")
    }
    #expect(failures > 0)
  }
}

/// Makes a file shorter in place.
private func cut(_ path: String, to size: Int) throws {
  try #require(FileHandle(forUpdatingAtPath: path)).truncate(atOffset: UInt64(size))
}

extension CheckpointFolder {
  fileprivate func presentOrThrow(_ name: TensorName, _ elements: Range<Int>) throws -> Tensor {
    try #require(try read(name, elements: elements), "\(name)")
  }
}
