// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Tensors

/// LoRA factors of experts, one tensor each for expert, projection and factor.
extension FromHFPlanner {
  /// The sources of a LoRA group, by expert and projection.
  private func members(of id: GroupID) -> [(projection: Projection, source: Int, expert: Int)] {
    (0..<context.config.expertCount).flatMap { expert in
      context.groups[id.group].projections.compactMap { projection in
        groups[id][expert, projection].map { (projection, $0, expert) }
      }
    }
  }

  /// The rank of a LoRA group, which is that of most members, so that a wrong one is reported.
  private func rank(of id: GroupID) -> Int {
    let axis = context.groups[id.group].rankAxis
    let shapes = members(of: id).map { plan.sources[$0.source].shape }
    return shapes.filter { $0.rank == 2 }.map { $0[axis] }.mostFrequent ?? 0
  }

  /// Adds a LoRA group whose members are all there and agree.
  mutating func addLoRAGroup(_ id: GroupID) {
    let group = context.groups[id.group]
    let before = plan.findings.count
    let all = 0..<context.config.expertCount
    let members = members(of: id)
    if let partner = missingPartner(of: id) { reportMissingMembers(partner, experts: all) }
    guard members.count == all.count * group.projections.count else {
      return reportMissingMembers(id, experts: all)
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
        let kept = groups[id][expert, group.parts[0].projection]
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
    addMoves(id, experts: all, rank: rank, dtype: dtype)
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
