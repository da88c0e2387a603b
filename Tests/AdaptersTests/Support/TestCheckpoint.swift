// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
import Tensors

/// Small configs and checkpoints whose elements tell where they come from.
enum TestCheckpoint {
  /// A config with named differences from the smallest interesting one: layer 0 dense, layer 1
  /// sparse, three experts, all sizes different.
  static func config(
    experts: Int = 3, hidden: Int = 4, inter: Int = 5, layers: [LayerKind] = [.dense, .sparse],
    mtp: Int = 0, shared: Int = 1, dtype: DType = .bf16
  ) throws -> ModelConfig {
    try ModelConfig(
      vocabularySize: 7, hiddenSize: hidden, denseIntermediateSize: 6,
      moeIntermediateSize: inter, expertCount: experts, sharedExpertCount: shared,
      layerKinds: layers, mtpLayerCount: mtp, attentionHeadCount: 2, keyValueHeadCount: 1,
      headSize: 3, dtype: dtype)
  }

  /// The tensors of infos in order, each element with bits of its own as far as the type has them.
  static func stateDict(_ infos: [TensorInfo]) throws -> StateDict {
    var next: UInt64 = 0x1234
    return try StateDict(
      infos.map { info in
        let start = next
        next &+= UInt64(info.shape.elementCount)
        return (info.name, try Tensor(info.dtype, info.shape) { scramble(start &+ UInt64($0)) })
      })
  }

  /// A whole checkpoint of a config.
  static func stateDict(
    _ config: ModelConfig, prefix: ModelPrefix = .model, activation: ExpertActivation = .swiglu
  ) throws -> StateDict {
    try stateDict(ModelSchema(config, prefix: prefix, activation: activation).tensors())
  }

  /// A bijection of 64-bit numbers, so that different addresses have different bits.
  private static func scramble(_ value: UInt64) -> UInt64 {
    value &* 0x9e37_79b9_7f4a_7c15
  }
}

/// The first difference between two state dicts, small enough to print.
func firstDifference(_ found: StateDict, _ expected: StateDict) -> String? {
  let names = (found.names.map(\.text), expected.names.map(\.text))
  if let index = zip(names.0, names.1).enumerated().first(where: { $0.element.0 != $0.element.1 }) {
    return "key \(index.offset) is '\(index.element.0)', expected '\(index.element.1)'"
  }
  if found.count != expected.count {
    return "\(found.count) keys, expected \(expected.count)"
  }
  for (mine, theirs) in zip(found, expected) where mine.tensor != theirs.tensor {
    let (a, b) = (mine.tensor, theirs.tensor)
    guard a.dtype == b.dtype, a.shape == b.shape else {
      return "'\(mine.name)' is \(a.dtype) \(a.shape), expected \(b.dtype) \(b.shape)"
    }
    let index = (0..<a.shape.elementCount).first { a.bits(at: $0) != b.bits(at: $0) } ?? -1
    return "'\(mine.name)' differs at element \(index): "
      + "\(String(a.bits(at: index), radix: 16)), expected \(String(b.bits(at: index), radix: 16))"
  }
  return nil
}
