// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import PropertyEngine

/// The order of the keys of a checkpoint on disk.
public enum KeyOrder: Sendable, Hashable {
  /// Embedding, layers in order, norm, head; experts in order.
  case schema
  /// By UTF-8 bytes, as safetensors files are read.
  case sorted
  /// The schema's order from its end.
  case reversed
  /// Any order, chosen by a seed.
  case shuffled(UInt64)
  /// Sorted keys dealt out to a number of shards that are read one after the other.
  case sharded(Int)

  /// The positions of sorted names in this order, given their positions in schema order.
  func arranged<Name: Comparable>(_ names: [Name]) -> [Int] {
    let schema = Array(names.indices)
    switch self {
    case .schema: return schema
    case .sorted: return schema.sorted { names[$0] < names[$1] }
    case .reversed: return schema.reversed()
    case .shuffled(let seed): return schema.shuffled(by: seed)
    case .sharded(let count):
      let sorted = schema.sorted { names[$0] < names[$1] }
      let shards = max(1, count)
      return (0..<shards).flatMap { shard in
        stride(from: shard, to: sorted.count, by: shards).map { sorted[$0] }
      }
    }
  }
}

extension Array {
  /// The elements in an order that a seed decides (Fisher-Yates over SplitMix64).
  public func shuffled(by seed: UInt64) -> [Element] {
    var result = self
    var state = seed
    for last in stride(from: result.count - 1, to: 0, by: -1) {
      let (position, _) = UInt64(last + 1).multipliedFullWidth(by: splitMix(&state))
      result.swapAt(last, Int(position))
    }
    return result
  }
}
