// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Tensors

/// What the native form must hold beside the tensors converted one by one.
extension ToHFPlanner {
  mutating func checkCompanions() {
    let isWhole = context.asksForWholeModel(plan.sources, index)
    checkScales()
    if isWhole { checkCompleteness() }
    checkPairs(isWhole: isWhole)
  }

  /// Scales keep their names on disk, so their weights are looked for under those too.
  private mutating func checkScales() {
    // No name of the catalog is one of a scale.
    for (info, number) in zip(plan.sources, index.numbers) where number == nil {
      guard let onDisk = info.name.weightOfScale, index[onDisk] == nil else { continue }
      let weight = nativeName(of: onDisk)
      if index[weight] == nil && !plan.hasDestination(named: onDisk) {
        plan.report(
          .scaleWithoutWeight, info.name, expected: "the weight '\(weight)'", found: "no such key")
      }
    }
  }

  /// The native name of a weight on disk, whether the config has it or not.
  private func nativeName(of onDisk: TensorName) -> TensorName {
    guard let key = LayerKey(onDisk) else { return onDisk }
    let base = "\(key.prefix)layers.\(key.layerText)."
    for rule in HyLayout.renames {
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

  /// Reports tensors of the schema that are neither in the result nor left out for a reason.
  private mutating func checkCompleteness() {
    let catalog = context.catalog
    var reported: Set<Int> = []
    for number in context.required where !plan.hasDestination(number) {
      let info = catalog.schema[number]
      guard exclusion?.matches(info.name) != true else { continue }
      if case .part(_, let expert) = catalog.role(of: number), !ownExperts.contains(expert) {
        continue
      }
      let native = catalog.native(of: number)
      // A tensor that is there and did not become its parts is reported already.
      guard index[native] == nil, reported.insert(native).inserted else { continue }
      plan.reportMissing(catalog.name(of: native), "the data of '\(info.name)' \(info.shape)")
    }
  }

  /// A sparse layer has both tensors of a pair or neither, and both factors of a LoRA one rank.
  private mutating func checkPairs(isWhole: Bool) {
    // The schema's check reports missing weights.
    if !isWhole {
      for case let number? in index.numbers { checkPartner(ofNumber: number) }
    }
    for source in loraSources { checkLoRAPartner(of: plan.sources[source]) }
  }

  private mutating func checkPartner(ofNumber number: Int) {
    let catalog = context.catalog
    guard case .group(let group) = catalog.role(of: number) else { return }
    let partner = catalog.groups[catalog.groups[group].partner].native
    if index[partner] == nil {
      plan.reportMissing(
        catalog.name(of: partner), "the partner of '\(catalog.name(of: number))'")
    }
  }

  private mutating func checkLoRAPartner(of info: TensorInfo) {
    guard let key = LayerKey(info.name), key.rest.hasPrefix(ExpertKey.start),
      case .group(let native) = ExpertKey(key.rest.droppingBytes(ExpertKey.start.utf8.count)),
      let group = context.groups.first(where: { $0.isLoRA && $0.native == native }),
      let partner = HyLayout.partner(of: group.native)
    else { return }
    let name = TensorName("\(key.prefix)layers.\(key.layerText).\(ExpertKey.start)\(partner)")
    guard let other = index[name].map({ plan.sources[$0] }) else {
      return plan.reportMissing(name, "the partner of '\(info.name)'")
    }
    guard group.columns != .rank, info.shape.rank == 3, other.shape.rank == 3,
      info.shape[2] != other.shape[1]
    else { return }
    plan.report(
      .wrongShape, info.name, expected: "rank \(other.shape[1]) as in '\(name)'",
      found: "rank \(info.shape[2])")
  }
}
