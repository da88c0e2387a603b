// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
import Tensors

/// Keys of routed experts that are not there; comments say where such faults come from.
extension CheckpointFaultCatalogue {
  static let missingExperts: [CheckpointFaultKind] = [
    // An interrupted download; upstream refuses it.
    CheckpointFaultKind("missing-projection") { checkpoint, site in
      guard let place = checkpoint.pickExpert(&site) else { return nil }
      checkpoint.remove([place.name])
      checkpoint.offendMissing(place)
      return "\(place) has no \(place.projection)"
    },
    // A converter that renames a projection and forgets one spelling.
    CheckpointFaultKind("missing-projection-of-all") { checkpoint, site in
      guard let place = checkpoint.pickNumbered(&site) else { return nil }
      checkpoint.lose(
        checkpoint.ownExperts.map { checkpoint.key(place.layer, place.rule, expert: $0) })
      return "layer \(place.layer) has no \(place.projection) in any expert"
    },
    // Expert 0 taken for absent because its number is falsy; a skipped empty slice.
    CheckpointFaultKind("missing-expert") { checkpoint, site in
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
    // Converters that take the largest expert number plus one for the number of experts.
    CheckpointFaultKind("missing-trailing-expert") { checkpoint, _ in
      guard let last = checkpoint.ownExperts.last, checkpoint.ownExperts.count > 1,
        !checkpoint.sparseLayers.isEmpty
      else { return nil }
      for layer in checkpoint.sparseLayers {
        if checkpoint.areExpertsNumbered {
          checkpoint.lose(checkpoint.expertKeys(layer, last))
        } else if !checkpoint.resizeExperts(ofLayer: layer, by: -1) {
          return nil
        }
      }
      return "layers have no expert \(last), the last one"
    },
    // Upstream discovers layers from the keys of experts, so it never misses this one.
    CheckpointFaultKind("missing-experts-of-layer") { checkpoint, site in
      guard checkpoint.isWhole, !checkpoint.ownExperts.isEmpty,
        let layer = site.pick(checkpoint.sparseLayers)
      else { return nil }
      checkpoint.dropExperts(layer)
      return "layer \(layer) has no experts"
    },
    // A converter of a format that counts from one.
    CheckpointFaultKind("one-based-experts") { checkpoint, site in
      let count = checkpoint.config.expertCount
      guard checkpoint.areExpertsNumbered, checkpoint.spec.parallelism == nil, count > 1,
        let layer = site.pick(checkpoint.sparseLayers)
      else { return nil }
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

extension FaultyCheckpoint {
  /// Gives the tensors of all experts of a layer, which are grouped on disk, other numbers of them.
  mutating func resizeExperts(ofLayer layer: Int, by step: Int) -> Bool {
    for rule in expertRules(layer) {
      let place = FaultPlace(layer: layer, expert: nil, rule: rule, name: key(layer, rule))
      guard resizeExperts(place, by: step) else { return false }
    }
    return true
  }

  /// Gives a tensor of all experts other numbers of them.
  fileprivate mutating func resizeExperts(_ place: FaultPlace, by step: Int) -> Bool {
    let experts = layout.position(of: .experts)
    guard let axis = place.rule.axes.firstIndex(where: { $0.extent.singleSize == experts }) else {
      return false
    }
    return reshape(place.name) { $0.extents.adding(step, fromEnd: $0.rank - axis) }
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
