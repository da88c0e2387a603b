// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Safetensors
import StrictJSON
import Tensors
import Testing

@Suite("Opening checkpoint folders")
struct CheckpointFolderTests {
  static let shard1 = "model-00001-of-00003.safetensors"
  static let shard2 = "model-00002-of-00003.safetensors"

  @Test("A checkpoint of transformers is read")
  func sharded() throws {
    let folder = try CheckpointFolder(path: Fixtures.path("tiny-hyv3"))
    #expect(folder.tensorCount == 64)
    #expect(folder.infos.map(\.name) == folder.shards.flatMap { $0.file.infos.map(\.name) })
    #expect(folder.shards.map(\.name).first == Self.shard1)
    #expect(folder.otherFiles == ["config.json", "generation_config.json"])
    #expect(folder.config == (try Fixtures.bytes("tiny-hyv3/config.json")))
    let bias = try #require(folder.tensor(named: "model.layers.2.mlp.expert_bias"))
    #expect(bias.dtype == .f32)
    #expect(bias.shape == [4])
    #expect(folder.tensor(named: "absent") == nil)
    #expect(try folder.stateDict().infos == folder.infos)
    for (name, fileName) in try #require(folder.index).weightMap {
      #expect(folder.shard(of: name)?.name == fileName)
    }
  }

  @Test("A folder with one file and no index is read")
  func single() throws {
    let folder = try TemporaryFolder()
    try folder.write(Array("{}".utf8), to: "config.json")
    try folder.write([1], to: "tokenizer.json")
    let stateDict = try StateDict([(TensorName("a"), try Tensor(.u8, [1], bytes: [7]))])
    try SafetensorsFile.write(stateDict, to: folder.path("model.safetensors"))
    let checkpoint = try CheckpointFolder(path: folder.path)
    #expect(checkpoint.index == nil)
    #expect(try checkpoint.stateDict() == stateDict)
    #expect(checkpoint.otherFiles == ["config.json", "tokenizer.json"])
  }

  /// What makes a copy of the checkpoint faulty, and the error expected.
  struct Fault: CustomTestStringConvertible {
    let testDescription: String
    let code: SafetensorsError.Code
    let keys: [String]
    let damage: @Sendable (TemporaryFolder) throws -> Void

    init(
      _ what: String, _ code: SafetensorsError.Code, _ keys: [String],
      _ damage: @escaping @Sendable (TemporaryFolder) throws -> Void
    ) {
      testDescription = what
      self.code = code
      self.keys = keys
      self.damage = damage
    }
  }

  static let faults: [Fault] = [
    Fault("no config", .missingFile, ["config.json"]) { try $0.remove("c/config.json") },
    Fault("no index", .missingFile, ["model.safetensors", "model.safetensors.index.json"]) {
      try $0.remove("c/model.safetensors.index.json")
    },
    Fault("two shards missing", .missingShards, [shard1, shard2]) {
      try $0.remove("c/" + shard1)
      try $0.remove("c/" + shard2)
    },
    Fault("a file beside the index", .unlistedFiles, ["model.safetensors"]) {
      try $0.write([], to: "c/model.safetensors")
    },
    Fault("a truncated shard", .outOfBounds, ["model.layers.1.mlp.experts.3.down_proj.weight"]) {
      try $0.write(Array(try $0.bytes("c/" + shard1).dropLast()), to: "c/" + shard1)
    },
    Fault("a wrong total size", .wrongTotalSize, []) {
      try editIndex(in: $0) { $0["metadata"] = ["total_size": 4479] }
    },
    Fault("tensors in no shard", .missingTensors, ["x", "y"]) {
      try editMap(in: $0) {
        $0["x"] = .string(shard1)
        $0["y"] = .string(shard2)
      }
    },
    Fault("tensors not in the index", .unlistedTensors, ["lm_head.weight", "model.norm.weight"]) {
      try editMap(in: $0) {
        $0["lm_head.weight"] = nil
        $0["model.norm.weight"] = nil
      }
    },
    Fault("a tensor in another shard", .misplacedTensors, ["lm_head.weight"]) {
      try editMap(in: $0) { $0["lm_head.weight"] = .string(shard2) }
    },
    Fault("a tensor in two shards", .duplicateTensors, ["lm_head.weight"]) {
      let file = try SafetensorsFile(path: $0.path("c/" + shard2))
      var stateDict = file.stateDict
      try stateDict.insert(try Tensor(.u8, [1], bytes: [1]), named: "lm_head.weight")
      try SafetensorsFile.write(stateDict, to: $0.path("c/" + shard2))
    },
    Fault("a shard outside the folder", .invalidFileName, ["../" + shard1]) {
      try editMap(in: $0) { $0["lm_head.weight"] = .string("../" + shard1) }
    },
  ]

  @Test("A faulty checkpoint gives the code and all keys of its fault", arguments: faults)
  func faulty(_ fault: Fault) throws {
    let folder = try TemporaryFolder()
    let path = try folder.copyCheckpoint(to: "c")
    try fault.damage(folder)
    let error = #expect(throws: SafetensorsError.self) { try CheckpointFolder(path: path) }
    #expect(error?.code == fault.code)
    #expect(error?.keys == fault.keys)
    #expect(error?.path.hasPrefix(path) == true)
  }

  @Test("A message names three keys and counts the others, the error has all")
  func manyKeys() throws {
    let folder = try TemporaryFolder()
    let path = try folder.copyCheckpoint(to: "c")
    try Self.editMap(in: folder) { map in
      for number in 0..<25 { map["x\(number)"] = .string(Self.shard1) }
    }
    let error = #expect(throws: SafetensorsError.self) { try CheckpointFolder(path: path) }
    #expect(error?.keys.count == 25)
    #expect(error?.description.contains("'x2' and 22 more: expected") == true)
    #expect(error?.description.hasSuffix("\n  {x0,x1,x2,x3,x4,x5,...} (25)") == true)
  }

  @Test("A path that is no folder is an error")
  func noFolder() {
    for path in [Fixtures.path("absent"), Fixtures.path("dtypes.json")] {
      let error = #expect(throws: SafetensorsError.self) { try CheckpointFolder(path: path) }
      #expect(error?.code == .file)
    }
  }

  private static func editIndex(
    in folder: TemporaryFolder, _ edit: (inout JSONObject) -> Void
  ) throws {
    let name = "c/model.safetensors.index.json"
    var index = try #require(try JSONValue(parsing: folder.bytes(name)).objectValue)
    edit(&index)
    try folder.write(JSONValue.object(index).bytes(.compact), to: name)
  }

  private static func editMap(
    in folder: TemporaryFolder, _ edit: (inout JSONObject) -> Void
  ) throws {
    try editIndex(in: folder) { index in
      var map = index["weight_map"]?.objectValue ?? [:]
      edit(&map)
      index["weight_map"] = .object(map)
      index["metadata"] = [:]
    }
  }
}
