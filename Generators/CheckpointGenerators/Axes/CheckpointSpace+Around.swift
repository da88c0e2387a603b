// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
public import Layouts

extension CheckpointSpace {
  /// Leaves only checkpoints that have what a config decides beside its numbers: which layers are
  /// dense and how many predict further tokens, how the intermediate size relates to the hidden size,
  /// shared experts, heads, norms, biases, embeddings, and types.
  ///
  /// What the adapter supports of that must have been left out before.
  public mutating func keepRelations(of config: ModelConfig) {
    let values = AxisValues(config)
    for axis in Self.related {
      if let value = values[axis] { keep([value], of: axis) }
    }
    let biases = ExpertBiasClass.allCases.filter { ($0 != .absent) == config.hasRouterBias }
    keep(Set(biases.map { Int($0.axisValue) }), of: .expertBias)
    if let type = OtherTypeClass.allCases.first(where: { $0.dtype == config.dtype }) {
      keep([Int(type.axisValue)], of: .otherDType)
    }
  }

  private static let related: [ConfigAxis] = [
    .densePrefix, .mtpLayers, .intermediateSize, .sharedExperts, .heads, .queryKeyNorm, .biases,
    .tiedEmbeddings,
  ]

  private mutating func keep(_ values: Set<Int>, of axis: ConfigAxis) {
    allowed[axis] = allowed[axis].map { $0.intersection(values) } ?? values
  }
}
