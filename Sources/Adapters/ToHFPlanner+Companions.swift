// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Layouts
import Tensors

/// What the native form must hold beside the tensors converted one by one.
extension ToHFPlanner {
  mutating func checkCompanions() {
    let isWhole = context.asksForWholeModel(plan.sources, index)
    checkScales()
    if isWhole { checkCompleteness() }
    checkPairs(isWhole: isWhole)
  }

  /// Companions keep their names on disk, so their weights are looked for under those too.
  private mutating func checkScales() {
    // No name of the catalog is one of a companion.
    for (info, number) in zip(plan.sources, index.numbers) where number == nil {
      guard let onDisk = context.names.weight(ofCompanion: info.name), index[onDisk] == nil else {
        continue
      }
      let weight = nativeName(of: onDisk)
      if index[weight] == nil && !plan.hasDestination(named: onDisk) {
        plan.report(
          .scaleWithoutWeight, info.name, expected: "the weight '\(weight)'", found: "no such key")
      }
    }
  }

  /// The native name of a weight on disk, whether the config has it or not.
  private func nativeName(of onDisk: TensorName) -> TensorName {
    guard let key = context.key(onDisk) else { return onDisk }
    func name(_ rest: String) -> TensorName { context.name(key.prefix, layer: key.layerText, rest) }
    switch context.read(key) {
    case .tensor(let rule, _):
      switch context.layout.tensors[rule].native {
      case .kept: return onDisk
      case .renamed(let native): return name(native.start)
      case .part(let group, _): return name(context.layout.groups[group].name)
      }
    case .factor(let rule, let isA, _):
      let group = context.factors.first { $0.isA == isA && $0.rules.contains(rule) }
      return group.map { name($0.native) } ?? onDisk
    case .inModule(onDisk: true, let other): return name(other)
    default: return onDisk
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
        expert.map({ !ownExperts.contains($0) }) ?? ownExperts.isEmpty
      {
        continue
      }
      let native = catalog.native(of: number)
      // A tensor that is there and did not become its parts is reported already.
      guard index[native] == nil, reported.insert(native).inserted else { continue }
      plan.reportMissing(catalog.name(of: native), "the data of '\(info.name)' \(info.shape)")
    }
  }

  /// A sparse layer has all its groups or none, and both factors of a LoRA one rank.
  private mutating func checkPairs(isWhole: Bool) {
    // The schema's check reports missing weights.
    if !isWhole {
      var reported: Set<Int> = []
      for case let number? in index.numbers {
        for missing in missingCompanions(ofNumber: number) where reported.insert(missing).inserted {
          plan.reportMissing(
            context.catalog.name(of: missing),
            "the partner of '\(context.catalog.name(of: number))'")
        }
      }
    }
    for (source, lora, isA) in loraSources {
      checkLoRAPartner(of: plan.sources[source], lora, isA: isA)
    }
  }

  /// The numbers of the groups without which a group is of no use.
  private func missingCompanions(ofNumber number: Int) -> [Int] {
    let catalog = context.catalog
    guard case .group(let group) = catalog.role(of: number) else { return [] }
    return catalog.groups[group].companions.map { catalog.groups[$0].native }.filter {
      index[$0] == nil
    }
  }

  private mutating func checkLoRAPartner(of info: TensorInfo, _ lora: Int, isA: Bool) {
    guard let key = context.key(info.name),
      let partner = context.factors.first(where: { $0.lora == lora && $0.isA != isA })
    else { return }
    let name = context.name(key.prefix, layer: key.layerText, partner.native)
    guard let other = index[name].map({ plan.sources[$0] }) else {
      return plan.reportMissing(name, "the partner of '\(info.name)'")
    }
    guard isA, info.shape.rank == 3, other.shape.rank == 3, info.shape[2] != other.shape[1] else {
      return
    }
    plan.report(
      .wrongShape, info.name, expected: "rank \(other.shape[1]) as in '\(name)'",
      found: "rank \(info.shape[2])")
  }
}
