// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import CheckpointGenerators
import Layouts
import Tensors

/// The tensors on disk by the native tensor that they become part of.
struct GroupMembers {
  struct Member {
    let rule: Int
    let expert: Int?
    let tensor: Tensor
  }

  struct GroupKey: Hashable {
    let base: Substring
    let group: Int
  }

  /// The members of a group, and the position of the last one.
  struct Weights {
    var tensors: [Member] = []
    var last = 0
  }

  /// The low-rank factors that become one native tensor.
  struct Factors {
    let name: TensorName
    let lora: Int
    let isA: Bool
    let layer: Int
    var tensors: [Member] = []
  }

  private(set) var weights: [GroupKey: Weights] = [:]
  /// In the order of the first factor of the first part that a group has.
  private(set) var factors: [Factors] = []

  init(_ sources: [LayoutOracle.Source], _ oracle: LayoutOracle, _ own: Range<Int>) {
    var all: [TensorName: Factors] = [:]
    var order: [TensorName] = []
    var known: Set<TensorName> = []
    for (position, source) in sources.enumerated() {
      guard let key = source.key else { continue }
      switch source.meaning {
      case .part(let group, let rule):
        if own.isEmpty { continue }
        if let expert = source.expert, !own.contains(expert) { continue }
        let member = Member(rule: rule, expert: source.expert, tensor: source.tensor)
        let place = GroupKey(base: key.base, group: group)
        weights[place, default: Weights()].tensors.append(member)
        weights[place]?.last = position
      case .factor(let lora, let rule, let isA):
        let entry = oracle.layout.lora[lora]
        let group = oracle.layout.groups[entry.group]
        let name = key.named("\(group.name.upToLastDot)\(entry.native)_\(isA ? "A" : "B")")
        all[name, default: Factors(name: name, lora: lora, isA: isA, layer: key.layer)]
          .tensors.append(Member(rule: rule, expert: source.expert, tensor: source.tensor))
        let values = oracle.spec.config.values(oracle.values, ofLayer: key.layer)
        let first = group.parts.first { oracle.layout.tensors[$0].isPresent(values) }
        if rule == first, known.insert(name).inserted { order.append(name) }
      default: break
      }
    }
    factors = order.compactMap { all[$0] }
  }
}
