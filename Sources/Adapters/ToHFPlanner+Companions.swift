// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Layouts
import Tensors

/// What the native form must hold beside the tensors converted one by one.
extension ToHFPlanner {
  mutating func checkCompanions() {
    let isWhole = context.asksForWholeModel(plan.sources, plan.index)
    checkScales()
    if isWhole { checkCompleteness() }
    checkPairs(isWhole: isWhole)
  }

  /// Companions keep their names on disk, so their weights are looked for under those too.
  private mutating func checkScales() {
    // No name of the catalog is one of a companion.
    for (info, number) in zip(plan.sources, plan.index.numbers) where number == nil {
      let companion = context.layout.toDisk(info.name)
      guard let onDisk = context.names.weight(ofCompanion: companion), plan.index[onDisk] == nil
      else {
        continue
      }
      let weight = nativeName(of: onDisk)
      if plan.index[weight] == nil && !plan.hasDestination(named: onDisk) {
        plan.reportScale(info.name, of: weight)
      }
    }
  }

  /// The native name of a weight on disk, whether the config has it or not.
  private func nativeName(of onDisk: TensorName) -> TensorName {
    let layout = context.layout
    guard let key = context.key(onDisk) else { return layout.toNative(onDisk) }
    func name(_ rest: String) -> TensorName { layout.toNative(context.name(beside: key, rest)) }
    switch key.subject {
    case .known(.tensor(let rule)):
      switch layout.tensors[rule].native {
      case .kept: return name(key.rest)
      case .renamed(let native): return name(native.start)
      case .part(let group, _): return name(layout.groups[group].name)
      }
    case .known(.factor(let rule, let isA)):
      let group = context.factors.first { $0.isA == isA && $0.rules.contains(rule) }
      return name(group?.native ?? key.rest)
    case .inModule(onDisk: true, let other): return name(other)
    default: return name(key.rest)
    }
  }

  /// Reports tensors of the schema that are neither in the result nor left out for a reason.
  private mutating func checkCompleteness() {
    let catalog = context.catalog
    var reported: Set<Int> = []
    for number in context.required where !plan.hasDestination(number) {
      let info = catalog.schema[number]
      guard exclusion?.matches(info.name) != true else { continue }
      // A rank without experts has nothing of tensors that are grouped on disk either.
      if case .part(_, let expert) = catalog.role(of: number),
        expert.map({ !plan.ownExperts.contains($0) }) ?? plan.ownExperts.isEmpty
      {
        continue
      }
      var natives = [catalog.native(of: number)]
      if case .cut(let pieces) = catalog.role(of: number) { natives = pieces }
      // A tensor that is there and did not become its parts is reported already.
      guard natives.allSatisfy({ plan.index[$0] == nil }) else { continue }
      for native in natives where reported.insert(native).inserted {
        plan.reportMissing(catalog.name(of: native), "the data of '\(info.name)' \(info.shape)")
      }
    }
  }

  /// A sparse layer has all its groups or none, and both factors of a LoRA one rank.
  private mutating func checkPairs(isWhole: Bool) {
    // The schema's check reports missing weights.
    if !isWhole {
      var reported: Set<Int> = []
      for case let number? in plan.index.numbers {
        for missing in missingCompanions(ofNumber: number) where reported.insert(missing).inserted {
          plan.reportMissing(
            context.catalog.name(of: missing),
            "the partner of '\(context.catalog.name(of: number))'")
        }
      }
    }
    for (source, group) in factors { checkPartner(of: plan.sources[source], group) }
  }

  /// The numbers of the groups without which a group is of no use.
  private func missingCompanions(ofNumber number: Int) -> [Int] {
    let catalog = context.catalog
    guard case .group(let group) = catalog.role(of: number) else { return [] }
    return catalog.groups[group].companions.map { catalog.groups[$0].native }.filter {
      plan.index[$0] == nil
    }
  }

  private mutating func checkPartner(of info: TensorInfo, _ group: FactorGroup) {
    guard let key = context.key(context.layout.toDisk(info.name)),
      let partner = context.factors.first(where: { $0.lora == group.lora && $0.isA != group.isA })
    else { return }
    let name = context.layout.toNative(context.name(beside: key, partner.native))
    guard let other = plan.index[name].map({ plan.sources[$0] }) else {
      return plan.reportMissing(name, "the partner of '\(info.name)'")
    }
    guard group.isA, info.shape.rank == 3, other.shape.rank == 3, info.shape[2] != other.shape[1]
    else {
      return
    }
    plan.report(
      .wrongShape, info.name, expected: "rank \(other.shape[1]) as in '\(name)'",
      found: "rank \(info.shape[2])")
  }
}
