// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
import Tensors
import Testing

@Suite("Expert-parallel ranks share the experts out and put them together again")
struct AdapterOptionsTests {
  private func ranks(_ size: Int) throws -> [ExpertParallelism] {
    try (0..<size).map { try ExpertParallelism(rank: $0, size: size) }
  }

  @Test("Ranks own contiguous ranges in order, the first ones one expert more")
  func partition() throws {
    for experts in 1...13 {
      for size in 1...16 {
        let ranges = try ranks(size).map { $0.experts(of: experts) }
        #expect(ranges.flatMap { Array($0) } == Array(0..<experts), "\(experts) on \(size)")
        let counts = ranges.enumerated().map { rank, range in
          range.count == experts / size + (rank < experts % size ? 1 : 0)
        }
        #expect(!counts.contains(false), "\(experts) on \(size): \(ranges)")
      }
    }
  }

  @Test("A rank outside its group is refused")
  func invalid() {
    for (rank, size) in [(0, 0), (1, 1), (-1, 2), (2, 2), (5, -1), (Int.max, Int.max), (0, .min)] {
      let error = #expect(throws: AdapterError.self, "\(rank) of \(size)") {
        try ExpertParallelism(rank: rank, size: size)
      }
      let offences = error?.problems.map { Offence($0.code, $0.subject) }
      #expect(offences == [Offence(.invalidOption, "expert parallelism")])
    }
  }

  @Test("The ranks' shards along the first axis are the whole, and go back to the checkpoint")
  func shards() throws {
    for (experts, sizes) in [(1, [1, 3]), (5, [1, 2, 3, 5, 7]), (12, [5, 16])] {
      let config = try TestCheckpoint.config(experts: experts, hidden: 2, inter: 3)
      let adapter = StateDictAdapter(config: config)
      let checkpoint = try TestCheckpoint.stateDict(config)
        .adding("model.layers.1.mlp.experts.0.up_proj.weight_scale", [2])
      let whole = try adapter.fromHF(checkpoint)
      for size in sizes {
        let ranks = try ranks(size)
        let shards = try ranks.map { try adapter.fromHF(checkpoint, expertParallelism: $0) }
        for name in whole.names where name.text.hasSuffix("_projs") {
          let joined = shards.compactMap { $0[name] }.flatMap(elements)
          let expected = try elements(#require(whole[name]))
          #expect(joined == expected, "\(name), \(experts) experts on \(size) ranks")
        }
        for (rank, shard) in zip(ranks, shards) {
          let isEmpty = rank.experts(of: experts).isEmpty
          #expect(shard.names.contains { $0.text.hasSuffix("_projs") } == !isEmpty)
        }
        var joined: [TensorName: Tensor] = [:]
        for (rank, shard) in zip(ranks, shards) {
          for (name, tensor) in try adapter.toHF(shard, expertParallelism: rank) {
            #expect(joined[name] == nil || joined[name] == tensor, "\(name)")
            joined[name] = tensor
          }
        }
        let back = try StateDict(
          checkpoint.names.compactMap { name in joined[name].map { (name, $0) } })
        let difference = firstDifference(back, checkpoint)
        #expect(difference == nil && joined.count == checkpoint.count, "\(experts) on \(size)")
      }
    }
  }

  @Test("A rank's own part of a checkpoint, streamed or whole, goes to disk and back alone")
  func ownPart() throws {
    let config = try TestCheckpoint.config(experts: 5, hidden: 2, inter: 3)
    let adapter = StateDictAdapter(config: config)
    let checkpoint = try TestCheckpoint.stateDict(config)
    for rank in try ranks(3) {
      let shard = try adapter.fromHF(checkpoint, expertParallelism: rank)
      let onDisk = try adapter.toHF(shard, expertParallelism: rank)
      let streamed = try StateDict(
        shard.flatMap { name, tensor in
          try adapter.convertSingleTensorToHF(name, tensor, expertParallelism: rank)
        }.map { ($0.name, $0.tensor) })
      #expect(firstDifference(streamed, onDisk) == nil, "\(rank)")
      let again = try adapter.fromHF(onDisk, expertParallelism: rank)
      let sorted = try StateDict(shard.names.compactMap { name in again[name].map { (name, $0) } })
      #expect(firstDifference(sorted, shard) == nil, "\(rank)")
      #expect(throws: AdapterError.self) { try adapter.fromHF(onDisk) }
    }
  }

  /// The elements, few enough to be compared at once.
  private func elements(_ tensor: Tensor) -> [UInt64] {
    (0..<tensor.shape.elementCount).map { tensor.bits(at: $0) }
  }
}
