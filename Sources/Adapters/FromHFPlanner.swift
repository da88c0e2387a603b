// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Tensors

/// Plans the way from disk to native form.
///
/// Source of the order of the result: nemo-automodel 0.7.0 writes a grouped tensor where the last
/// of its members stood, LoRA groups behind all else in the order of their first parts, and
/// ParamWrapper factors last.
struct FromHFPlanner {
  let context: LayoutContext
  let parallelism: ExpertParallelism?
  var plan: PlanBuilder
  private(set) var groups = MemberGroups()
  private var paramWrappers: [ParamWrapperKey] = []
  private let names: Set<TensorName>

  init(_ context: LayoutContext, _ sources: [TensorInfo], _ parallelism: ExpertParallelism?) {
    self.context = context
    self.parallelism = parallelism
    plan = PlanBuilder(.fromHF, sources)
    names = Set(sources.map(\.name))
  }

  private var ownExperts: Range<Int> {
    parallelism?.experts(of: context.config.expertCount) ?? 0..<context.config.expertCount
  }

  mutating func run() throws(AdapterError) -> ConversionPlan {
    let roles = plan.sources.indices.map { classify($0) }
    for (source, role) in roles.enumerated() {
      switch role {
      case .keep(let name):
        plan.rename(source, to: name)
      case .member(let id):
        // A grouped tensor stands where the last of its members stood.
        if groups[id].last == source { addGroup(id) }
      case .elsewhere:
        break
      }
    }
    // An incomplete group may have no leading member; it is reported, and nothing comes of it.
    let loraGroups = groups.ids.filter { context.groups[$0.group].isLoRA }
      .map { (id: $0, place: groups[$0].leading ?? .max) }
      .sorted { $0.place < $1.place }
    for (id, _) in loraGroups { addLoRAGroup(id) }
    for conversion in ParamWrapperPlanner(context).plan(paramWrappers, &plan) {
      conversion.add(to: &plan)
    }
    checkCompleteness()
    return try plan.finish()
  }

  private enum Role {
    case keep(TensorName)
    case member(GroupID)
    /// Omitted, wrong, or placed behind all others.
    case elsewhere
  }

  private mutating func classify(_ source: Int) -> Role {
    let info = plan.sources[source]
    let name = info.name
    guard let key = LayerKey(name) else {
      guard !name.mentionsExperts else { return reportPrefix(name) }
      return keep(source, as: name)
    }
    if !name.isLoRA && key.prefix != context.options.prefix.rawValue {
      guard !name.mentionsExperts, !key.hasModelPrefix else { return reportPrefix(name) }
      return keep(source, as: name)
    }
    guard let layer = plan.layerIndex(of: key, name, context) else { return .elsewhere }
    if context.options.mtpPolicy == .drop, context.isMTP(key) {
      plan.omit(source, .mtpLayer)
      return .elsewhere
    }
    if key.rest.hasPrefix(ExpertKey.start) {
      return classifyExpert(source, key, layer)
    }
    for rule in Layout.renames {
      if let rest = rule.apply(to: key.rest, .fromHF) {
        guard plan.isSparse(layer, name, context) else { return .elsewhere }
        return keep(source, as: TensorName("\(key.prefix)layers.\(layer).\(rest)"))
      }
      if rule.apply(to: key.rest, .toHF) != nil {
        plan.reportForeign(name, expected: "a key on disk")
        return .elsewhere
      }
    }
    return keep(source, as: name)
  }

  private mutating func classifyExpert(_ source: Int, _ key: LayerKey, _ layer: Int) -> Role {
    let info = plan.sources[source]
    let expertKey = ExpertKey(key.rest.droppingBytes(ExpertKey.start.utf8.count))
    switch expertKey {
    case .part(let expertText, let projection, let suffix):
      guard plan.isSparse(layer, info.name, context),
        let expert = plan.expertIndex(expertText, info.name, context)
      else { return .elsewhere }
      guard
        let group = context.groups.firstIndex(where: {
          $0.suffix == suffix && $0.projections.contains(projection)
        })
      else {
        plan.report(
          .gateOfNonGatedExpert, info.name,
          expected: "no gate projection with \(context.options.activation.rawValue)",
          found: "\(info.dtype) \(info.shape)")
        return .elsewhere
      }
      let id = GroupID(prefix: key.prefix, layer: layer, group: group)
      let isLoRA = context.groups[group].isLoRA
      guard isLoRA || ownExperts.contains(expert) else {
        groups.insert(id)
        plan.omit(source, .otherRank)
        checkShape(info)
        return .elsewhere
      }
      groups.insert(
        source, into: id, expert: expert, projection,
        leads: projection == context.groups[group].parts[0].projection)
      if isLoRA { return .elsewhere }
      checkShape(info)
      checkCast(info)
      return .member(id)
    case .scale(let expertText, _):
      guard plan.isSparse(layer, info.name, context),
        let expert = plan.expertIndex(expertText, info.name, context)
      else { return .elsewhere }
      guard ownExperts.contains(expert) else {
        plan.omit(source, .otherRank)
        return .elsewhere
      }
      return keep(source, as: info.name)
    case .paramWrapper(let suffix):
      guard plan.isSparse(layer, info.name, context) else { return .elsewhere }
      paramWrappers.append(
        ParamWrapperKey(source: source, prefix: key.prefix, layer: layer, suffix: suffix))
      return .elsewhere
    case .group:
      plan.reportForeign(info.name, expected: "per-expert keys on disk")
    case .fused:
      plan.reportForeign(
        info.name, expected: "per-expert keys; save with transformers' save_pretrained")
    case .unknown:
      plan.report(
        .unknownExpertKey, info.name,
        expected: "experts.{e}.{gate,up,down}_proj.weight, its scales or LoRA factors",
        found: "\(info.dtype) \(info.shape)")
    }
    return .elsewhere
  }

  private mutating func reportPrefix(_ name: TensorName) -> Role {
    plan.reportPrefix(name, context)
    return .elsewhere
  }

  private mutating func keep(_ source: Int, as name: TensorName) -> Role {
    let info = plan.sources[source]
    checkShape(info)
    if let weight = info.name.weightOfScale, !names.contains(weight) {
      plan.report(
        .scaleWithoutWeight, info.name, expected: "the weight '\(weight)'", found: "no such key")
    }
    return .keep(name)
  }

  private mutating func checkShape(_ info: TensorInfo) {
    if let shape = context.shape(onDisk: info.name), shape != info.shape {
      plan.report(.wrongShape, info.name, expected: "\(shape)", found: "\(info.shape)")
    }
  }

  private mutating func checkCast(_ info: TensorInfo) {
    let target = context.options.targetDType
    if !Cast.isSupported(from: info.dtype, to: target) {
      plan.report(
        .wrongDType, info.name, expected: "a type that can be cast to \(target)",
        found: "\(info.dtype)")
    }
  }

  private mutating func checkCompleteness() {
    if context.options.completeness == .wholeModel, !names.allSatisfy(\.isLoRA) || names.isEmpty {
      let preserves = context.options.mtpPolicy == .preserve
      for info in context.required(includingMTP: preserves) where !names.contains(info.name) {
        // A rank's part of a checkpoint has its own experts and all other tensors.
        if let expert = info.name.expertIndex, !ownExperts.contains(expert) { continue }
        plan.reportMissing(info.name, "\(info.shape)")
      }
    } else {
      for id in groups.ids where !context.groups[id.group].isLoRA {
        reportMissingMembers(id, experts: ownExperts)
        if let partner = missingPartner(of: id) {
          reportMissingMembers(partner, experts: ownExperts)
        }
      }
    }
  }

  /// The group without which another is of no use, if nothing of it turned up.
  func missingPartner(of id: GroupID) -> GroupID? {
    guard let partner = partner(of: id), !groups.contains(partner) else { return nil }
    return partner
  }

  func partner(of id: GroupID) -> GroupID? {
    let native = Layout.partner(of: context.groups[id.group].native)
    return context.groups.firstIndex { $0.native == native }
      .map { GroupID(prefix: id.prefix, layer: id.layer, group: $0) }
  }

  mutating func reportMissingMembers(_ id: GroupID, experts: Range<Int>) {
    let group = context.groups[id.group]
    for expert in experts {
      for projection in group.projections where groups[id][expert, projection] == nil {
        let name = context.name(
          prefix: id.prefix, layer: id.layer, expert: expert, projection, group)
        if group.isLoRA {
          plan.report(
            .incompleteLoRA, name, expected: "a factor for each expert and projection",
            found: "no such key")
        } else {
          plan.reportMissing(name, "\(group.suffix) of expert \(expert)")
        }
      }
    }
  }

  private mutating func addGroup(_ id: GroupID) {
    addMoves(id, experts: ownExperts, rank: 0, dtype: context.options.targetDType)
  }

  mutating func addMoves(_ id: GroupID, experts: Range<Int>, rank: Int, dtype: DType) {
    let group = context.groups[id.group]
    let members = groups[id]
    let name = TensorName("\(id.prefix)layers.\(id.layer).\(ExpertKey.start)\(group.native)")
    guard let shape = try? context.shape(of: group, experts: experts.count, rank: rank) else {
      plan.report(.wrongShape, name, expected: "a size below 2^63", found: "rank \(rank)")
      return
    }
    let destination = plan.add(TensorInfo(name, dtype, shape), from: members.last)
    for expert in experts {
      let regions = context.regions(
        of: group, grouped: shape, slot: expert - experts.lowerBound, rank: rank)
      for (projection, onDisk, inGroup) in regions {
        // An absent member is reported by the completeness check, and no plan comes of it.
        guard let source = members[expert, projection] else { continue }
        plan.add(
          TensorMove(
            source: source, onDisk, destination: destination, inGroup,
            permutation: LayoutContext.transposed))
      }
    }
  }
}
