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
      checkpoint.lose([place.name])
      return "\(place) has no \(place.projection)"
    },
    CheckpointFaultKind(
      "missing-projection-of-all", "One projection of all experts of a layer is missing.",
      source: "a converter that renames a projection and forgets one spelling"
    ) { checkpoint, site in
      guard let place = checkpoint.pickExpert(&site) else { return nil }
      checkpoint.lose(
        checkpoint.ownExperts.map {
          checkpoint.expertKey(place.layer, $0, "\(place.projection).weight")
        })
      return "layer \(place.layer) has no \(place.projection) in any expert"
    },
    CheckpointFaultKind(
      "missing-expert", "One expert is missing.",
      source: "expert 0 taken for absent because its number is falsy; a skipped empty slice"
    ) { checkpoint, site in
      guard let place = checkpoint.pickExpert(&site),
        checkpoint.isWhole || checkpoint.ownExperts.count > 1
      else { return nil }
      checkpoint.lose(checkpoint.expertKeys(place.layer, place.expert))
      return "layer \(place.layer) has no expert \(place.expert)"
    },
    CheckpointFaultKind(
      "missing-trailing-expert", "The last expert is missing in every layer.",
      source: "converters that take the largest expert number plus one for the number of experts"
    ) { checkpoint, _ in
      guard let last = checkpoint.ownExperts.last, checkpoint.ownExperts.count > 1,
        !checkpoint.sparseLayers.isEmpty
      else { return nil }
      for layer in checkpoint.sparseLayers { checkpoint.lose(checkpoint.expertKeys(layer, last)) }
      return "layers have no expert \(last), the last one"
    },
    CheckpointFaultKind(
      "missing-experts-of-layer", "A sparse layer has no expert at all.",
      source: "upstream discovers layers from the keys of experts, so it never misses this one"
    ) { checkpoint, site in
      guard checkpoint.isWhole, !checkpoint.ownExperts.isEmpty,
        let layer = site.pick(checkpoint.sparseLayers)
      else { return nil }
      let all = (0..<checkpoint.config.expertCount).flatMap { checkpoint.expertKeys(layer, $0) }
      checkpoint.remove(all)
      for expert in checkpoint.ownExperts {
        for name in checkpoint.expertKeys(layer, expert) { checkpoint.offend(name, .missingTensor) }
      }
      return "layer \(layer) has no experts"
    },
    CheckpointFaultKind(
      "one-based-experts", "The experts of a layer are numbered from one.",
      source: "a converter of a format that counts from one"
    ) { checkpoint, site in
      guard checkpoint.spec.parallelism == nil, checkpoint.config.expertCount > 1,
        let layer = site.pick(checkpoint.sparseLayers)
      else { return nil }
      let count = checkpoint.config.expertCount
      for expert in (0..<count).reversed() {
        for projection in checkpoint.projections {
          let old = checkpoint.expertKey(layer, expert, "\(projection).weight")
          let new = checkpoint.expertKey(layer, expert + 1, "\(projection).weight")
          guard checkpoint.rename(old, to: new) else { return nil }
        }
      }
      for name in checkpoint.expertKeys(layer, 0) { checkpoint.offend(name, .missingTensor) }
      for name in checkpoint.expertKeys(layer, count) { checkpoint.offend(name, .surplusExpert) }
      return "layer \(layer) has experts 1 to \(count)"
    },
  ]
}
