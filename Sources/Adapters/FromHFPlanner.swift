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
  private var layouts: GroupLayouts

  init(_ context: LayoutContext, _ sources: [TensorInfo], _ parallelism: ExpertParallelism?) {
    self.context = context
    let catalog = context.catalog
    plan = PlanBuilder(.fromHF, sources, context)
    index = SourceIndex(sources, context.catalog)
    ownExperts = context.experts(of: parallelism)
    lastMembers = Array(repeating: -1, count: catalog.groups.count)
    isFound = Array(repeating: false, count: catalog.groups.count)
    layouts = GroupLayouts(context, own: ownExperts, isLocal: false)
  }

  mutating func run() throws(AdapterError) -> ConversionPlan {
    let roles = plan.sources.indices.map { source in
      index.numbers[source].flatMap { classify(source, number: $0) } ?? classify(source)
    }
    for source in order(of: roles) {
      switch roles[source] {
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
    ParamWrapperPlanner(context).add(paramWrappers, to: &plan)
    checkCompleteness()
    return try plan.finish()
  }

  /// The sources in the order in which the result has them.
  private func order(of roles: [Role]) -> [Int] {
    guard context.layout.movesRenamed else { return Array(roles.indices) }
    let isMoved = zip(plan.sources, roles).map { info, role in
      switch role {
      case .keep(let name, _): name != info.name
      case .member: true
      case .elsewhere: false
      }
    }
    return roles.indices.filter { !isMoved[$0] } + roles.indices.filter { isMoved[$0] }
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
    if context.dropsMTP, context.catalog.mtp.contains(number) {
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
    guard expert.map(ownExperts.contains) ?? !ownExperts.isEmpty else {
      plan.omit(source, .otherRank)
      return .elsewhere
    }
    // What is grouped on disk has the experts of other ranks, too.
    if expert == nil, ownExperts.count < context.config.expertCount {
      plan.omit(source, .otherRank)
    }
    lastMembers[group] = source
    checkCast(info)
    return .member(group)
  }

  /// The role of a key outside the catalog.
  private mutating func classify(_ source: Int) -> Role {
    let name = plan.sources[source].name
    guard let owner = plan.owner(of: name) else { return .elsewhere }
    guard case .layer(let key, let layer) = owner else { return keep(source, as: name) }
    if context.dropsMTP, context.isMTP(key) {
      plan.omit(source, .mtpLayer)
      return .elsewhere
    }
    switch context.read(key) {
    case .tensor(let rule, let expertText):
      return classify(source, key, layer, rule, expertText)
    case .companion(let rule, let expertText):
      return classifyCompanion(source, key, layer, rule, expertText)
    case .factor(let rule, let isA, let expertText):
      classifyFactor(source, key, layer, rule, isA: isA, expertText)
    case .fusedFactor(let lora, let isA):
      guard plan.hasExperts(layer, name) else { return .elsewhere }
      paramWrappers.append(
        ParamWrapperKey(source: source, prefix: key.prefix, layer: layer, lora: lora, isA: isA))
    case .inModule(onDisk: true, let other):
      guard plan.hasModule(key, layer, name) else { return .elsewhere }
      return keep(source, as: context.name(key.prefix, layer: layer, other))
    case .renamed, .inModule:
      plan.reportForeign(name, expected: "a key on disk")
    case .group, .groupFactor:
      plan.reportForeign(name, expected: "\(context.expertsOnDisk) keys on disk")
    case .foreign:
      plan.reportForeign(
        name, expected: "\(context.expertsOnDisk) keys; save with transformers' save_pretrained")
    case .unknownOfExperts:
      plan.report(
        .unknownExpertKey, name, expected: context.expertNamesOnDisk,
        found: "\(plan.sources[source].dtype) \(plan.sources[source].shape)")
    case .unknown:
      return keep(source, as: name)
    }
    return .elsewhere
  }

  /// The role of a tensor of the layout that the config has not, or not in this layer.
  private mutating func classify(
    _ source: Int, _ key: LayerKey, _ layer: Int, _ rule: Int, _ expertText: Substring?
  ) -> Role {
    let info = plan.sources[source]
    let tensor = context.layout.tensors[rule]
    guard plan.isOfLayer(tensor, layer, info.name) else { return .elsewhere }
    if let expertText, plan.expertIndex(expertText, info.name) == nil { return .elsewhere }
    switch tensor.native {
    case .kept: return keep(source, as: info.name)
    case .renamed(let native):
      return keep(source, as: context.name(key.prefix, layer: layer, native.start))
    case .part:
      plan.reportSurplusPart(tensor, info)
      return .elsewhere
    }
  }

  private mutating func classifyCompanion(
    _ source: Int, _ key: LayerKey, _ layer: Int, _ rule: Int, _ expertText: Substring?
  ) -> Role {
    let name = plan.sources[source].name
    guard plan.isOfLayer(context.layout.tensors[rule], layer, name) else {
      return .elsewhere
    }
    guard let expertText else {
      let module = context.layout.modules.first { key.rest.utf8.starts(with: $0.onDisk.utf8) }
      guard let module else { return keep(source, as: name) }
      let rest = module.native + key.rest.droppingBytes(module.onDisk.utf8.count)
      return keep(source, as: context.name(key.prefix, layer: layer, rest))
    }
    guard let expert = plan.expertIndex(expertText, name) else { return .elsewhere }
    guard ownExperts.contains(expert) else {
      plan.omit(source, .otherRank)
      return .elsewhere
    }
    return keep(source, as: name)
  }

  private mutating func classifyFactor(
    _ source: Int, _ key: LayerKey, _ layer: Int, _ rule: Int, isA: Bool, _ expertText: Substring
  ) {
    let info = plan.sources[source]
    guard plan.hasExperts(layer, info.name),
      let expert = plan.expertIndex(expertText, info.name)
    else { return }
    let group = context.factors.firstIndex { $0.isA == isA && $0.rules.contains(rule) }
    guard let group else { return plan.reportSurplusPart(context.layout.tensors[rule], info) }
    loraGroups.insert(
      source, into: GroupID(prefix: key.prefix, layer: layer, group: group), expert: expert,
      rule: rule, leads: rule == context.factors[group].parts[0].rule)
  }

  private mutating func keep(_ source: Int, as name: TensorName) -> Role {
    let info = plan.sources[source]
    if let weight = context.names.weight(ofCompanion: info.name), index[weight] == nil {
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
        if case .part(_, let expert?) = catalog.role(of: number), !ownExperts.contains(expert) {
          continue
        }
        plan.reportMissing(catalog.name(of: number), "\(catalog.schema[number].shape)")
      }
      if context.dropsMTP { checkDroppedLayers() }
    } else {
      var reported: Set<Int> = []
      for group in foundGroups {
        for group in [group] + catalog.groups[group].companions.filter({ !isFound[$0] })
        where reported.insert(group).inserted {
          reportMissingParts(of: group)
        }
      }
    }
  }

  /// A layer with what all layers have and nothing that only prediction layers have is a decoder layer,
  /// which must not be dropped.
  private mutating func checkDroppedLayers() {
    for layer in context.catalog.predictionLayers
    where index[layer.common] != nil && layer.own.allSatisfy({ index[$0] == nil }) {
      plan.reportMissing(
        context.catalog.name(of: layer.own[0]),
        "a key that prediction layers have; without it this is a decoder layer, and "
          + "\(context.layout.layers.countField) \(context.config.hiddenLayerCount) does not count it"
      )
    }
  }

  private mutating func reportMissingParts(of group: Int) {
    let catalog = context.catalog
    for expert in context.slots(of: group, ownExperts) {
      for number in context.parts(of: group, expert: expert) where index[number] == nil {
        let isNumbered = catalog.groups[group].isNumbered
        plan.reportMissing(
          catalog.name(of: number),
          isNumbered ? "weight of expert \(expert)" : "\(catalog.schema[number].shape)")
      }
    }
  }

  private mutating func addGroup(_ group: Int) {
    let catalog = context.catalog
    let native = catalog.groups[group].native
    let name = catalog.name(of: native)
    guard let layout = layouts.layout(of: group, name, context, &plan) else { return }
    let rule = context.layout.groups[catalog.groups[group].rule]
    let last = plan.sources[lastMembers[group]]
    let destination = plan.add(
      TensorInfo(name, rule.isCast ? context.options.targetDType : last.dtype, layout.shape),
      number: native, from: lastMembers[group])
    for expert in context.slots(of: group, ownExperts) {
      for (part, number) in context.parts(of: group, expert: expert).enumerated() {
        // An absent member is reported by the completeness check, and no plan comes of it.
        guard let source = index[number] else { continue }
        plan.add(
          source, to: destination, layout.part(part, slot: expert - ownExperts.lowerBound))
      }
    }
  }
}

extension PlanBuilder {
  /// Adds the move of a part to its place in a group.
  mutating func add(_ source: Int, to destination: Int, _ part: GroupPart) {
    add(
      TensorMove(
        source: source, part.onDisk, destination: destination, part.inGroup,
        permutation: part.permutation))
  }
}

/// The layouts of groups by rule and class of layer, made once.
struct GroupLayouts {
  private let own: Range<Int>
  private let isLocal: Bool
  private var known: [Key: GroupLayout] = [:]

  private struct Key: Hashable {
    let rule: Int
    let isVariant: Bool
  }

  init(_ context: LayoutContext, own: Range<Int>, isLocal: Bool) {
    self.own = own
    self.isLocal = isLocal
  }

  /// The layout of a group of the catalog, or nil if it is reported why there is none.
  mutating func layout(
    of group: Int, _ name: TensorName, _ context: LayoutContext, _ plan: inout PlanBuilder
  ) -> GroupLayout? {
    let group = context.catalog.groups[group]
    let key = Key(
      rule: group.rule, isVariant: context.config.variant.layers.contains(group.layer))
    if let layout = known[key] { return layout }
    let values = context.config.values(context.values, ofLayer: group.layer)
    let rule = context.layout.groups[group.rule]
    let parts = rule.parts.map { context.layout.tensors[$0] }.filter { $0.isPresent(values) }
    do {
      let layout = try GroupLayout(
        rule, parts, values, context.layout, own: own, isLocal: isLocal)
      known[key] = layout
      return layout
    } catch {
      plan.report(
        .wrongShape, name, expected: "parts that make one tensor", found: error.description)
      return nil
    }
  }
}
