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
  /// The grouped LoRA factors in layers that have experts.
  private(set) var loraSources: [Int] = []
  /// The layout of each rule's groups of the catalog, once it is needed.
  private var layouts: [GroupLayout?]

  init(
    _ context: LayoutContext, _ sources: [TensorInfo], _ parallelism: ExpertParallelism?,
    _ exclusion: ExclusionPattern?
  ) {
    self.context = context
    self.exclusion = exclusion?.compiled()
    plan = PlanBuilder(.toHF, sources, context.catalog)
    index = SourceIndex(sources, context.catalog)
    ownExperts = context.experts(of: parallelism)
    layouts = Array(repeating: nil, count: context.groups.count)
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
    let name = plan.sources[source].name
    guard let key = LayerKey(name) else {
      guard !name.mentionsExperts else { return plan.reportPrefix(name, context) }
      return keep(source, as: name)
    }
    if !name.isLoRA && key.prefix != context.prefix {
      guard !name.mentionsExperts, !key.hasModelPrefix else {
        return plan.reportPrefix(name, context)
      }
      return keep(source, as: name)
    }
    guard let layer = plan.layerIndex(of: key, name, context) else { return }
    if key.rest.hasPrefix(ExpertKey.start) {
      return convertExperts(source, key, layer)
    }
    guard plan.isOfLayer(key, layer, name, context) else { return }
    for rule in HyLayout.renames {
      if let rest = rule.apply(to: key.rest, .toHF) {
        guard plan.isSparse(layer, name, context) else { return }
        return keep(source, as: TensorName("\(key.prefix)layers.\(layer).\(rest)"))
      }
      if rule.apply(to: key.rest, .fromHF) != nil {
        return plan.reportForeign(name, expected: "a native key")
      }
    }
    keep(source, as: name)
  }

  private mutating func convertExperts(_ source: Int, _ key: LayerKey, _ layer: Int) {
    let info = plan.sources[source]
    switch ExpertKey(key.rest.droppingBytes(ExpertKey.start.utf8.count)) {
    case .group(let native):
      guard plan.isSparse(layer, info.name, context),
        let group = context.groups.first(where: { $0.isLoRA && $0.native == native })
      else { return }
      loraSources.append(source)
      splitLoRA(source, group, key, layer)
    case .scale(let expertText, _):
      guard plan.isSparse(layer, info.name, context),
        let expert = plan.expertIndex(expertText, info.name, context)
      else { return }
      guard ownExperts.contains(expert) else {
        plan.report(
          .surplusExpert, info.name, expected: "experts \(ownExperts) of this rank",
          found: "expert \(expert)")
        return
      }
      keep(source, as: info.name)
    case .part, .paramWrapper, .fused:
      plan.reportForeign(info.name, expected: "grouped native keys")
    case .unknown:
      plan.report(
        .unknownExpertKey, info.name,
        expected: "experts.gate_and_up_projs, experts.down_projs or LoRA factors",
        found: "\(info.dtype) \(info.shape)")
    }
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
    let rule = context.catalog.groups[group].rule
    let cached = layouts[rule]
    guard
      let layout = cached
        ?? layout(source, context.groups[rule], experts: ownExperts.count, rank: 0)
    else { return }
    layouts[rule] = layout
    guard fits(source, layout) else { return }
    var excludesAny = false
    for expert in ownExperts {
      for (part, number) in context.parts(of: group, expert: expert).enumerated() {
        let info = context.catalog.schema[number]
        let isKept = add(
          info.name, info.shape, number: number, from: source,
          layout.part(part, slot: expert - ownExperts.lowerBound))
        excludesAny = excludesAny || !isKept
      }
    }
    if excludesAny { plan.omit(source, .excluded) }
  }

  /// Splits LoRA factors, which are not distributed over ranks.
  private mutating func splitLoRA(
    _ source: Int, _ group: ExpertGroup, _ key: LayerKey, _ layer: Int
  ) {
    let shape = plan.sources[source].shape
    let rank = shape.rank == 3 ? shape[group.columns == .rank ? 1 : 2] : 0
    let experts = context.config.expertCount
    guard let layout = layout(source, group, experts: experts, rank: rank), fits(source, layout)
    else { return }
    var excludesAny = false
    for expert in 0..<experts {
      // A projection that repeats another stands behind the parts.
      for (position, projection) in group.projections.enumerated() {
        let isRepeat = position == group.parts.count
        let part = layout.part(isRepeat ? 0 : position, slot: expert)
        let name = context.name(
          prefix: key.prefix, layer: layer, expert: expert, projection, group)
        let isKept = add(
          name, [part.onDisk.extents[1], part.onDisk.extents[2]], number: nil, from: source, part,
          isRepeat: isRepeat)
        excludesAny = excludesAny || !isKept
      }
    }
    if excludesAny { plan.omit(source, .excluded) }
  }

  private mutating func layout(
    _ source: Int, _ group: ExpertGroup, experts: Int, rank: Int
  ) -> GroupLayout? {
    do {
      return try GroupLayout(group, in: context.config, experts: experts, rank: rank)
    } catch {
      let info = plan.sources[source]
      plan.report(
        .wrongShape, info.name, expected: "a size below 2^63", found: "\(info.shape)")
      return nil
    }
  }

  private mutating func fits(_ source: Int, _ layout: GroupLayout) -> Bool {
    let info = plan.sources[source]
    if layout.shape == info.shape { return true }
    plan.report(.wrongShape, info.name, expected: "\(layout.shape)", found: "\(info.shape)")
    return false
  }

  /// Adds one part of a group, unless its name is excluded; returns whether it was added.
  private mutating func add(
    _ name: TensorName, _ shape: Shape, number: Int?, from source: Int, _ part: GroupLayout.Part,
    isRepeat: Bool = false
  ) -> Bool {
    if exclusion?.matches(name) == true { return false }
    let info = TensorInfo(name, plan.sources[source].dtype, shape)
    let destination = plan.add(info, number: number, from: source)
    plan.add(
      TensorMove(
        source: source, part.inGroup, destination: destination, part.onDisk,
        permutation: GroupLayout.transposed, isRepeat: isRepeat))
    return true
  }
}
