// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Safetensors
import StrictJSON
import Tensors
import Testing

@Suite("Plans of shards")
struct ShardPlanTests {
  @Test("Random lists of sizes are split as huggingface_hub splits them")
  func greedy() throws {
    let cases = try #require(try Fixtures.json("sharding.json").arrayValue)
    for example in cases {
      let sizes = try #require(example["sizes"]?.arrayValue).compactMap(\.integerValue)
      let limit = try #require(example["limit"]?.integerValue)
      let infos = try sizes.enumerated().map {
        TensorInfo(TensorName("t\($0)"), .u8, try Shape([$1]))
      }
      let plan = try ShardPlan.greedy(infos, maxShardSize: limit)
      let shards = plan.shards.map { [$0.fileName] + $0.tensors.map(\.name.text) }
      let expected = example["shards"]?.arrayValue?.map {
        $0.arrayValue?.compactMap(\.stringValue) ?? []
      }
      #expect(shards == expected, "\(example.text(.compact))")
    }
  }

  @Test("No tensors are one file without tensors")
  func empty() throws {
    let plan = try ShardPlan.greedy([], maxShardSize: 1)
    #expect(plan.shards == [.init("model.safetensors", [])])
  }

  @Test("A size that is not positive is an error", arguments: [0, -1])
  func invalidSize(_ size: Int) {
    let error = #expect(throws: SafetensorsError.self) {
      try ShardPlan.greedy([], maxShardSize: size)
    }
    #expect(error?.code == .invalidByteSize)
  }

  @Test("Sums of huge tensors do not overflow")
  func huge() throws {
    let infos = try (0..<3).map { TensorInfo(TensorName("t\($0)"), .u8, try Shape([1 << 62])) }
    #expect(try ShardPlan.greedy(infos, maxShardSize: .max).shards.count == 3)
    let error = #expect(throws: SafetensorsError.self) {
      try CheckpointIndex(ShardPlan.greedy(infos, maxShardSize: .max))
    }
    #expect(error?.code == .sizeOverflow)
  }

  @Test("The index of a folder gives back its own assignment")
  func followingIndex() throws {
    let folder = try CheckpointFolder(path: Fixtures.path("tiny-hyv3"))
    let index = try #require(folder.index)
    let plan = try ShardPlan(folder.infos.reversed(), following: index)
    #expect(plan.shards.map(\.fileName) == folder.shards.map(\.name))
    for (shard, planned) in zip(folder.shards, plan.shards) {
      #expect(Set(planned.tensors) == Set(shard.file.infos))
    }
  }

  @Test("Tensors that only the index or only the list has are named")
  func differingNames() throws {
    let folder = try CheckpointFolder(path: Fixtures.path("tiny-hyv3"))
    let index = try #require(folder.index)
    let fewer = #expect(throws: SafetensorsError.self) {
      try ShardPlan(
        folder.infos.filter { !$0.name.text.hasSuffix("norm.weight") }, following: index)
    }
    #expect(fewer?.code == .missingTensors)
    #expect(fewer?.keys.count == 13)
    let more = #expect(throws: SafetensorsError.self) {
      try ShardPlan(folder.infos + [TensorInfo("x", .u8, [1])], following: index)
    }
    #expect(more?.code == .unlistedTensors)
    #expect(more?.keys == ["x"])
  }

  @Test("Repeated and invalid names are errors")
  func names() {
    let info = TensorInfo("a", .u8, [1])
    let cases: [([ShardPlan.Shard], SafetensorsError.Code, [String])] = [
      ([.init("x.safetensors", [info, info])], .duplicateKey, ["a"]),
      ([.init("x.safetensors", [info]), .init("y.safetensors", [info])], .duplicateKey, ["a"]),
      ([.init("x.safetensors", []), .init("x.safetensors", [])], .duplicateKey, ["x.safetensors"]),
      ([.init("../x.safetensors", [])], .invalidFileName, ["../x.safetensors"]),
    ]
    for (shards, code, keys) in cases {
      let error = #expect(throws: SafetensorsError.self) { try ShardPlan(shards) }
      #expect(error?.code == code)
      #expect(error?.keys == keys)
    }
  }
}
