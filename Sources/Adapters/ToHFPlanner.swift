// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Layouts
import Tensors

/// Plans the way from native form back to disk.
///
/// Source of the order of the result: nemo-automodel 0.7.0 replaces a grouped tensor by its experts
/// one after the other, gate before up, and keeps all else in place.
struct ToHFPlanner {
  let context: LayoutContext
  let exclusion: CompiledExclusion?
  var plan: PlanBuilder
  let index: SourceIndex
  let ownExperts: Range<Int>
  /// The grouped LoRA factors in layers that have experts, and which they are.
  private(set) var loraSources: [(source: Int, lora: Int, isA: Bool)] = []
  private var layouts: GroupLayouts

  init(
    _ context: LayoutContext, _ sources: [TensorInfo], _ parallelism: ExpertParallelism?,
    _ exclusion: ExclusionPattern?
  ) {
    self.context = context
    self.exclusion = exclusion?.compiled()
    plan = PlanBuilder(.toHF, sources, context)
    index = SourceIndex(sources, context.catalog)
    ownExperts = context.experts(of: parallelism)
    layouts = GroupLayouts(context, own: ownExperts, isLocal: true)
  }

  mutating func run(isStreaming: Bool = false) throws(AdapterError) -> ConversionPlan {
    for source in plan.sources.indices {
      guard let number = index.numbers[source], convert(source, number: number) else {
        convert(source)
        continue
      }
    }
    if !isStreaming { checkCompanions() }
    return try plan.finish()
  }

  /// Converts the tensor of a key of the catalog; returns false if that is one on disk.
  private mutating func convert(_ source: Int, number: Int) -> Bool {
    switch context.catalog.role(of: number) {
    case .kept: keep(source, as: plan.sources[source].name, number: number)
    case .original(let onDisk):
      keep(source, as: context.catalog.name(of: onDisk), number: onDisk)
    case .group(let group): split(source, group: group)
    case .renamed, .part: return false
    }
    return true
  }

  /// Converts the tensor of a key outside the catalog.
  private mutating func convert(_ source: Int) {
    let info = plan.sources[source]
    let name = info.name
    guard let owner = plan.owner(of: name) else { return }
    guard case .layer(let key, let layer) = owner else { return keep(source, as: name) }
    switch context.read(key) {
    case .renamed(let rule):
      let tensor = context.layout.tensors[rule]
      guard plan.isOfLayer(tensor, layer, name) else { return }
      keep(source, as: context.name(key.prefix, layer: layer, tensor.name.start))
    case .tensor(let rule, _):
      let tensor = context.layout.tensors[rule]
      guard case .kept = tensor.native else {
        return plan.reportForeign(
          name, expected: tensor.isOfExperts ? "grouped native keys" : "a native key")
      }
      guard plan.isOfLayer(tensor, layer, name) else { return }
      keep(source, as: name)
    case .inModule(onDisk: false, let other):
      guard plan.hasModule(key, layer, name) else { return }
      keep(source, as: context.name(key.prefix, layer: layer, other))
    case .inModule: plan.reportForeign(name, expected: "a native key")
    case .group:
      // The catalog has the groups of all layers with experts.
      _ = plan.hasExperts(layer, name)
    case .groupFactor(let lora, let isA):
      guard plan.hasExperts(layer, name),
        let group = context.factors.first(where: { $0.lora == lora && $0.isA == isA })
      else { return }
      loraSources.append((source, lora, isA))
      splitLoRA(source, group, key, layer)
    case .companion(let rule, let expertText):
      convertCompanion(source, key, layer, rule, expertText)
    case .factor, .fusedFactor, .foreign:
      plan.reportForeign(name, expected: "grouped native keys")
    case .unknownOfExperts:
      plan.report(
        .unknownExpertKey, name, expected: context.expertNamesNative,
        found: "\(info.dtype) \(info.shape)")
    case .unknown:
      keep(source, as: name)
    }
  }

  /// Companions keep their names on disk, but for those of modules that are renamed.
  private mutating func convertCompanion(
    _ source: Int, _ key: LayerKey, _ layer: Int, _ rule: Int, _ expertText: Substring?
  ) {
    let name = plan.sources[source].name
    guard plan.isOfLayer(context.layout.tensors[rule], layer, name) else { return }
    guard let expertText else {
      let isForeign = context.layout.modules.contains { key.rest.utf8.starts(with: $0.onDisk.utf8) }
      return isForeign
        ? plan.reportForeign(name, expected: "a native key") : keep(source, as: name)
    }
    guard let expert = plan.expertIndex(expertText, name) else { return }
    guard ownExperts.contains(expert) else {
      return plan.report(
        .surplusExpert, name, expected: "experts \(ownExperts) of this rank",
        found: "expert \(expert)")
    }
    keep(source, as: name)
  }

  private mutating func keep(_ source: Int, as name: TensorName, number: Int? = nil) {
    let info = plan.sources[source]
    if let number, let shape = context.catalog.shape(onDisk: number), shape != info.shape {
      plan.report(.wrongShape, info.name, expected: "\(shape)", found: "\(info.shape)")
    }
    if exclusion?.matches(name) == true {
      plan.omit(source, .excluded)
    } else {
      plan.rename(source, to: name, number: number)
    }
  }

  /// Splits a group of the catalog.
  private mutating func split(_ source: Int, group: Int) {
    let name = plan.sources[source].name
    guard let layout = layouts.layout(of: group, name, context, &plan), fits(source, layout) else {
      return
    }
    var excludesAny = false
    for expert in context.slots(of: group, ownExperts) {
      for (position, number) in context.parts(of: group, expert: expert).enumerated() {
        let part = layout.part(position, slot: expert - ownExperts.lowerBound)
        let isKept = add(
          context.catalog.name(of: number), shape(of: number, part), number: number, from: source,
          part)
        excludesAny = excludesAny || !isKept
      }
    }
    if excludesAny { plan.omit(source, .excluded) }
  }

  /// The shape on disk, in which a rank has its own experts only where they are grouped.
  private func shape(of number: Int, _ part: GroupPart) -> Shape {
    let shape = context.catalog.schema[number].shape
    guard case .part(_, nil) = context.catalog.role(of: number),
      let local = try? Shape(Array(part.onDisk.view.prefix(shape.rank)))
    else { return shape }
    return local
  }

  /// Splits LoRA factors, which are not distributed over ranks.
  private mutating func splitLoRA(
    _ source: Int, _ group: FactorGroup, _ key: LayerKey, _ layer: Int
  ) {
    let info = plan.sources[source]
    let rank = info.shape.rank == 3 ? info.shape[group.isA ? 2 : 1] : 0
    let experts = context.config.expertCount
    guard
      let layout = plan.layout(
        of: group, info.name, experts: experts, rank: rank, found: "\(info.shape)"),
      fits(source, layout)
    else { return }
    var excludesAny = false
    for expert in 0..<experts {
      // Parts that repeat another come after the others.
      for (position, rule) in group.rules.enumerated() {
        let isRepeat = position >= group.parts.count
        let part = layout.part(isRepeat ? 0 : position, slot: expert)
        let name = context.name(
          prefix: key.prefix, layer: layer, expert: expert, rule: rule, group)
        let isKept = add(
          name, [part.onDisk.extents[1], part.onDisk.extents[2]], number: nil, from: source, part,
          isRepeat: isRepeat)
        excludesAny = excludesAny || !isKept
      }
    }
    if excludesAny { plan.omit(source, .excluded) }
  }

  private mutating func fits(_ source: Int, _ layout: GroupLayout) -> Bool {
    let info = plan.sources[source]
    if layout.shape == info.shape { return true }
    plan.report(.wrongShape, info.name, expected: "\(layout.shape)", found: "\(info.shape)")
    return false
  }

  /// Adds one part of a group, unless its name is excluded; returns whether it was added.
  private mutating func add(
    _ name: TensorName, _ shape: Shape, number: Int?, from source: Int, _ part: GroupPart,
    isRepeat: Bool = false
  ) -> Bool {
    if exclusion?.matches(name) == true { return false }
    let info = TensorInfo(name, plan.sources[source].dtype, shape)
    let destination = plan.add(info, number: number, from: source)
    plan.add(
      TensorMove(
        source: source, part.inGroup, destination: destination, part.onDisk,
        permutation: part.inverse, isRepeat: isRepeat))
    return true
  }
}
