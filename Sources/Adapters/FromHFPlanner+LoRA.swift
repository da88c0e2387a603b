// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Layouts
import Tensors

/// LoRA factors of experts, one tensor each for expert, projection and factor.
extension FromHFPlanner {
  /// The sources of a group of factors, by expert and part.
  private func members(of id: GroupID) -> [(rule: Int, source: Int, expert: Int)] {
    let rules = context.factors[id.group].rules
    return (0..<context.config.expertCount).flatMap { expert in
      rules.compactMap { rule in loraGroups[id][expert, rule].map { (rule, $0, expert) } }
    }
  }

  /// The rank of a group, which is that of most members, so that a wrong one is reported.
  private func rank(of id: GroupID) -> Int {
    let axis = context.factors[id.group].rankAxis
    let shapes = members(of: id).map { plan.sources[$0.source].shape }
    return shapes.filter { $0.rank == 2 }.map { $0[axis] }.mostFrequent ?? 0
  }

  /// The group of the other factors.
  private func partner(of id: GroupID) -> GroupID? {
    let own = context.factors[id.group]
    return context.factors.firstIndex { $0.lora == own.lora && $0.isA != own.isA }
      .map { GroupID(prefix: id.prefix, layer: id.layer, group: $0) }
  }

  private mutating func reportMissingMembers(_ id: GroupID) {
    let group = context.factors[id.group]
    for expert in 0..<context.config.expertCount {
      for rule in group.rules where loraGroups[id][expert, rule] == nil {
        plan.report(
          .incompleteLoRA,
          context.name(prefix: id.prefix, layer: id.layer, expert: expert, rule: rule, group),
          expected: "a factor for each expert and projection", found: "no such key")
      }
    }
  }

  /// Adds a group of factors whose members are all there and agree.
  mutating func addLoRAGroup(_ id: GroupID) {
    let group = context.factors[id.group]
    let before = plan.findings.count
    let members = members(of: id)
    if let partner = partner(of: id), !loraGroups.contains(partner) {
      reportMissingMembers(partner)
    }
    guard members.count == context.config.expertCount * group.rules.count else {
      return reportMissingMembers(id)
    }
    let rank = rank(of: id)
    let dtype = members.map { plan.sources[$0.source].dtype }.mostFrequent ?? .bf16
    for (rule, source, expert) in members {
      let part = group.parts.first { $0.rule == rule } ?? group.parts[0]
      let info = plan.sources[source]
      let expected = group.extents(of: part, rank: rank)
      if info.shape.extents != expected {
        plan.report(.wrongShape, info.name, expected: "\(expected)", found: "\(info.shape)")
      }
      if info.dtype != dtype {
        plan.report(.wrongDType, info.name, expected: "\(dtype)", found: "\(info.dtype)")
      }
      if group.repeated.contains(rule), let kept = loraGroups[id][expert, group.parts[0].rule] {
        plan.omit(source, .repeats(source: kept))
      }
    }
    guard plan.findings.count == before else { return }
    // The B factors of a pair are taken as right, so that only one side is reported.
    if group.isA, let partner = partner(of: id), rank != self.rank(of: partner) {
      let expected = "rank \(self.rank(of: partner)) as in the B factors"
      for member in members {
        plan.report(
          .wrongShape, plan.sources[member.source].name, expected: expected, found: "rank \(rank)")
      }
    }
    addMoves(id, rank: rank, dtype: dtype)
  }

  private mutating func addMoves(_ id: GroupID, rank: Int, dtype: DType) {
    let group = context.factors[id.group]
    let members = loraGroups[id]
    let name = context.name(id.prefix, layer: id.layer, group.native)
    let experts = context.config.expertCount
    guard let layout = plan.layout(of: group, name, experts: experts, rank: rank) else { return }
    let destination = plan.add(TensorInfo(name, dtype, layout.shape), from: members.last)
    for expert in 0..<experts {
      for (part, rule) in group.parts.map(\.rule).enumerated() {
        // All members are there, or the group would not be added.
        guard let source = members[expert, rule] else { continue }
        plan.add(source, to: destination, layout.part(part, slot: expert))
      }
    }
  }
}

extension PlanBuilder {
  /// The layout of factors of a name, or nil if it is reported as too large.
  mutating func layout(
    of group: FactorGroup, _ name: TensorName, experts: Int, rank: Int,
    found: String? = nil
  ) -> GroupLayout? {
    do {
      return try GroupLayout(
        rows: group.parts.map { $0.rows ?? rank }, columns: group.columns ?? rank, experts: experts)
    } catch {
      report(.wrongShape, name, expected: "a size below 2^63", found: found ?? "rank \(rank)")
      return nil
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
