// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
import Tensors

/// Tensors of another shape than the config gives them; comments say where such faults come from.
extension CheckpointFaultCatalogue {
  static let wrongShapes: [CheckpointFaultKind] = [
    // Converters that transpose by the shape they see.
    expert("transposed-projection", "transposed") { $0.extents.exchangingLast },
    // Unpadded slices of padded tensors.
    expert("missing-row", "one row short") { $0.extents.adding(-1, fromEnd: 2) },
    // Upstream checks no shape on load.
    expert("missing-column", "one column short") { $0.extents.adding(-1, fromEnd: 1) },
    // Flat shards of a sharded optimizer.
    expert("flattened-projection", "flat") { [$0.elementCount] },
    // Slices of a grouped tensor that keep the axis of the experts.
    expert("extra-axis", "of three axes") { [1] + $0.extents },
    // Placeholders of a partitioned parameter.
    expert("scalar-projection", "a scalar") { _ in [] },
    // What a save leaves that gathered no parts; PyTorch joins such a tensor with others without a word.
    expert("empty-projection", "empty") { _ in [0] },
    // Upstream checks no shape on load, so the pair is stacked as it is.
    CheckpointFaultKind("ragged-pair") { checkpoint, site in
      guard let place = checkpoint.pickExpert(&site, where: { $0.part == .up }),
        let gate = checkpoint.expertRules(place.layer).first(where: { $0.part == .gate }),
        checkpoint.reshape(place.name, { $0.extents.adding(1, fromEnd: 2) })
      else { return nil }
      return "\(place) has more rows in \(place.projection) than in \(gate.module)"
    },
    // Checks that look at a rank's own experts only.
    CheckpointFaultKind("wrong-shape-of-other-rank") { checkpoint, site in
      guard checkpoint.areExpertsNumbered, let layer = site.pick(checkpoint.sparseLayers) else {
        return nil
      }
      let own = Set(checkpoint.ownExperts)
      let others = (0..<checkpoint.config.expertCount).filter { !own.contains($0) }
      guard let expert = site.pick(others),
        let down = checkpoint.expertRules(layer).first(where: { $0.part == .down }),
        checkpoint.reshape(
          checkpoint.key(layer, down, expert: expert), { $0.extents.adding(1, fromEnd: 1) })
      else { return nil }
      return "expert \(expert) of layer \(layer), another rank's, has a column too many"
    },
    // Checkpoints of pruned or upcycled models.
    other("long-expert-bias", \.sparseLayers, isRouterBias) { [$0.elementCount + 1] },
    // Biases saved as modules with one output.
    other("column-expert-bias", \.sparseLayers, isRouterBias) { [$0.elementCount, 1] },
    // Upstream's comments say so, and its code does not.
    other("local-expert-bias", \.sparseLayers, isRouterBias) { [$0.elementCount / 2] },
    // Frameworks that keep linear layers as [input, output].
    other("transposed-router", \.sparseLayers, isRouter) { $0.extents.reversed() },
    // Checkpoints of pruned models.
    other("router-of-more-experts", \.sparseLayers, isRouter) { [$0[0] + 1, $0[1]] },
    // Shards of one rank saved as the whole.
    other(
      "wrong-norm", \.layers, { $0.role == .norm && $0.kinds == .all && $0.axes.count == 1 }
    ) { [$0.elementCount + 1] },
    // Fused projections that were not split.
    other("fused-attention", \.layers, { $0.role == .attention && $0.isWeight }) {
      [3 * $0[0], $0[1]]
    },
    // Shards of one rank saved as the whole.
    other("narrow-dense-projection", \.denseLayers, { $0.role == .dense && $0.isWeight }) {
      [$0[0] - 1, $0[1]]
    },
    // Converters that transpose by the shape they see.
    other("transposed-shared-expert", \.sparseLayers, { $0.role == .sharedExpert && $0.isWeight }) {
      $0.extents.reversed()
    },
    // Training frameworks that pad the vocabulary to a multiple of the ranks.
    CheckpointFaultKind("padded-vocabulary") { checkpoint, site in
      let names = checkpoint.layout.tensors.filter {
        $0.kinds == nil && ($0.role == .embedding || $0.role == .head)
      }.map(checkpoint.keyOutside)
      guard let name = site.pick(names.filter(checkpoint.has)),
        checkpoint.reshape(name, { [$0[0] + 1] + $0.extents.dropFirst() })
      else { return nil }
      return "\(name) has a row more than the vocabulary"
    },
  ]

  private static let isRouter = { @Sendable (rule: TensorRule) in
    rule.role == .router && rule.isWeight
  }
  private static let isRouterBias = { @Sendable (rule: TensorRule) in rule.role == .routerBias }

  private static func expert(
    _ name: String, _ word: String, _ extents: @escaping @Sendable (Shape) -> [Int]
  ) -> CheckpointFaultKind {
    .reshaped(
      name, at: { $0.pickExpert(&$1) },
      words: { place, _ in "\(place) has a \(place.projection) that is \(word)" }, extents)
  }

  private static func other(
    _ name: String, _ layers: @escaping @Sendable (FaultyCheckpoint) -> [Int],
    _ isMeant: @escaping @Sendable (TensorRule) -> Bool,
    _ extents: @escaping @Sendable (Shape) -> [Int]
  ) -> CheckpointFaultKind {
    .reshaped(
      name, at: { $0.pickTensor(layers($0), &$1, where: isMeant) },
      words: { "layer \($0.layer) has a \($0.rule.name.start) of shape \($1)" }, extents)
  }
}

/// Experts of element types that cannot be cast, and scales without what they scale; comments say where
/// such faults come from.
extension CheckpointFaultCatalogue {
  static let wrongTypes: [CheckpointFaultKind] = [
    // Four-bit weights packed into integers.
    expertType("integer-expert", [.i8, .i16, .i32, .i64]),
    expertType("unsigned-expert", [.u8, .u16, .u32, .u64]),
    // Pruning masks saved in place of weights.
    expertType("boolean-expert", [.bool]),
    // Loaders that skip weights of a type they do not know and keep their scales.
    CheckpointFaultKind("scale-without-weight") { checkpoint, site in
      guard let place = checkpoint.pickExpert(&site),
        let suffix = site.pick(checkpoint.layout.companions),
        let scale = place.name.replacingWeight(by: suffix)
      else { return nil }
      checkpoint.remove([place.name])
      checkpoint.offendMissing(place)
      guard checkpoint.add(TensorInfo(scale, .bf16, []), .scaleWithoutWeight) else { return nil }
      return "\(place) has a \(suffix) of its \(place.projection) and no weight"
    },
    // Weight and scale in different shards, of which one was not read.
    CheckpointFaultKind("attention-scale-without-weight") { checkpoint, site in
      let isQuery = { (rule: TensorRule) in rule.role == .attention && rule.isWeight }
      guard let place = checkpoint.pickTensor(checkpoint.layers, &site, where: isQuery),
        let suffix = checkpoint.layout.companions.first,
        let scale = place.name.replacingWeight(by: suffix),
        checkpoint.add(TensorInfo(scale, .bf16, []))
      else { return nil }
      checkpoint.infos.removeAll { $0.name == place.name }
      checkpoint.offendMissing(place)
      checkpoint.offend(scale, .scaleWithoutWeight)
      return "layer \(place.layer) has a scale of its \(place.projection) and no weight"
    },
  ]

  private static func expertType(_ name: String, _ types: [DType]) -> CheckpointFaultKind {
    CheckpointFaultKind(name) { checkpoint, site in
      guard let place = checkpoint.pickExpert(&site, where: checkpoint.isCast),
        let dtype = site.pick(types),
        dtype != checkpoint.layout.target(checkpoint.setup.options.targetDType),
        checkpoint.retype(place.name, dtype)
      else { return nil }
      return "\(place) has a \(place.projection) of \(dtype)"
    }
  }
}

extension FaultyCheckpoint {
  /// Whether a tensor takes the target type on load.
  fileprivate func isCast(_ rule: TensorRule) -> Bool {
    rule.group.map { layout.groups[$0].isCast } ?? false
  }
}
