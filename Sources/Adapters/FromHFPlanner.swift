// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Layouts
import Tensors

/// Plans the way from disk to native form.
///
/// Source of the order of the result: nemo-automodel 0.7.0 writes a grouped tensor where the last
/// of its members stood, LoRA groups behind all else in the order of their first parts, and
/// ParamWrapper factors last.
struct FromHFPlanner {
  let context: LayoutContext
  var plan: PlanBuilder
  private(set) var loraGroups = MemberGroups()
  private var paramWrappers: [ParamWrapperKey] = []
  private let index: SourceIndex
  private let ownExperts: Range<Int>
  /// The last source of each group of the catalog, or -1 where none turned up.
  private var lastMembers: [Int]
  /// The groups of the catalog in the order in which they turned up, those of other ranks too.
  private var foundGroups: [Int] = []
  private var isFound: [Bool]
  /// The layout of each rule's groups, once it is needed.
  private var layouts: [GroupLayout?]

  init(_ context: LayoutContext, _ sources: [TensorInfo], _ parallelism: ExpertParallelism?) {
    self.context = context
    let catalog = context.catalog
    plan = PlanBuilder(.fromHF, sources, catalog)
    index = SourceIndex(sources, catalog)
    ownExperts = context.experts(of: parallelism)
    lastMembers = Array(repeating: -1, count: catalog.groups.count)
    isFound = Array(repeating: false, count: catalog.groups.count)
    layouts = Array(repeating: nil, count: context.groups.count)
  }

  mutating func run() throws(AdapterError) -> ConversionPlan {
    let roles = plan.sources.indices.map { source in
      index.numbers[source].flatMap { classify(source, number: $0) } ?? classify(source)
    }
    for (source, role) in roles.enumerated() {
      switch role {
      case .keep(let name, let number):
        plan.rename(source, to: name, number: number)
      case .member(let group):
        // A grouped tensor stands where the last of its members stood.
        if lastMembers[group] == source { addGroup(group) }
      case .elsewhere:
        break
      }
    }
    // An incomplete group may have no leading member; it is reported, and nothing comes of it.
    let inOrder = loraGroups.ids.map { (id: $0, place: loraGroups[$0].leading ?? .max) }
      .sorted { $0.place < $1.place }
    for (id, _) in inOrder { addLoRAGroup(id) }
    for conversion in ParamWrapperPlanner(context).plan(paramWrappers, &plan) {
      conversion.add(to: &plan)
    }
    checkCompleteness()
    return try plan.finish()
  }

  private enum Role {
    /// Keeps its data under a name, which has a number if it is in the catalog.
    case keep(TensorName, number: Int?)
    /// Belongs to a group of the catalog.
    case member(Int)
    /// Omitted, wrong, or placed behind all others.
    case elsewhere
  }

  /// The role of a key of the catalog, or nil if it is a native one.
  private mutating func classify(_ source: Int, number: Int) -> Role? {
    let role = context.catalog.role(of: number)
    switch role {
    case .original, .group: return nil
    case .kept, .renamed, .part: break
    }
    if context.options.mtpPolicy == .drop, context.catalog.mtp.contains(number) {
      plan.omit(source, .mtpLayer)
      return .elsewhere
    }
    let info = plan.sources[source]
    if let shape = context.catalog.shape(onDisk: number), shape != info.shape {
      plan.report(.wrongShape, info.name, expected: "\(shape)", found: "\(info.shape)")
    }
    guard case .part(let group, let expert) = role else {
      let native = context.catalog.native(of: number)
      return .keep(context.catalog.name(of: native), number: native)
    }
    if !isFound[group] {
      isFound[group] = true
      foundGroups.append(group)
    }
    guard ownExperts.contains(expert) else {
      plan.omit(source, .otherRank)
      return .elsewhere
    }
    lastMembers[group] = source
    checkCast(info)
    return .member(group)
  }

  /// The role of a key outside the catalog.
  private mutating func classify(_ source: Int) -> Role {
    let name = plan.sources[source].name
    guard let key = LayerKey(name) else {
      guard !name.mentionsExperts else { return reportPrefix(name) }
      return keep(source, as: name)
    }
    if !name.isLoRA && key.prefix != context.prefix {
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
    guard plan.isOfLayer(key, layer, name, context) else { return .elsewhere }
    for rule in HyLayout.renames {
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
      // The catalog has the weights of all projections that the experts have.
      guard
        let group = context.groups.firstIndex(where: {
          $0.isLoRA && $0.suffix == suffix && $0.projections.contains(projection)
        })
      else {
        plan.report(
          .gateOfNonGatedExpert, info.name,
          expected: "no gate projection with \(context.options.activation.rawValue)",
          found: "\(info.dtype) \(info.shape)")
        return .elsewhere
      }
      loraGroups.insert(
        source, into: GroupID(prefix: key.prefix, layer: layer, group: group), expert: expert,
        projection, leads: projection == context.groups[group].parts[0].projection)
      return .elsewhere
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
    if let weight = info.name.weightOfScale, index[weight] == nil {
      plan.report(
        .scaleWithoutWeight, info.name, expected: "the weight '\(weight)'", found: "no such key")
    }
    return .keep(name, number: nil)
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
    let catalog = context.catalog
    if context.asksForWholeModel(plan.sources, index) {
      for number in context.required where index[number] == nil {
        // A rank's part of a checkpoint has its own experts and all other tensors.
        if case .part(_, let expert) = catalog.role(of: number), !ownExperts.contains(expert) {
          continue
        }
        plan.reportMissing(catalog.name(of: number), "\(catalog.schema[number].shape)")
      }
      if context.options.mtpPolicy == .drop { checkDroppedLayers() }
    } else {
      for group in foundGroups {
        reportMissingParts(of: group)
        let partner = catalog.groups[group].partner
        if !isFound[partner] { reportMissingParts(of: partner) }
      }
    }
  }

  /// A layer with attention and nothing that only prediction layers have is a decoder layer, which
  /// must not be dropped.
  private mutating func checkDroppedLayers() {
    for layer in context.catalog.predictionLayers
    where index[layer.queries] != nil && layer.own.allSatisfy({ index[$0] == nil }) {
      plan.reportMissing(
        context.catalog.name(of: layer.own.lowerBound),
        "a key that prediction layers have; without it this is a decoder layer, and "
          + "num_hidden_layers \(context.config.hiddenLayerCount) does not count it")
    }
  }

  private mutating func reportMissingParts(of group: Int) {
    let catalog = context.catalog
    for expert in ownExperts {
      for number in context.parts(of: group, expert: expert) where index[number] == nil {
        let suffix = context.groups[catalog.groups[group].rule].suffix
        plan.reportMissing(catalog.name(of: number), "\(suffix) of expert \(expert)")
      }
    }
  }

  private mutating func addGroup(_ group: Int) {
    let catalog = context.catalog
    let (rule, native) = (catalog.groups[group].rule, catalog.groups[group].native)
    let name = catalog.name(of: native)
    guard let layout = layout(of: rule, name) else { return }
    let destination = plan.add(
      TensorInfo(name, context.options.targetDType, layout.shape), number: native,
      from: lastMembers[group])
    for expert in ownExperts {
      for (part, number) in context.parts(of: group, expert: expert).enumerated() {
        // An absent member is reported by the completeness check, and no plan comes of it.
        guard let source = index[number] else { continue }
        plan.add(
          source, to: destination, layout.part(part, slot: expert - ownExperts.lowerBound))
      }
    }
  }

  private mutating func layout(of rule: Int, _ name: TensorName) -> GroupLayout? {
    if layouts[rule] == nil {
      layouts[rule] = plan.layout(
        of: context.groups[rule], name, context.config, experts: ownExperts.count, rank: 0)
    }
    return layouts[rule]
  }
}

extension PlanBuilder {
  /// Adds the move of a part to its place in a group.
  mutating func add(_ source: Int, to destination: Int, _ part: GroupLayout.Part) {
    add(
      TensorMove(
        source: source, part.onDisk, destination: destination, part.inGroup,
        permutation: GroupLayout.transposed))
  }

  /// The layout of a group of a name, or nil if it is reported as too large.
  mutating func layout(
    of group: ExpertGroup, _ name: TensorName, _ config: ModelConfig, experts: Int, rank: Int
  ) -> GroupLayout? {
    do {
      return try GroupLayout(group, in: config, experts: experts, rank: rank)
    } catch {
      report(.wrongShape, name, expected: "a size below 2^63", found: "rank \(rank)")
      return nil
    }
  }
}
