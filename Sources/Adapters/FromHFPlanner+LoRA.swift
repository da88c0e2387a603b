// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Layouts
import Tensors

/// LoRA factors of experts, one tensor each for expert, projection and factor.
extension FromHFPlanner {
  /// The sources of a LoRA group, by expert and projection.
  private func members(of id: GroupID) -> [(projection: Projection, source: Int, expert: Int)] {
    (0..<context.config.expertCount).flatMap { expert in
      context.groups[id.group].projections.compactMap { projection in
        loraGroups[id][expert, projection].map { (projection, $0, expert) }
      }
    }
  }

  /// The rank of a LoRA group, which is that of most members, so that a wrong one is reported.
  private func rank(of id: GroupID) -> Int {
    let axis = context.groups[id.group].rankAxis
    let shapes = members(of: id).map { plan.sources[$0.source].shape }
    return shapes.filter { $0.rank == 2 }.map { $0[axis] }.mostFrequent ?? 0
  }

  /// The group without which another is of no use, if nothing of it turned up.
  private func missingPartner(of id: GroupID) -> GroupID? {
    guard let partner = partner(of: id), !loraGroups.contains(partner) else { return nil }
    return partner
  }

  private func partner(of id: GroupID) -> GroupID? {
    let native = HyLayout.partner(of: context.groups[id.group].native)
    return context.groups.firstIndex { $0.native == native }
      .map { GroupID(prefix: id.prefix, layer: id.layer, group: $0) }
  }

  private mutating func reportMissingMembers(_ id: GroupID) {
    let group = context.groups[id.group]
    for expert in 0..<context.config.expertCount {
      for projection in group.projections where loraGroups[id][expert, projection] == nil {
        plan.report(
          .incompleteLoRA,
          context.name(prefix: id.prefix, layer: id.layer, expert: expert, projection, group),
          expected: "a factor for each expert and projection", found: "no such key")
      }
    }
  }

  /// Adds a LoRA group whose members are all there and agree.
  mutating func addLoRAGroup(_ id: GroupID) {
    let group = context.groups[id.group]
    let before = plan.findings.count
    let members = members(of: id)
    if let partner = missingPartner(of: id) { reportMissingMembers(partner) }
    guard members.count == context.config.expertCount * group.projections.count else {
      return reportMissingMembers(id)
    }
    let rank = rank(of: id)
    let dtype = members.map { plan.sources[$0.source].dtype }.mostFrequent ?? .bf16
    for (projection, source, expert) in members {
      let part = group.parts.first { $0.projection == projection } ?? group.parts[0]
      let info = plan.sources[source]
      let expected = context.extents(of: part, in: group, rank: rank)
      if info.shape.extents != expected {
        plan.report(.wrongShape, info.name, expected: "\(expected)", found: "\(info.shape)")
      }
      if info.dtype != dtype {
        plan.report(.wrongDType, info.name, expected: "\(dtype)", found: "\(info.dtype)")
      }
      if projection == group.repeated,
        let kept = loraGroups[id][expert, group.parts[0].projection]
      {
        plan.omit(source, .repeats(source: kept))
      }
    }
    guard plan.findings.count == before else { return }
    // The B factors of a pair are taken as right, so that only one side is reported.
    if group.columns != .rank, let partner = partner(of: id), rank != self.rank(of: partner) {
      let expected = "rank \(self.rank(of: partner)) as in the B factors"
      for member in members {
        plan.report(
          .wrongShape, plan.sources[member.source].name, expected: expected, found: "rank \(rank)")
      }
    }
    addMoves(id, rank: rank, dtype: dtype)
  }

  private mutating func addMoves(_ id: GroupID, rank: Int, dtype: DType) {
    let group = context.groups[id.group]
    let members = loraGroups[id]
    let name = TensorName("\(id.prefix)layers.\(id.layer).\(ExpertKey.start)\(group.native)")
    let experts = context.config.expertCount
    guard let layout = plan.layout(of: group, name, context.config, experts: experts, rank: rank)
    else { return }
    let destination = plan.add(TensorInfo(name, dtype, layout.shape), from: members.last)
    for expert in 0..<experts {
      for (part, projection) in group.parts.map(\.projection).enumerated() {
        // All members are there, or the group would not be added.
        guard let source = members[expert, projection] else { continue }
        plan.add(source, to: destination, layout.part(part, slot: expert))
      }
    }
  }
}

extension Collection where Element: Hashable {
  /// The element that occurs most often, the first of several; nil if there is none.
  fileprivate var mostFrequent: Element? {
    var counts: [Element: Int] = [:]
    for element in self { counts[element, default: 0] += 1 }
    let most = counts.values.max()
    return first { counts[$0] == most }
  }
}
