// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
import Tensors

/// Keys of routed experts that are not there.
extension CheckpointFaultCatalogue {
  static let missingExperts: [CheckpointFaultKind] = [
    CheckpointFaultKind(
      "missing-projection", "One projection of one expert is missing.",
      source: "an interrupted download; upstream refuses it"
    ) { checkpoint, site in
      guard let place = checkpoint.pickExpert(&site) else { return nil }
      checkpoint.remove([place.name])
      checkpoint.offendMissing(place)
      return "\(place) has no \(place.projection)"
    },
    CheckpointFaultKind(
      "missing-projection-of-all", "One projection of all experts of a layer is missing.",
      source: "a converter that renames a projection and forgets one spelling"
    ) { checkpoint, site in
      guard let place = checkpoint.pickNumbered(&site) else { return nil }
      checkpoint.lose(
        checkpoint.ownExperts.map { checkpoint.key(place.layer, place.rule, expert: $0) })
      return "layer \(place.layer) has no \(place.projection) in any expert"
    },
    CheckpointFaultKind(
      "missing-expert", "One expert is missing.",
      source: "expert 0 taken for absent because its number is falsy; a skipped empty slice"
    ) { checkpoint, site in
      guard let place = checkpoint.pickExpert(&site) else { return nil }
      guard let expert = place.expert else {
        return checkpoint.resizeExperts(place, by: -1)
          ? "\(place) has no expert \(checkpoint.config.expertCount - 1) in its \(place.projection)"
          : nil
      }
      guard checkpoint.isWhole || checkpoint.ownExperts.count > 1 else { return nil }
      checkpoint.lose(checkpoint.expertKeys(place.layer, expert))
      return "layer \(place.layer) has no expert \(expert)"
    },
    CheckpointFaultKind(
      "missing-trailing-expert", "The last expert is missing in every layer.",
      source: "converters that take the largest expert number plus one for the number of experts"
    ) { checkpoint, _ in
      guard let last = checkpoint.ownExperts.last, checkpoint.ownExperts.count > 1,
        !checkpoint.sparseLayers.isEmpty
      else { return nil }
      for layer in checkpoint.sparseLayers {
        guard !checkpoint.areExpertsNumbered else {
          checkpoint.lose(checkpoint.expertKeys(layer, last))
          continue
        }
        for place in checkpoint.groupedExperts(layer) where !checkpoint.resizeExperts(place, by: -1)
        {
          return nil
        }
      }
      return "layers have no expert \(last), the last one"
    },
    CheckpointFaultKind(
      "missing-experts-of-layer", "A sparse layer has no expert at all.",
      source: "upstream discovers layers from the keys of experts, so it never misses this one"
    ) { checkpoint, site in
      guard checkpoint.isWhole, !checkpoint.ownExperts.isEmpty,
        let layer = site.pick(checkpoint.sparseLayers)
      else { return nil }
      checkpoint.dropExperts(layer)
      return "layer \(layer) has no experts"
    },
    CheckpointFaultKind(
      "one-based-experts", "The experts of a layer are numbered from one.",
      source: "a converter of a format that counts from one"
    ) { checkpoint, site in
      guard checkpoint.areExpertsNumbered, checkpoint.spec.parallelism == nil,
        checkpoint.config.expertCount > 1, let layer = site.pick(checkpoint.sparseLayers)
      else { return nil }
      let count = checkpoint.config.expertCount
      for expert in (0..<count).reversed() {
        for rule in checkpoint.expertRules(layer) {
          let old = checkpoint.key(layer, rule, expert: expert)
          let new = checkpoint.key(layer, rule, expert: expert + 1)
          guard checkpoint.rename(old, to: new) else { return nil }
        }
      }
      for name in checkpoint.expertKeys(layer, 0) { checkpoint.offend(name, .missingTensor) }
      for name in checkpoint.expertKeys(layer, count) { checkpoint.offend(name, .surplusExpert) }
      return "layer \(layer) has experts 1 to \(count)"
    },
  ]
}

/// Experts that are grouped on disk.
extension FaultyCheckpoint {
  /// The tensors of all experts of a layer.
  func groupedExperts(_ layer: Int) -> [ExpertPlace] {
    expertRules(layer).map {
      ExpertPlace(layer: layer, expert: nil, rule: $0, name: key(layer, $0))
    }
  }

  /// Gives a tensor of all experts other numbers of them.
  mutating func resizeExperts(_ place: ExpertPlace, by step: Int) -> Bool {
    let experts = layout.position(of: .experts)
    guard let axis = place.rule.axes.firstIndex(where: { $0.extent.singleSize == experts }) else {
      return false
    }
    return reshape(place.name) { shape in
      shape.extents.indices.map { shape[$0] + ($0 == axis ? step : 0) }
    }
  }

  /// Removes the experts of a layer, which then are missing where all must be there.
  mutating func dropExperts(_ layer: Int) {
    var required: [TensorName] = []
    for expert in areExpertsNumbered ? 0..<config.expertCount : 0..<1 {
      let names = expertKeys(layer, expert)
      remove(names)
      if !areExpertsNumbered || ownExperts.contains(expert) { required += names }
    }
    guard isWhole else { return }
    for name in required { offend(name, .missingTensor) }
  }
}
