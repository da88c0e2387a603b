// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Tensors

/// Plans the way from native form back to disk.
///
/// Source of the order of the result: nemo-automodel 0.7.0 replaces a grouped tensor by its experts
/// one after the other, gate before up, and keeps all else in place.
struct ToHFPlanner {
  let context: LayoutContext
  let parallelism: ExpertParallelism?
  let exclusion: CompiledExclusion?
  var plan: PlanBuilder
  private let names: Set<TensorName>

  init(
    _ context: LayoutContext, _ sources: [TensorInfo], _ parallelism: ExpertParallelism?,
    _ exclusion: ExclusionPattern?
  ) {
    self.context = context
    self.parallelism = parallelism
    self.exclusion = exclusion?.compiled()
    plan = PlanBuilder(.toHF, sources)
    names = Set(sources.map(\.name))
  }

  private var ownExperts: Range<Int> {
    parallelism?.experts(of: context.config.expertCount) ?? 0..<context.config.expertCount
  }

  mutating func run(isStreaming: Bool = false) throws(AdapterError) -> ConversionPlan {
    for source in plan.sources.indices { convert(source) }
    if !isStreaming { checkCompanions() }
    return try plan.finish()
  }

  private mutating func convert(_ source: Int) {
    let name = plan.sources[source].name
    guard let key = LayerKey(name) else {
      guard !name.mentionsExperts else { return plan.reportPrefix(name, context) }
      return keep(source, as: name)
    }
    if !name.isLoRA && key.prefix != context.options.prefix.rawValue {
      guard !name.mentionsExperts, !key.hasModelPrefix else {
        return plan.reportPrefix(name, context)
      }
      return keep(source, as: name)
    }
    guard let layer = plan.layerIndex(of: key, name, context) else { return }
    if key.rest.hasPrefix(ExpertKey.start) {
      return convertExperts(source, key, layer)
    }
    for rule in Layout.renames {
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
        let group = context.groups.first(where: { $0.native == native })
      else { return }
      split(source, group, key, layer)
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

  private mutating func keep(_ source: Int, as name: TensorName) {
    let info = plan.sources[source]
    if let shape = context.shape(onDisk: name), shape != info.shape {
      plan.report(.wrongShape, info.name, expected: "\(shape)", found: "\(info.shape)")
    }
    if exclusion?.matches(name) == true {
      plan.omit(source, .excluded)
    } else {
      plan.rename(source, to: name)
    }
  }

  private mutating func split(_ source: Int, _ group: ExpertGroup, _ key: LayerKey, _ layer: Int) {
    let info = plan.sources[source]
    // LoRA factors are not distributed over ranks.
    let experts = group.isLoRA ? 0..<context.config.expertCount : ownExperts
    let rankAxis = group.columns == .rank ? 1 : 2
    let rank = group.isLoRA && info.shape.rank == 3 ? info.shape[rankAxis] : 0
    let expected = try? context.shape(of: group, experts: experts.count, rank: rank)
    guard let grouped = expected, grouped == info.shape else {
      let text = expected.map(String.init(describing:)) ?? "a size below 2^63"
      plan.report(.wrongShape, info.name, expected: text, found: "\(info.shape)")
      return
    }
    var excludesAny = false
    for expert in experts {
      let regions = context.regions(
        of: group, grouped: grouped, slot: expert - experts.lowerBound, rank: rank)
      var parts = regions.map { (part: $0, isRepeat: false) }
      if let repeated = group.repeated, let first = regions.first {
        parts.append(((repeated, first.onDisk, first.inGroup), isRepeat: true))
      }
      for ((projection, onDisk, inGroup), isRepeat) in parts {
        let name = context.name(
          prefix: key.prefix, layer: layer, expert: expert, projection, group)
        if exclusion?.matches(name) == true {
          excludesAny = true
          continue
        }
        let shape: Shape = [onDisk.extents[1], onDisk.extents[2]]
        let destination = plan.add(TensorInfo(name, info.dtype, shape), from: source)
        plan.add(
          TensorMove(
            source: source, inGroup, destination: destination, onDisk,
            permutation: LayoutContext.transposed, isRepeat: isRepeat))
      }
    }
    if excludesAny { plan.omit(source, .excluded) }
  }

  /// What the native form must hold beside the tensors converted one by one.
  private mutating func checkCompanions() {
    let onDisk = Set(plan.destinations.map(\.name))
    checkScales(onDisk)
    if asksForWholeModel {
      let preserves = context.options.mtpPolicy == .preserve
      var reported: Set<TensorName> = []
      for info in context.required(includingMTP: preserves) where !onDisk.contains(info.name) {
        checkMissing(info, &reported)
      }
    }
    checkPairs()
  }

  /// Whether all tensors of the schema must be there; state dicts of nothing but LoRA are exempt.
  private var asksForWholeModel: Bool {
    context.options.completeness == .wholeModel && (names.isEmpty || !names.allSatisfy(\.isLoRA))
  }

  /// Reports a tensor of the schema that is neither in the result nor left out for a reason.
  private mutating func checkMissing(_ info: TensorInfo, _ reported: inout Set<TensorName>) {
    guard exclusion?.matches(info.name) != true else { return }
    if let expert = info.name.expertIndex, !ownExperts.contains(expert) { return }
    let name = nativeName(of: info.name)
    // A tensor that is there and did not become its parts is reported already.
    guard !names.contains(name), reported.insert(name).inserted else { return }
    plan.reportMissing(name, "the data of '\(info.name)' \(info.shape)")
  }

  private func nativeName(of onDisk: TensorName) -> TensorName {
    guard let key = LayerKey(onDisk) else { return onDisk }
    let base = "\(key.prefix)layers.\(key.layerText)."
    for rule in Layout.renames {
      if let rest = rule.apply(to: key.rest, .fromHF) { return TensorName(base + rest) }
    }
    if key.rest.hasPrefix(ExpertKey.start),
      case .part(_, let projection, let suffix) = ExpertKey(
        key.rest.droppingBytes(ExpertKey.start.utf8.count)),
      let group = context.groups.first(where: {
        $0.suffix == suffix && $0.projections.contains(projection)
      })
    {
      return TensorName("\(base)\(ExpertKey.start)\(group.native)")
    }
    return onDisk
  }

  /// Scales keep their names on disk, so their weights are looked for under those too.
  private mutating func checkScales(_ onDisk: Set<TensorName>) {
    for info in plan.sources {
      guard let native = info.name.weightOfScale, !names.contains(native) else { continue }
      let weight = nativeName(of: native)
      if !names.contains(weight) && !onDisk.contains(native) {
        plan.report(
          .scaleWithoutWeight, info.name, expected: "the weight '\(weight)'", found: "no such key")
      }
    }
  }

  /// A sparse layer has both tensors of a pair or neither, and both factors of a LoRA one rank.
  private mutating func checkPairs() {
    for info in plan.sources {
      guard let key = LayerKey(info.name), key.rest.hasPrefix(ExpertKey.start),
        case .group(let native) = ExpertKey(key.rest.droppingBytes(ExpertKey.start.utf8.count)),
        let group = context.groups.first(where: { $0.native == native }),
        let partner = Layout.partner(of: group.native)
      else { continue }
      let name = TensorName("\(key.prefix)layers.\(key.layerText).\(ExpertKey.start)\(partner)")
      guard let other = plan.sources.first(where: { $0.name == name }) else {
        // The schema's check reports missing weights.
        if group.isLoRA || !asksForWholeModel {
          plan.reportMissing(name, "the partner of '\(info.name)'")
        }
        continue
      }
      guard group.isLoRA, group.columns != .rank, info.shape.rank == 3, other.shape.rank == 3,
        info.shape[2] != other.shape[1]
      else { continue }
      plan.report(
        .wrongShape, info.name, expected: "rank \(other.shape[1]) as in '\(name)'",
        found: "rank \(info.shape[2])")
    }
  }
}
