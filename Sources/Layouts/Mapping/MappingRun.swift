// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Tensors

/// The comparison of a layout with one model of transformers.
struct MappingRun {
  private let layout: Layout
  private let model: TransformersMapping.Model
  let rules: [MappingRule]
  private let shapes: [String: [Int]]
  private(set) var findings: [MappingFinding] = []
  private(set) var nameCount = 0
  private(set) var groupCount = 0

  init(_ layout: Layout, _ model: TransformersMapping.Model, _ rules: [MappingRule]) {
    self.layout = layout
    self.model = model
    self.rules = rules
    shapes = Dictionary(uniqueKeysWithValues: model.tensors.map { ($0.name, $0.shape) })
  }

  private mutating func report(
    _ demand: MappingFinding.Demand, _ about: String, expected: String, found: String
  ) {
    findings.append(MappingFinding(demand, about, expected: expected, found: found))
  }

  mutating func all() {
    let config: ModelConfig
    let listing: [ListedTensor]
    do {
      config = try ModelConfig(json: model.config, layout: layout)
      listing = try config.listing()
    } catch {
      return report(.loaded, model.className, expected: "its config", found: "\(error)")
    }
    var disk: MappingConversion.Named = []
    var next = 0
    for tensor in listing {
      disk.append((tensor.info.name.text, NumberedTensor(tensor.info.shape.extents, from: next)))
      next += tensor.info.shape.elementCount
    }
    nameCount = disk.count
    let loading = MappingConversion(loading: rules)
    let loaded = loading.convert(Self.sorted(disk), shape: modelShape)
    check(loaded)
    checkElements(config, listing, disk, loaded.tensors)
    // What the layout does not list, such as a vision tower, is known by the names that saving gives it.
    let filled = Set(loaded.tensors.map { modelName($0.name) })
    var others: MappingConversion.Named = []
    for (name, shape) in model.tensors where !filled.contains(name) {
      report(.filled, name, expected: "a tensor on disk that the layout lists", found: "none")
      others.append((name, NumberedTensor(shape, from: next)))
      next += shape.reduce(1, *)
    }
    let kept = loaded.tensors.filter { shapes[modelName($0.name)] != nil }
    let fits = rules.indices.filter { rule in loaded.used.contains { $0[0] == rule } }
    let saving = rules.indices.filter { !rules[$0].isOfPrefix || fits.contains($0) }
    let towers = MappingConversion(saving: saving.map { rules[$0] }).convert(
      Self.sorted(others), shape: { _ in nil })
    for (name, reason) in towers.refused {
      report(.interpreted, name, expected: "operations that are known", found: reason)
    }
    checkSaving(disk, kept, MappingConversion(saving: fits.map { rules[$0] }))
    var used = loaded.used
    used.formUnion(loading.convert(Self.sorted(towers.tensors), shape: modelShape).used)
    checkRules(used, names: disk.map(\.name) + towers.tensors.map(\.name))
    checkIdempotence(loading)
  }

  /// In the order of transformers: components that are numbers by their value, before all others.
  private static func sorted(_ tensors: MappingConversion.Named) -> MappingConversion.Named {
    func key(_ name: String) -> [(kind: Int, text: String, number: Int)] {
      name.split(separator: ".").map { part in
        if let number = Int(part) { return (0, "", number) }
        let text = part.prefix { !$0.isNumber }
        return (1, String(text), Int(part.dropFirst(text.count)) ?? -1)
      }
    }
    let keyed = tensors.map { (key: key($0.name), tensor: $0) }
    let order = keyed.sorted { one, other in
      for (left, right) in zip(one.key, other.key) where left != right { return left < right }
      return one.key.count < other.key.count
    }
    return order.map(\.tensor)
  }

  /// The name in the model: with what its names begin with, or without, whichever it has.
  private func modelName(_ name: String) -> String {
    let prefix = "\(model.prefix)."
    if shapes[name] != nil { return name }
    if name.hasPrefix(prefix), shapes[String(name.dropFirst(prefix.count))] != nil {
      return String(name.dropFirst(prefix.count))
    }
    return shapes[prefix + name] == nil ? name : prefix + name
  }

  private func modelShape(_ name: String) -> [Int]? { shapes[modelName(name)] }

  private mutating func check(_ loaded: MappingConversion.Result) {
    for (name, reason) in loaded.refused {
      report(.interpreted, name, expected: "operations that are known", found: reason)
    }
    for (name, target) in loaded.collisions {
      report(.injective, name, expected: "a name of its own", found: "'\(target)', as another has")
    }
    for (name, tensor) in loaded.tensors {
      guard let shape = modelShape(name) else {
        report(
          .loaded, name, expected: "a tensor of \(model.className)", found: "none of that name")
        continue
      }
      guard shape != tensor.shape else { continue }
      report(.shape, name, expected: "\(shape)", found: "\(tensor.shape)")
    }
  }

  /// Every group of ours has the elements of one tensor of theirs, as they are or with the last two axes
  /// exchanged, and every other tensor is one of theirs or a part of it.
  private mutating func checkElements(
    _ config: ModelConfig, _ listing: [ListedTensor], _ disk: MappingConversion.Named,
    _ loaded: MappingConversion.Named
  ) {
    var owners: [Int: Int] = [:]
    for (position, (_, tensor)) in loaded.enumerated() {
      for number in tensor.numbers { owners[number] = position }
    }
    for (name, tensor, isGroup) in natives(config, listing, disk) {
      guard let owner = tensor.numbers.first.flatMap({ owners[$0] }) else { continue }
      let theirs = loaded[owner]
      guard isGroup ? isAlike(tensor, theirs.tensor) : isPart(tensor, of: theirs.tensor) else {
        let isSpread = tensor.numbers.contains { owners[$0] != owner }
        report(
          .elements, name, expected: "the elements of '\(theirs.name)' \(theirs.tensor.shape)",
          found: isSpread ? "other tensors' as well" : "others, or in another order")
        continue
      }
      groupCount += isGroup ? 1 : 0
    }
  }

  /// Whether two tensors are the same, or are when the last two axes of one are exchanged.
  private func isAlike(_ ours: NumberedTensor, _ theirs: NumberedTensor) -> Bool {
    let last = ours.shape.count - 1
    return theirs == ours || last > 0 && theirs == ours.transposed(last - 1, last)
  }

  /// Whether a tensor is another, or one of those that it is joined of.
  private func isPart(_ ours: NumberedTensor, of theirs: NumberedTensor) -> Bool {
    guard ours.shape.dropFirst() == theirs.shape.dropFirst(),
      let start = theirs.numbers.firstIndex(of: ours.numbers[0])
    else { return ours == theirs }
    return theirs.numbers[start...].starts(with: ours.numbers)
  }

  /// Our native tensors, and whether each is a group.
  private func natives(
    _ config: ModelConfig, _ listing: [ListedTensor], _ disk: MappingConversion.Named
  ) -> [(name: String, tensor: NumberedTensor, isGroup: Bool)] {
    var result: [(name: String, tensor: NumberedTensor, isGroup: Bool)] = []
    var places: [String: Int] = [:]
    let all = config.values(isGated: true)
    for (listed, (_, tensor)) in zip(listing, disk) {
      let (rule, name) = (layout.tensors[listed.rule], listed.nativeName.text)
      guard case .part(let group, let terms) = rule.native else {
        result.append((name, tensor, false))
        continue
      }
      let values = listed.layer.map { config.values(all, ofLayer: $0) } ?? all
      let experts = config.expertCount
      guard
        let extents = layout.extents(of: layout.groups[group], values, experts: experts)
      else { continue }
      let place = places[name] ?? result.count
      if place == result.count {
        places[name] = place
        result.append((name, NumberedTensor(extents) { _ in -1 }, true))
      }
      for element in tensor.numbers.indices {
        let index = tensor.shape.indices(at: element)
        var native: [Int] = []
        for term in terms {
          native.append(term.index(term.axis.map { index[$0] } ?? listed.expert ?? 0, values) ?? 0)
        }
        let position = result[place].tensor.position(of: native)
        result[place].tensor.numbers[position] = tensor.numbers[element]
      }
    }
    return result
  }

  private mutating func checkSaving(
    _ disk: MappingConversion.Named, _ loaded: MappingConversion.Named, _ saving: MappingConversion
  ) {
    let named = loaded.map { (name: modelName($0.name), tensor: $0.tensor) }
    let saved = saving.convert(Self.sorted(named), shape: modelShape).tensors
    var found: [Int: (name: String, tensor: NumberedTensor)] = [:]
    for tensor in saved {
      if let number = tensor.tensor.numbers.min() { found[number] = tensor }
    }
    let alive = Set(loaded.flatMap(\.tensor.numbers))
    for (name, tensor) in disk {
      guard let first = tensor.numbers.first, alive.contains(first) else { continue }
      let back = found[first]
      if back?.name == name, back?.tensor == tensor { continue }
      report(
        .reversible, name, expected: "the same name and elements when it is saved",
        found: back.map { $0.name == name ? "other elements" : "'\($0.name)'" } ?? "nothing")
    }
  }

  private mutating func checkRules(_ used: Set<[Int]>, names: [String]) {
    for (number, rule) in rules.enumerated() {
      if case .converter(let operations) = rule.kind {
        for case .transpose(_, _, true) in operations {
          report(
            .noChoiceByShape, rule.text, expected: "a transposition whatever the shape is",
            found: "none where the shape is the model's already")
        }
      }
      for source in rule.sources.indices where !used.contains([number, source]) {
        let isShadowed = names.contains { rule.renamed($0)?.source == source }
        let text = rule.sources.count == 1 ? rule.text : "\(rule.sources[source]) of \(rule.text)"
        report(
          isShadowed ? .noShadowedRule : .noDeadRule, text,
          expected: "a name that it fits\(isShadowed ? " after the rules before it" : "")",
          found: "none of \(names.count)")
      }
    }
  }

  private mutating func checkIdempotence(_ loading: MappingConversion) {
    for (name, _) in model.tensors where modelName(loading.name(name)) != name {
      report(
        .idempotent, name, expected: "the same name when it is loaded again",
        found: "'\(loading.name(name))'")
    }
  }
}
