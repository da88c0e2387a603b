// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
import Tensors

/// Tensors of another shape than the config gives them.
extension CheckpointFaultCatalogue {
  static let wrongShapes: [CheckpointFaultKind] = [
    expertShape(
      "transposed-projection", "A projection of an expert is transposed.",
      source: "converters that transpose by the shape they see", "transposed"
    ) { $0.extents.exchangingLast },
    expertShape(
      "missing-row", "A projection of an expert lacks its last row.",
      source: "unpadded slices of padded tensors", "one row short"
    ) { $0.extents.adding(-1, fromEnd: 2) },
    expertShape(
      "missing-column", "A projection of an expert lacks its last column.",
      source: "upstream checks no shape on load", "one column short"
    ) { $0.extents.adding(-1, fromEnd: 1) },
    expertShape(
      "flattened-projection", "A projection of an expert has one axis.",
      source: "flat shards of a sharded optimizer", "flat"
    ) { [$0.elementCount] },
    expertShape(
      "extra-axis", "A projection of an expert has an axis more.",
      source: "slices of a grouped tensor that keep the axis of the experts", "of three axes"
    ) { [1] + $0.extents },
    expertShape(
      "scalar-projection", "A projection of an expert is a scalar.",
      source: "placeholders of a partitioned parameter", "a scalar"
    ) { _ in [] },
    CheckpointFaultKind(
      "ragged-pair", "Gate and up projection of an expert differ in their rows.",
      source: "upstream checks no shape on load, so the pair is stacked as it is"
    ) { checkpoint, site in
      guard let place = checkpoint.pickExpert(&site, where: { $0.part == .up }) else { return nil }
      let gate = checkpoint.expertRules(place.layer).first { $0.part == .gate }
      guard let gate, checkpoint.reshape(place.name, { $0.extents.adding(1, fromEnd: 2) })
      else { return nil }
      return "\(place) has more rows in \(place.projection) than in \(gate.module)"
    },
    CheckpointFaultKind(
      "wrong-shape-of-other-rank", "An expert of another rank has a wrong shape.",
      source: "checks that look at a rank's own experts only"
    ) { checkpoint, site in
      guard checkpoint.areExpertsNumbered, let layer = site.pick(checkpoint.sparseLayers) else {
        return nil
      }
      let own = Set(checkpoint.ownExperts)
      let others = (0..<checkpoint.config.expertCount).filter { !own.contains($0) }
      guard let expert = site.pick(others) else { return nil }
      let down = checkpoint.expertRules(layer).first { $0.part == .down }
      guard let name = down.map({ checkpoint.key(layer, $0, expert: expert) }),
        checkpoint.reshape(name, { $0.extents.adding(1, fromEnd: 1) })
      else { return nil }
      return "expert \(expert) of layer \(layer), another rank's, has a column too many"
    },
    shape(
      "long-expert-bias", "The router's bias has one element more than there are experts.",
      source: "checkpoints of pruned or upcycled models", \.sparseLayers,
      where: { $0.role == .routerBias }
    ) { [$0.elementCount + 1] },
    shape(
      "column-expert-bias", "The router's bias is a column.",
      source: "biases saved as modules with one output", \.sparseLayers,
      where: { $0.role == .routerBias }
    ) { [$0.elementCount, 1] },
    shape(
      "local-expert-bias", "The router's bias holds one rank's experts only.",
      source: "upstream's comments say so, and its code does not", \.sparseLayers,
      where: { $0.role == .routerBias }
    ) { [$0.elementCount / 2] },
    shape(
      "transposed-router", "The router is transposed.",
      source: "frameworks that keep linear layers as [input, output]",
      \.sparseLayers, where: { $0.role == .router && $0.isWeight }
    ) { $0.extents.reversed() },
    shape(
      "router-of-more-experts", "The router has a row for an expert that does not exist.",
      source: "checkpoints of pruned models", \.sparseLayers,
      where: { $0.role == .router && $0.isWeight }
    ) { [$0[0] + 1, $0[1]] },
    shape(
      "wrong-norm", "A norm has another width.",
      source: "shards of one rank saved as the whole",
      \.layers, where: { $0.role == .norm && $0.kinds == .all && $0.axes.count == 1 }
    ) { [$0.elementCount + 1] },
    shape(
      "fused-attention", "A query projection has the rows of keys and values as well.",
      source: "fused projections that were not split",
      \.layers, where: { $0.role == .attention && $0.isWeight }
    ) { [3 * $0[0], $0[1]] },
    shape(
      "narrow-dense-projection", "A projection of a dense layer lacks rows.",
      source: "shards of one rank saved as the whole",
      \.denseLayers, where: { $0.role == .dense && $0.isWeight }
    ) { [$0[0] - 1, $0[1]] },
    shape(
      "transposed-shared-expert", "A projection of the shared expert is transposed.",
      source: "converters that transpose by the shape they see",
      \.sparseLayers, where: { $0.role == .sharedExpert && $0.isWeight }
    ) { $0.extents.reversed() },
    CheckpointFaultKind(
      "padded-vocabulary", "The embedding or the head has rows for padding.",
      source: "training frameworks that pad the vocabulary to a multiple of the ranks"
    ) { checkpoint, site in
      let names = checkpoint.layout.tensors.filter {
        $0.kinds == nil && ($0.role == .embedding || $0.role == .head)
      }.map(checkpoint.keyOutside)
      guard let name = site.pick(names.filter(checkpoint.has)),
        checkpoint.reshape(name, { [$0[0] + 1, $0[1]] })
      else { return nil }
      return "\(name) has a row more than the vocabulary"
    },
  ]

  private static func expertShape(
    _ name: String, _ statement: String, source: String, _ word: String,
    _ extents: @escaping @Sendable (Shape) -> [Int]
  ) -> CheckpointFaultKind {
    CheckpointFaultKind(name, statement, source: source) { checkpoint, site in
      guard let place = checkpoint.pickExpert(&site), checkpoint.reshape(place.name, extents)
      else { return nil }
      return "\(place) has a \(place.projection) that is \(word)"
    }
  }

  private static func shape(
    _ name: String, _ statement: String, source: String,
    _ layers: @escaping @Sendable (FaultyCheckpoint) -> [Int],
    where isMeant: @escaping @Sendable (TensorRule) -> Bool,
    _ extents: @escaping @Sendable (Shape) -> [Int]
  ) -> CheckpointFaultKind {
    CheckpointFaultKind(name, statement, source: source) { checkpoint, site in
      guard let place = checkpoint.pickTensor(layers(checkpoint), &site, where: isMeant),
        checkpoint.reshape(place.name, extents), let shape = checkpoint.info(place.name)?.shape
      else { return nil }
      return "layer \(place.layer) has a \(place.rule.name.start) of shape \(shape)"
    }
  }
}
