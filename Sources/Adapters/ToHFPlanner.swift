// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Layouts
import Tensors

/// Plans the way from native form back to disk.
///
/// Source of the order of the result: nemo-automodel 0.7.0 replaces a grouped tensor by its experts
/// one after the other, gate before up, and keeps all else in place.
struct ToHFPlanner {
  let context: AdapterPlanner
  let exclusion: ExclusionPattern?
  var plan: PlanBuilder
  /// The grouped LoRA factors in layers that have experts, and which they are.
  private(set) var factors: [(source: Int, group: FactorGroup)] = []
  /// The tensors on disk of which pieces turned up, by the numbers of their names; they come after all others.
  private var wholes: [Int] = []

  init(
    _ context: AdapterPlanner, _ sources: [TensorInfo], _ parallelism: ExpertParallelism?,
    _ exclusion: ExclusionPattern?
  ) {
    self.context = context
    self.exclusion = exclusion
    plan = PlanBuilder(.toHF, sources, context, parallelism)
  }

  mutating func run(isStreaming: Bool = false) throws(AdapterError) -> ConversionPlan {
    for source in plan.sources.indices { convert(source) }
    for whole in wholes { join(whole) }
    if !isStreaming { checkCompanions() }
    return try plan.finish()
  }

  private mutating func convert(_ source: Int) {
    switch plan.meaning(of: source) {
    case nil: break
    case .stranger: keep(source, as: onDisk(source))
    case .base(.group(let group), _): split(source, group: group)
    case .base(.piece(let whole), _): if !wholes.contains(whole) { wholes.append(whole) }
    case .base(.original(let onDisk), _):
      keep(source, as: context.catalog.name(of: onDisk), number: onDisk)
    case .base(_, let number): keep(source, as: onDisk(source), number: number)
    case .ofLayer(let key, let layer): convert(source, key, layer)
    }
  }

  /// Converts the tensor of a layer's key outside the catalog.
  private mutating func convert(_ source: Int, _ key: ExactKey, _ layer: Int) {
    let info = plan.sources[source]
    let name = info.name
    switch key.subject {
    case .known(.renamed(let rule)):
      let tensor = context.layout.tensors[rule]
      guard plan.isOfLayer(tensor, layer, name) else { return }
      keep(
        source, as: context.name(beside: key, tensor.name.start),
        form: context.form(of: tensor, layer, .toHF))
    case .known(.tensor(let rule)):
      let tensor = context.layout.tensors[rule]
      guard case .kept = tensor.native else {
        return plan.reportForeign(
          name, expected: tensor.isOfExperts ? "grouped native keys" : "a native key")
      }
      guard plan.isOfLayer(tensor, layer, name) else { return }
      keep(source, as: onDisk(source))
    case .inModule(onDisk: false, let other):
      guard plan.hasModule(key, layer, name) else { return }
      keep(source, as: context.name(beside: key, other))
    case .inModule: plan.reportForeign(name, expected: "a native key")
    case .known(.group):
      // The catalog has the groups of all layers with experts.
      _ = plan.hasExperts(layer, name)
    case .known(.groupFactor(let lora, let isA)):
      guard plan.hasExperts(layer, name),
        let group = context.factors.first(where: { $0.lora == lora && $0.isA == isA })
      else { return }
      factors.append((source, group))
      splitFactors(source, group, key, layer)
    case .known(.companion(let rule, _)): convertCompanion(source, key, layer, rule)
    case .known(.factor), .known(.fusedFactor), .foreign:
      plan.reportForeign(name, expected: "grouped native keys")
    case .unknownOfExperts: plan.reportUnknown(info, expected: context.expertNamesNative)
    case .unknown, .known(.unknown): keep(source, as: onDisk(source))
    }
  }

  /// Joins the pieces of a tensor on disk, all of which must be there, of one type.
  private mutating func join(_ whole: Int) {
    guard case .cut(let numbers) = context.catalog.role(of: whole) else { return }
    let name = context.catalog.name(of: whole)
    var pieces: [(source: Int, number: Int)] = []
    for number in numbers {
      guard let shape = context.catalog.pieceShapes[number]?.shape else { continue }
      let own = context.catalog.name(of: number)
      guard let source = plan.index[number] else {
        plan.reportMissing(own, "\(shape), a piece of '\(name)' like others that are there")
        continue
      }
      let info = plan.sources[source]
      let first = pieces.first.map { plan.sources[$0.source].dtype } ?? info.dtype
      if info.shape != shape {
        plan.report(.wrongShape, own, expected: "\(shape)", found: "\(info.shape)")
      } else if info.dtype != first {
        plan.report(
          .wrongDType, own, expected: "\(first), as other pieces of '\(name)'",
          found: "\(info.dtype)")
      } else {
        pieces.append((source, number))
      }
    }
    guard pieces.count == numbers.count else { return }
    if exclusion?.matches(name) == true {
      for (source, _) in pieces { plan.omit(source, .excluded) }
    } else {
      plan.join(pieces, to: whole)
    }
  }

  private func onDisk(_ source: Int) -> TensorName {
    context.layout.toDisk(plan.sources[source].name)
  }

  /// Companions keep their names on disk, but for those of modules that are renamed.
  private mutating func convertCompanion(
    _ source: Int, _ key: ExactKey, _ layer: Int, _ rule: Int
  ) {
    let name = plan.sources[source].name
    guard plan.isOfLayer(context.layout.tensors[rule], layer, name) else { return }
    guard let expertText = key.expertText else {
      let isForeign = context.layout.modules.contains { key.rest.following($0.onDisk) != nil }
      return isForeign
        ? plan.reportForeign(name, expected: "a native key") : keep(source, as: onDisk(source))
    }
    guard let expert = plan.expertIndex(expertText, name) else { return }
    guard plan.ownExperts.contains(expert) else {
      return plan.report(
        .surplusExpert, name, expected: "experts \(plan.ownExperts) of this rank",
        found: "expert \(expert)")
    }
    keep(source, as: onDisk(source))
  }

  private mutating func keep(
    _ source: Int, as name: TensorName, number: Int? = nil, form: RenamedForm? = nil
  ) {
    if let number { plan.checkShape(source, number: number) }
    if exclusion?.matches(name) == true {
      plan.omit(source, .excluded)
    } else {
      plan.rename(source, to: name, number: number, form: form)
    }
  }

  /// Splits a group of the catalog.
  private mutating func split(_ source: Int, group: Int) {
    let name = plan.sources[source].name
    let group = context.catalog.groups[group]
    guard let layout = plan.layout(of: group, name), fits(source, layout) else { return }
    for (slot, position, number) in plan.members(of: group) {
      let part = layout.part(position, slot: slot)
      add(
        context.catalog.name(of: number), shape(of: number, part), number: number, from: source,
        part)
    }
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
  private mutating func splitFactors(
    _ source: Int, _ group: FactorGroup, _ key: ExactKey, _ layer: Int
  ) {
    let info = plan.sources[source]
    let rank = info.shape.rank == 3 ? info.shape[group.isA ? 2 : 1] : 0
    guard let layout = plan.layout(of: group, info.name, rank: rank, found: "\(info.shape)"),
      fits(source, layout)
    else { return }
    let patterns = group.rules.map {
      context.namePattern(key.prefix, layer: layer, rule: $0, group)
    }
    for expert in 0..<context.config.expertCount {
      // Parts that repeat another come after the others.
      for (position, pattern) in patterns.enumerated() {
        let isRepeat = position >= group.parts.count
        let part = layout.part(isRepeat ? 0 : position, slot: expert)
        add(
          TensorName(pattern.name(expert: expert)),
          [part.onDisk.extents[1], part.onDisk.extents[2]], number: nil, from: source, part,
          isRepeat: isRepeat)
      }
    }
  }

  private mutating func fits(_ source: Int, _ layout: GroupLayout) -> Bool {
    let info = plan.sources[source]
    if layout.shape == info.shape { return true }
    plan.report(.wrongShape, info.name, expected: "\(layout.shape)", found: "\(info.shape)")
    return false
  }

  /// Adds one part of a group, unless its name is excluded.
  private mutating func add(
    _ name: TensorName, _ shape: Shape, number: Int?, from source: Int, _ part: GroupPart,
    isRepeat: Bool = false
  ) {
    if exclusion?.matches(name) == true { return plan.omit(source, .excluded) }
    let info = TensorInfo(name, plan.sources[source].dtype, shape)
    let destination = plan.add(info, number: number, from: source)
    plan.add(source, splitTo: destination, part, isRepeat: isRepeat)
  }
}
