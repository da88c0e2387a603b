// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Tensors

extension NamesCheck {
  /// Looks for the reasons, the most telling first; each takes what it explains.
  mutating func explain() {
    predictionElsewhere()
    spelling()
    expertForms()
    fusedHalves()
    packed()
    unknownCompanions()
    layerKinds()
    wholeLayers()
    joins()
    renames()
    missingExperts()
    surplusExperts()
    rest()
    incompleteCompanions()
  }

  /// Takes what is missing and meets a condition.
  mutating func takeMissing(_ isTaken: (Missing) -> Bool) -> [TensorName] {
    let taken = missing.filter(isTaken).map(\.place.name)
    if !taken.isEmpty { missing.removeAll(where: isTaken) }
    return taken
  }

  /// Takes what is surplus and meets a condition.
  mutating func takeSurplus(_ isTaken: (Surplus) -> Bool) -> [TensorName] {
    let taken = surplus.filter(isTaken).map(\.name)
    if !taken.isEmpty { surplus.removeAll(where: isTaken) }
    return taken
  }

  /// Where layers with experts are, in words after a clause; empty where all are meant.
  func sparsePlace(_ layers: Set<Int>) -> String {
    let all = Set((0..<config.storedLayerCount).filter { config.isSparse(layer: $0) })
    if layers == all { return "" }
    if layers == all.filter({ $0 < config.hiddenLayerCount }) { return " in every decoder layer" }
    let isPrediction = layers.allSatisfy { $0 >= config.hiddenLayerCount }
    return " in \(isPrediction ? "prediction " : "")\(Enumeration.ranges("layer", Array(layers)))"
  }

  private var isNumbered: Bool { layout.tensors.contains { $0.isOfExperts && $0.name.hasExpert } }

  /// The layers in which nothing is there of a part of experts.
  private var emptied: Set<Int> {
    var counts: [Int: [Int: Int]] = [:]
    for one in missing where one.rule.isOfExperts {
      counts[one.place.layer ?? -1, default: [:]][one.place.rule, default: 0] += 1
    }
    return Set(
      counts.filter { _, parts in
        parts.contains { rule, count in
          count == (layout.tensors[rule].name.hasExpert ? config.expertCount : 1)
        }
      }.keys)
  }

  /// Whether a name is one of experts, of all of them or of one.
  private func isOfExperts(_ one: Surplus, numbered: Bool) -> Bool {
    guard one.layer != nil, (one.expert != nil) == numbered else { return false }
    let isInModule =
      one.text.contains(".experts.") || one.text.hasPrefix("experts.")
      || layout.expertModules.contains { one.text.hasPrefix($0) }
      || layout.tensors.contains {
        $0.isOfExperts && $0.name.text == one.text.replacing("{e}.", with: "")
      }
    guard isInModule, !numbered else { return isInModule }
    let last = one.text.hasSuffix(".weight") ? one.text.dropLast(7) : one.text[...]
    let part = last.split(separator: ".").last ?? ""
    return part.hasSuffix("proj") || part.hasSuffix("projs")
      || ["w1", "w2", "w3", "w13", "w13_weight", "w2_weight"].contains(part)
  }

  /// Experts that are grouped where one tensor per expert is meant, or the other way round.
  private mutating func expertForms() {
    let (emptied, isNumbered) = (emptied, isNumbered)
    let found = surplus.filter { isOfExperts($0, numbered: !isNumbered) }
    let natives = layout.groups.map(\.name)
    for (isTwice, isNative) in [(false, true), (false, false), (true, false)] {
      let own = found.filter { one in
        one.layer.map { emptied.contains($0) } == !isTwice
          && (isTwice || natives.contains(one.text) == isNative)
      }
      let layers = Set(own.compactMap(\.layer))
      guard !layers.isEmpty else { continue }
      let names = Set(own.map(\.name))
      var keys = takeSurplus { names.contains($0.name) }
      if !isTwice {
        keys += takeMissing { $0.rule.isOfExperts && layers.contains($0.place.layer ?? -1) }
      }
      let place = sparsePlace(layers) + " ('\(own[0].text)')"
      let form = isNumbered ? "one tensor per expert" : "all experts of a layer in one tensor"
      if isTwice {
        add(
          .twice, "experts are there twice\(place): layout \(layout.name) has \(form)", keys,
          layers: Array(layers))
      } else if isNative {
        add(
          .native,
          "experts are in native form\(place), and layout \(layout.name) has \(form) on disk: "
            + "convert the checkpoint with --to hf", keys, layers: Array(layers))
      } else {
        add(
          isNumbered ? .grouped : .split,
          "experts are \(isNumbered ? "grouped" : "one tensor each") on disk\(place), and layout "
            + "\(layout.name) expects \(form)", keys, layers: Array(layers))
      }
    }
  }

  /// Gate and up of one expert in one tensor.
  private mutating func fusedHalves() {
    let halves = missing.filter { $0.rule.part == .gate || $0.rule.part == .up }
    let places = Set(halves.map { Place($0.place.layer, $0.place.expert) })
    let own = surplus.filter { one in
      guard places.contains(Place(one.layer, one.expert)), isOfExperts(one, numbered: true) else {
        return false
      }
      let last = one.text.split(separator: ".").suffix(2).joined(separator: ".")
      return last.contains("gate") && last.contains("up") || last.contains("w13")
    }
    guard isNumbered, !own.isEmpty else { return }
    let found = Set(own.map { Place($0.layer, $0.expert) })
    let names = Set(own.map(\.name))
    let keys =
      takeSurplus { names.contains($0.name) }
      + takeMissing {
        ($0.rule.part == .gate || $0.rule.part == .up)
          && found.contains(Place($0.place.layer, $0.place.expert))
      }
    let layers = Set(own.compactMap(\.layer))
    add(
      .fused,
      "gate and up of each expert are one tensor on disk\(sparsePlace(layers)) ('\(own[0].text)'), and "
        + "layout \(layout.name) expects two", keys, layers: Array(layers))
  }

  /// A layer and an expert, of which either may be absent.
  struct Place: Hashable, Comparable {
    let layer, expert: Int

    init(_ layer: Int?, _ expert: Int?) { (self.layer, self.expert) = (layer ?? -1, expert ?? -1) }

    static func < (one: Place, other: Place) -> Bool {
      (one.layer, one.expert) < (other.layer, other.expert)
    }
  }

  var expertField: String { layout.position(of: .experts).map { layout.sizes[$0].field } ?? "" }

  private mutating func missingExperts() {
    var gone: [Int: [Int: Int]] = [:]
    for one in missing where one.rule.name.hasExpert {
      gone[one.place.layer ?? -1, default: [:]][one.place.expert ?? -1, default: 0] += 1
    }
    var layersOf: [[Int]: [Int]] = [:]
    for (layer, experts) in gone {
      let parts = layout.tensors.filter { rule in
        rule.name.hasExpert && rule.kinds?.contains(config.kinds(ofLayer: layer)) ?? false
          && rule.isPresent(config.values(config.values(isGated: true), ofLayer: layer))
      }.count
      let whole = experts.filter { $0.value == parts }.keys.sorted()
      if !whole.isEmpty { layersOf[whole, default: []].append(layer) }
    }
    for (experts, layers) in layersOf.sorted(by: { ($0.value.min() ?? 0) < ($1.value.min() ?? 0) })
    {
      let all = Set(layers)
      let own = Set(experts)
      let keys = takeMissing {
        $0.rule.name.hasExpert && own.contains($0.place.expert ?? -1)
          && all.contains($0.place.layer ?? -1)
      }
      let count = config.expertCount
      let isTail = experts == Array(count - experts.count..<count) && experts.count < count
      let place = sparsePlace(all)
      let sentence =
        experts.count == count
        ? "there are no experts\(place.isEmpty ? " at all" : place)"
        : isTail && place.isEmpty
          ? "each layer has \(count - experts.count) experts, and \(expertField) is \(count)"
          : "\(Enumeration.ranges("expert", experts)) of \(count) "
            + "\(experts.count == 1 ? "is" : "are") missing\(place.isEmpty ? " in every layer" : place)"
      add(.missingExperts, sentence, keys, layers: layers)
    }
  }

  private mutating func surplusExperts() {
    let count = config.expertCount
    let isSurplus = { (one: Surplus) in
      guard let expert = one.key.expert, case .tensor(let rule) = one.key.subject else {
        return false
      }
      return one.layer != nil && expert >= count && self.layout.tensors[rule].name.hasExpert
    }
    let own = surplus.filter(isSurplus)
    guard !own.isEmpty else { return }
    let experts = own.compactMap(\.key.expert)
    let layers = Set(own.compactMap(\.layer))
    let names = Set(own.map(\.name))
    let place = sparsePlace(layers)
    add(
      .surplusExperts,
      "there \(Set(experts).count == 1 ? "is" : "are") \(Enumeration.ranges("expert", experts))"
        + "\(place.isEmpty ? " in every layer" : place), and \(expertField) is \(count)",
      takeSurplus { names.contains($0.name) }, layers: Array(layers))
  }
}
