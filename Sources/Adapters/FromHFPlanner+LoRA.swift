// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Layouts
import Tensors

/// The low-rank factors of one group of a layer as they turn up, one for each expert and part.
struct FactorMembers {
  /// A prefix, a layer, and the position of the group among the layout's factors.
  struct ID: Hashable {
    let prefix: String
    let layer: Int
    let group: Int
  }

  let id: ID
  /// The source that turned up first.
  let first: Int
  /// The source that turned up last.
  private(set) var last: Int
  /// The first source of the part whose place upstream gives the group.
  private(set) var leading: Int?
  private let rules: [Int]
  /// Expert by expert, in the order of the rules.
  private var sources: [Int?]

  init(_ id: ID, _ context: AdapterPlanner, first: Int) {
    self.id = id
    (self.first, last) = (first, first)
    rules = context.factors[id.group].rules
    sources = Array(repeating: nil, count: context.config.expertCount * rules.count)
  }

  mutating func insert(_ source: Int, expert: Int, rule: Int) {
    guard let position = rules.firstIndex(of: rule) else { return }
    sources[expert * rules.count + position] = source
    last = source
    if position == 0 { leading = leading ?? source }
  }

  /// The source of an expert's factor in the place of a rule.
  subscript(expert: Int, position: Int) -> Int? { sources[expert * rules.count + position] }

  /// All members, those that are not there without a source.
  var all: [(expert: Int, position: Int, source: Int?)] {
    sources.enumerated().map { ($0 / rules.count, $0 % rules.count, $1) }
  }
}

/// LoRA factors of experts, one tensor each for expert, projection and factor.
extension FromHFPlanner {
  /// Adds a group of factors whose members are all there and agree.
  mutating func addFactors(_ members: FactorMembers) {
    let group = context.factors[members.id.group]
    let before = plan.problems.count
    let partner = partner(of: members)
    if let partner, factors(of: partner) == nil {
      reportMissing(FactorMembers(partner, context, first: members.first))
    }
    let sources = members.all.compactMap(\.source)
    guard sources.count == members.all.count else { return reportMissing(members) }
    let rank = rank(of: members)
    let dtype = sources.map { plan.sources[$0].dtype }.mostFrequent ?? .bf16
    for (source, member) in zip(sources, members.all) {
      // Factors that repeat another's come after the parts.
      let isRepeated = member.position >= group.parts.count
      let info = plan.sources[source]
      let expected = group.extents(of: group.parts[isRepeated ? 0 : member.position], rank: rank)
      if info.shape.extents != expected {
        plan.report(.wrongShape, info.name, expected: "\(expected)", found: "\(info.shape)")
      }
      if info.dtype != dtype {
        plan.report(.wrongDType, info.name, expected: "\(dtype)", found: "\(info.dtype)")
      }
      if isRepeated, let kept = members[member.expert, 0] {
        plan.omit(source, .repeats(source: kept))
      }
    }
    guard plan.problems.count == before else { return }
    // The B factors of a pair are taken as right, so that only one side is reported.
    if group.isA, let partner, let others = factors(of: partner).map(self.rank), rank != others {
      for source in sources {
        plan.report(
          .wrongShape, plan.sources[source].name, expected: "rank \(others) as in the B factors",
          found: "rank \(rank)")
      }
    }
    addMoves(members, rank: rank, dtype: dtype)
  }

  private mutating func addMoves(_ members: FactorMembers, rank: Int, dtype: DType) {
    let group = context.factors[members.id.group]
    let name = context.layout.toNative(
      context.name(members.id.prefix, layer: members.id.layer, group.native))
    guard let layout = plan.layout(of: group, name, rank: rank) else { return }
    let destination = plan.add(TensorInfo(name, dtype, layout.shape), from: members.last)
    for (expert, part, source) in members.all where part < group.parts.count {
      // All members are there, or the group would not be added.
      if let source { plan.add(source, to: destination, layout.part(part, slot: expert)) }
    }
  }

  /// The rank of a group, which is that of most members, so that a wrong one is reported.
  private func rank(of members: FactorMembers) -> Int {
    let axis = context.factors[members.id.group].rankAxis
    let shapes = members.all.compactMap(\.source).map { plan.sources[$0].shape }
    return shapes.filter { $0.rank == 2 }.map { $0[axis] }.mostFrequent ?? 0
  }

  /// The group of the other factors.
  private func partner(of members: FactorMembers) -> FactorMembers.ID? {
    let (id, own) = (members.id, context.factors[members.id.group])
    return context.factors.firstIndex { $0.lora == own.lora && $0.isA != own.isA }
      .map { FactorMembers.ID(prefix: id.prefix, layer: id.layer, group: $0) }
  }

  private mutating func reportMissing(_ members: FactorMembers) {
    let (id, group) = (members.id, context.factors[members.id.group])
    for (expert, position, source) in members.all where source == nil {
      plan.report(
        .incompleteLoRA,
        context.name(
          prefix: id.prefix, layer: id.layer, expert: expert, rule: group.rules[position], group),
        expected: "a factor for each expert and projection", found: "no such key")
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
