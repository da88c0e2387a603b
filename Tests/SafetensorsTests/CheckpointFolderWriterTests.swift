// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Safetensors
import StrictJSON
import Tensors
import Testing

@Suite("Writing checkpoint folders")
struct CheckpointFolderWriterTests {
  let folder: TemporaryFolder
  let source: CheckpointFolder

  init() throws {
    folder = try TemporaryFolder()
    source = try CheckpointFolder(path: Fixtures.path("tiny-hyv3"))
  }

  @Test("A copy by the source's own plan is the source, byte for byte")
  func copy() throws {
    let index = try #require(source.index)
    do {
      let writer = try CheckpointFolderWriter(
        path: folder.path("out/"), plan: ShardPlan(source.infos, following: index),
        indexMetadata: index.metadata)
      try writeAll(to: writer)
      for name in source.otherFiles {
        try writer.add(copyOf: "\(source.path)/\(name)", named: name)
      }
      #expect(try folder.names() == [".out.partial-\(processNumber)"])
      try writer.finish()
    }
    #expect(try folder.names() == ["out"])
    let names = try folder.names(in: "out")
    #expect(names.count == 6)
    for name in names {
      let written = try folder.bytes("out/\(name)")
      #expect(firstDifference(written, try Fixtures.bytes("tiny-hyv3/\(name)")) == nil, "\(name)")
    }
  }

  @Test("A plan of one file has no index and opens again")
  func single() throws {
    let writer = try CheckpointFolderWriter(
      path: folder.path("out"), plan: .greedy(source.infos, maxShardSize: 1_000_000))
    try writeAll(to: writer)
    try writer.add(source.config, named: "config.json")
    try writer.finish()
    #expect(try folder.names(in: "out") == ["config.json", "model.safetensors"])
    let copy = try CheckpointFolder(path: folder.path("out"))
    #expect(copy.tensorCount == source.tensorCount)
    #expect(copy.shards.first?.file.metadata == ["format": "pt"])
  }

  @Test("A plan of small shards opens again with the same tensors")
  func resharded() throws {
    let writer = try CheckpointFolderWriter(
      path: folder.path("out"), plan: .greedy(source.infos, maxShardSize: 200))
    try writeAll(to: writer)
    try writer.add(source.config, named: "config.json")
    try writer.finish()
    let copy = try CheckpointFolder(path: folder.path("out"))
    #expect(copy.shards.count > 10)
    #expect(copy.index?.metadata == ["total_size": 4480])
    let isSame = source.infos.allSatisfy {
      copy.tensor(named: $0.name) == source.tensor(named: $0.name)
    }
    #expect(isSame)
  }

  @Test("A path that is taken is an error before anything is written")
  func existing() throws {
    try folder.write([], to: "out")
    let error = #expect(throws: SafetensorsError.self) {
      try CheckpointFolderWriter(path: folder.path("out"), plan: ShardPlan([]))
    }
    #expect(error?.code == .alreadyExists)
    #expect(try folder.names() == ["out"])
  }

  @Test("A path that is taken meanwhile keeps its content, and the hidden folder is removed")
  func takenMeanwhile() throws {
    let writer = try CheckpointFolderWriter(path: folder.path("out"), plan: ShardPlan([]))
    _ = try folder.copyCheckpoint(to: "out")
    let error = #expect(throws: SafetensorsError.self) { try writer.finish() }
    #expect(error?.code == .alreadyExists)
    #expect(try folder.names() == ["out"])
    #expect(try folder.names(in: "out").count == 6)
  }

  @Test("An unfinished tensor is an error, and the hidden folder is removed")
  func incomplete() throws {
    let writer = try CheckpointFolderWriter(
      path: folder.path("out"), plan: .greedy(source.infos, maxShardSize: 1000))
    let error = #expect(throws: SafetensorsError.self) { try writer.finish() }
    #expect(error?.code == .incompleteWrite)
    #expect(try folder.names() == [])
  }

  @Test("A writer that is given up removes the hidden folder")
  func abandoned() throws {
    do {
      let writer = try CheckpointFolderWriter(path: folder.path("out"), plan: ShardPlan([]))
      try writer.add([1], named: "tokenizer.json")
      #expect(try folder.names().count == 1)
    }
    #expect(try folder.names() == [])
  }

  @Test("A full disk is an error, and the hidden folder is removed")
  func fullDisk() throws {
    let infos = [TensorInfo("a", .u8, [1]), TensorInfo("b", .u8, try Shape([1 << 60]))]
    let error = #expect(throws: SafetensorsError.self) {
      try CheckpointFolderWriter(
        path: folder.path("out"), plan: .greedy(infos, maxShardSize: 1 << 30))
    }
    #expect(error?.code == .file)
    #expect(try folder.names() == [])
  }

  @Test("Files outside the folder or over a shard, and tensors of no plan, are errors")
  func invalid() throws {
    let writer = try CheckpointFolderWriter(
      path: folder.path("out"), plan: .greedy([], maxShardSize: 1))
    for (name, code) in [
      ("../x", SafetensorsError.Code.invalidFileName), ("", .invalidFileName),
      ("model.safetensors", .alreadyExists),
    ] {
      let error = #expect(throws: SafetensorsError.self) { try writer.add([1], named: name) }
      #expect(error?.code == code)
    }
    let tensor = try #require(source.tensor(named: "lm_head.weight"))
    let error = #expect(throws: SafetensorsError.self) {
      try writer.write(tensor.bytes, of: "lm_head.weight")
    }
    #expect(error?.code == .invalidWrite)
  }

  private func writeAll(to writer: CheckpointFolderWriter) throws {
    for info in source.infos {
      let tensor = try #require(source.tensor(named: info.name))
      try writer.write(tensor.bytes, of: info.name)
    }
  }
}
