// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Layouts
import Tensors

/// Plans the way from disk to native form.
///
/// Source of the order of the result: nemo-automodel 0.7.0 writes a grouped tensor where the last
/// of its members stood, LoRA groups after all else in the order of their first parts, and
/// ParamWrapper factors last.
struct FromHFPlanner {
  let context: AdapterPlanner
  var plan: PlanBuilder
  var factors: [FactorMembers] = []
  private var factorPositions: [FactorMembers.ID: Int] = [:]
  private var fusedFactors: [FusedFactor] = []
  /// The last source of each group of the catalog; -1 of those of other ranks, nil where none turned up.
  private var lastMembers: [Int?]
  /// The groups of the catalog in the order in which they turned up, those of other ranks too.
  private var foundGroups: [Int] = []

  init(_ context: AdapterPlanner, _ sources: [TensorInfo], _ parallelism: ExpertParallelism?) {
    self.context = context
    plan = PlanBuilder(.fromHF, sources, context, parallelism)
    lastMembers = Array(repeating: nil, count: context.catalog.groups.count)
  }

  mutating func run() throws(AdapterError) -> ConversionPlan {
    let roles = plan.sources.indices.map { role(of: $0) }
    for source in order(of: roles) {
      switch roles[source] {
      case .keep(let name, let number, let form):
        plan.rename(source, to: name, number: number, form: form)
      case .member(let group):
        // A grouped tensor stands where the last of its members stood.
        if lastMembers[group] == source { addGroup(group, last: source) }
      case .cut(let pieces):
        for piece in pieces { plan.addPiece(piece, of: source) }
      case .elsewhere:
        break
      }
    }
    // An incomplete group may have no leading member; it is reported, and nothing comes of it.
    let inOrder = factors.sorted { ($0.leading ?? .max, $0.first) < ($1.leading ?? .max, $1.first) }
    for members in inOrder { addFactors(members) }
    plan.add(fusedFactors)
    checkCompleteness()
    return try plan.finish()
  }

  /// The sources in the order in which the result has them.
  private func order(of roles: [Role]) -> [Int] {
    var order = Array(roles.indices)
    for rule in context.layout.order {
      let isLast = zip(plan.sources, roles).map { info, role in
        switch (rule, role) {
        case (.beginning(let start), _): info.name.text.following(start) != nil
        case (.moved, .keep(let name, _, _)), (.renamed, .keep(let name, _, _)):
          name != context.layout.toNative(info.name)
        case (.moved, .member): true
        case (.moved, .cut), (.renamed, .cut): true
        case (.renamed, .member), (_, .elsewhere): false
        }
      }
      order = order.filter { !isLast[$0] } + order.filter { isLast[$0] }
    }
    return order
  }

  private enum Role {
    /// Keeps its data under a name, which has a number if it is in the catalog.
    case keep(TensorName, number: Int?, RenamedForm? = nil)
    /// Belongs to a group of the catalog.
    case member(Int)
    /// Is cut into the tensors of some native names.
    case cut([Int])
    /// Omitted, wrong, or placed after all others.
    case elsewhere
  }

  private mutating func role(of source: Int) -> Role {
    switch plan.meaning(of: source) {
    case nil: return .elsewhere
    case .stranger: return keep(source, as: plan.sources[source].name)
    case .base(let role, let number):
      if context.dropsMTP, context.catalog.mtp.contains(number) { return omit(source, .mtpLayer) }
      plan.checkShape(source, number: number)
      if case .part(let group, let expert) = role { return member(source, group, expert) }
      if case .cut(let pieces) = role { return .cut(pieces) }
      let native = context.catalog.native(of: number)
      return .keep(context.catalog.name(of: native), number: native)
    case .ofLayer(let key, let layer):
      if context.dropsMTP, context.isMTP(key) { return omit(source, .mtpLayer) }
      return role(of: source, key, layer)
    }
  }

  private mutating func omit(_ source: Int, _ reason: ConversionPlan.Omission) -> Role {
    plan.omit(source, reason)
    return .elsewhere
  }

  /// The role of a part of a group, of one expert or of all.
  private mutating func member(_ source: Int, _ group: Int, _ expert: Int?) -> Role {
    if lastMembers[group] == nil {
      lastMembers[group] = -1
      foundGroups.append(group)
    }
    let own = plan.ownExperts
    guard expert.map(own.contains) ?? !own.isEmpty else { return omit(source, .otherRank) }
    // What is grouped on disk has the experts of other ranks, too.
    if expert == nil, own.count < context.config.expertCount { plan.omit(source, .otherRank) }
    lastMembers[group] = source
    let (info, target) = (
      plan.sources[source], context.layout.target(context.options.targetDType)
    )
    if !Cast.isSupported(from: info.dtype, to: target) {
      plan.report(
        .wrongDType, info.name, expected: "a type that can be cast to \(target)",
        found: "\(info.dtype)")
    }
    return .member(group)
  }

  /// The role of a layer's key outside the catalog.
  private mutating func role(of source: Int, _ key: ExactKey, _ layer: Int) -> Role {
    let info = plan.sources[source]
    switch key.subject {
    case .known(.tensor(let rule)): return absent(source, key, layer, rule)
    case .known(.companion(let rule, _)): return companion(source, key, layer, rule)
    case .known(.factor(let rule, let isA)): addFactor(source, key, layer, rule, isA: isA)
    case .known(.fusedFactor(let lora, let isA)):
      guard plan.hasExperts(layer, info.name) else { break }
      fusedFactors.append(
        FusedFactor(source: source, prefix: key.prefix, layer: layer, lora: lora, isA: isA))
    case .inModule(onDisk: true, let other):
      guard plan.hasModule(key, layer, info.name) else { break }
      return keep(source, as: context.name(beside: key, other))
    case .known(.renamed), .inModule: plan.reportForeign(info.name, expected: "a key on disk")
    case .known(.group), .known(.groupFactor):
      plan.reportForeign(info.name, expected: "\(context.expertsOnDisk) keys on disk")
    case .foreign:
      plan.reportForeign(
        info.name,
        expected: "\(context.expertsOnDisk) keys; save with transformers' save_pretrained")
    case .unknownOfExperts: plan.reportUnknown(info, expected: context.expertNamesOnDisk)
    case .unknown, .known(.unknown): return keep(source, as: info.name)
    }
    return .elsewhere
  }

  /// The role of a tensor of the layout that the config has not, or not in this layer.
  private mutating func absent(
    _ source: Int, _ key: ExactKey, _ layer: Int, _ rule: Int
  ) -> Role {
    let info = plan.sources[source]
    let tensor = context.layout.tensors[rule]
    guard plan.isOfLayer(tensor, layer, info.name) else { return .elsewhere }
    if let text = key.expertText, plan.expertIndex(text, info.name) == nil { return .elsewhere }
    switch tensor.native {
    case .kept where tensor.loadedType == nil: return keep(source, as: info.name)
    case .kept:
      return .keep(
        context.layout.toNative(info.name), number: nil, context.form(of: tensor, layer, .fromHF))
    case .renamed where !tensor.pieces.isEmpty:
      plan.reportUnknown(info, expected: "no such tensor in layer \(layer)")
      return .elsewhere
    case .renamed(let native):
      let name = context.layout.toNative(context.name(beside: key, native.start))
      return .keep(name, number: nil, context.form(of: tensor, layer, .fromHF))
    case .part:
      plan.reportSurplusPart(tensor, info)
      return .elsewhere
    }
  }

  private mutating func companion(
    _ source: Int, _ key: ExactKey, _ layer: Int, _ rule: Int
  ) -> Role {
    let name = plan.sources[source].name
    guard plan.isOfLayer(context.layout.tensors[rule], layer, name) else { return .elsewhere }
    guard let expertText = key.expertText else {
      for module in context.layout.modules {
        guard let tail = key.rest.following(module.onDisk) else { continue }
        return keep(source, as: context.name(beside: key, module.native + tail))
      }
      return keep(source, as: name)
    }
    guard let expert = plan.expertIndex(expertText, name) else { return .elsewhere }
    return plan.ownExperts.contains(expert) ? keep(source, as: name) : omit(source, .otherRank)
  }

  private mutating func keep(_ source: Int, as name: TensorName) -> Role {
    let info = plan.sources[source]
    if let weight = context.names.weight(ofCompanion: info.name), plan.index[weight] == nil {
      plan.reportScale(info.name, of: weight)
    }
    return .keep(context.layout.toNative(name), number: nil)
  }

  private mutating func addFactor(
    _ source: Int, _ key: ExactKey, _ layer: Int, _ rule: Int, isA: Bool
  ) {
    let info = plan.sources[source]
    guard plan.hasExperts(layer, info.name),
      let expert = plan.expertIndex(key.expertText ?? "", info.name)
    else { return }
    let group = context.factors.firstIndex { $0.isA == isA && $0.rules.contains(rule) }
    guard let group else { return plan.reportSurplusPart(context.layout.tensors[rule], info) }
    let id = FactorMembers.ID(prefix: key.prefix, layer: layer, group: group)
    let position = factorPositions[id] ?? factors.count
    if position == factors.count {
      factorPositions[id] = position
      factors.append(FactorMembers(id, context, first: source))
    }
    factors[position].insert(source, expert: expert, rule: rule)
  }

  /// The factors of a group, or nil if none turned up.
  func factors(of id: FactorMembers.ID) -> FactorMembers? {
    factorPositions[id].map { factors[$0] }
  }

  private mutating func addGroup(_ position: Int, last: Int) {
    let catalog = context.catalog
    let group = catalog.groups[position]
    let name = catalog.name(of: group.native)
    guard let layout = plan.layout(of: group, name) else { return }
    let isCast = context.layout.groups[group.rule].isCast
    let destination = plan.add(
      TensorInfo(
        name, isCast ? context.options.targetDType : plan.sources[last].dtype, layout.shape),
      number: group.native, from: last)
    for (slot, part, number) in plan.members(of: group) {
      // An absent member is reported by the completeness check, and no plan comes of it.
      guard let source = plan.index[number] else { continue }
      plan.add(source, to: destination, layout.part(part, slot: slot))
    }
  }
}

/// What a checkpoint must hold.
extension FromHFPlanner {
  private mutating func checkCompleteness() {
    let catalog = context.catalog
    if context.asksForWholeModel(plan.sources, plan.index) {
      for number in context.required where plan.index[number] == nil {
        // A rank's part of a checkpoint has its own experts and all other tensors.
        if case .part(_, let expert?) = catalog.role(of: number), !plan.ownExperts.contains(expert)
        {
          continue
        }
        plan.reportMissing(catalog.name(of: number), "\(catalog.schema[number].shape)")
      }
      if context.dropsMTP { checkDroppedLayers() }
    } else {
      var reported: Set<Int> = []
      for group in foundGroups {
        let absent = catalog.groups[group].companions.filter { lastMembers[$0] == nil }
        for group in [group] + absent where reported.insert(group).inserted {
          reportMissingParts(of: group)
        }
      }
    }
  }

  /// A layer with what all layers have and nothing that only prediction layers have is a decoder layer,
  /// which must not be dropped.
  private mutating func checkDroppedLayers() {
    for layer in context.catalog.predictionLayers
    where plan.index[layer.common] != nil && layer.own.allSatisfy({ plan.index[$0] == nil }) {
      plan.reportMissing(
        context.catalog.name(of: layer.own[0]),
        "a key that prediction layers have; without it this is a decoder layer, and "
          + "\(context.layout.layers.countField) \(context.config.hiddenLayerCount) does not count it"
      )
    }
  }

  private mutating func reportMissingParts(of group: Int) {
    let group = context.catalog.groups[group]
    for (slot, _, number) in plan.members(of: group) where plan.index[number] == nil {
      plan.reportMissing(
        context.catalog.name(of: number),
        group.isNumbered
          ? "weight of expert \(plan.ownExperts.lowerBound + slot)"
          : "\(context.catalog.schema[number].shape)")
    }
  }
}
