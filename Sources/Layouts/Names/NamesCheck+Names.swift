// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Tensors

extension NamesCheck {
  /// The name of the weight that a surplus name is a companion of or replaces, and what it has instead.
  private func weight(_ one: Surplus) -> (name: TensorName, suffix: String)? {
    let text = one.name.text
    let module = String(text.upToLastDot)
    let weight = TensorName(module + "weight")
    if expected.contains(weight) { return (weight, String(text.dropFirst(module.count))) }
    // Experts in one tensor have no module of their own, and the suffix follows their name.
    var rest = text[...]
    while let end = rest.lastIndex(of: "_"), end > (rest.lastIndex(of: ".") ?? rest.startIndex) {
      rest = rest[..<end]
      let name = TensorName(String(rest))
      if expected.contains(name) { return (name, String(text[end...])) }
    }
    return nil
  }

  /// Weights that another tool has packed.
  mutating func packed() {
    let absent = Set(missing.map(\.place.name))
    let meant = surplus.map { weight($0) }
    var (weights, tool): (Set<TensorName>, String?) = ([], nil)
    for case (let one, let (name, _)?) in zip(surplus, meant) where absent.contains(name) {
      guard let packer = WeightPacker.of(one.name) else { continue }
      weights.insert(name)
      tool = tool ?? packer.tool
    }
    guard let tool else { return }
    let whole = layersOf(weights)
    var (suffixes, own): ([String], Set<TensorName>) = ([], [])
    for (one, meant) in zip(surplus, meant) {
      guard let (name, suffix) = meant, weights.contains(name) else { continue }
      own.insert(one.name)
      if !suffixes.contains(suffix) { suffixes.append(suffix) }
    }
    let keys =
      takeSurplus { own.contains($0.name) } + takeMissing { weights.contains($0.place.name) }
    add(
      .packed,
      "weights are packed by \(tool): there \(suffixes.count == 1 ? "is" : "are") "
        + "\(Enumeration.words(suffixes.map { "'\($0)'" })) and no "
        + (suffixes[0].hasPrefix("_") ? "weight itself" : "'weight'"), keys, layers: whole)
  }

  private func layersOf(_ names: Set<TensorName>) -> [Int] {
    missing.filter { names.contains($0.place.name) }.compactMap(\.place.layer)
  }

  /// Tensors beside weights that the layout knows nothing of.
  mutating func unknownCompanions() {
    var counts: [String: Int] = [:]
    var names: Set<TensorName> = []
    var layers: Set<Int> = []
    for one in surplus {
      guard let (_, suffix) = weight(one), suffix != "bias", suffix != "_bias" else { continue }
      counts[suffix, default: 0] += 1
      names.insert(one.name)
      if let layer = one.layer { layers.insert(layer) }
    }
    guard !names.isEmpty else { return }
    let list = counts.sorted { $0.key < $1.key }.map { "'\($0.key)' of \($0.value) weights" }
    let known = layout.companions.map { "'\($0)'" }
    add(
      .companion,
      "weights have companions that layout \(layout.name) does not know: \(Enumeration.words(list))"
        + (known.isEmpty ? "; it knows none" : "; it knows \(Enumeration.words(known))"),
      takeSurplus { names.contains($0.name) }, layers: Array(layers))
  }

  /// Companions that only some experts of a layer have.
  mutating func incompleteCompanions() {
    struct Kind: Hashable {
      let suffix: String
      let layer: Int
    }
    var kinds: [Kind: [Int: Set<Int>]] = [:]
    for (kind, experts) in companionExperts {
      kinds[Kind(suffix: kind.suffix, layer: kind.layer), default: [:]][kind.rule] = experts
    }
    var keys: [(suffix: String, layer: Int, name: TensorName)] = []
    for (kind, experts) in kinds {
      for (position, rule) in layout.tensors.enumerated()
      where rule.name.hasExpert && rule.kinds?.contains(config.kinds(ofLayer: kind.layer)) ?? false
      {
        guard let name = rule.name.replacingWeight(by: kind.suffix) else { continue }
        for expert in 0..<config.expertCount where experts[position]?.contains(expert) != true {
          let start = layout.start(ofLayer: kind.layer, under: prefix)
          keys.append((kind.suffix, kind.layer, TensorName(start + name.name(expert: expert))))
        }
      }
    }
    guard !keys.isEmpty else { return }
    keys.sort { ($0.layer, $0.name) < ($1.layer, $1.name) }
    let suffixes = Set(keys.map(\.suffix)).sorted()
    add(
      .companionIncomplete,
      "\(Enumeration.words(suffixes.map { "'\($0)'" })) is missing beside \(keys.count) weights of experts in "
        + "\(Enumeration.ranges("layer", keys.map(\.layer))), where other experts have it",
      keys.map(\.name), layers: keys.map(\.layer))
  }

  /// What is missing and what is surplus, by their texts and places.
  private func byText() -> (missing: [String: Set<Place>], surplus: [String: Set<Place>]) {
    var result: (missing: [String: Set<Place>], surplus: [String: Set<Place>]) = ([:], [:])
    for one in missing {
      result.missing[one.renamingText, default: []].insert(Place(one.place.layer, one.place.expert))
    }
    for one in surplus {
      result.surplus[one.text, default: []].insert(Place(one.layer, one.expert))
    }
    return result
  }

  /// Tensors that have another name in all places where they should be.
  mutating func renames() {
    let (gone, found) = byText()
    var pairs: [(old: String, new: String, likeness: Int)] = []
    for (old, places) in gone {
      for (new, others) in found where places == others {
        pairs.append((old, new, Self.likeness(old, new)))
      }
    }
    pairs.sort { ($1.likeness, $0.old, $0.new) < ($0.likeness, $1.old, $1.new) }
    var (olds, news): (Set<String>, Set<String>) = ([], [])
    var words: [String] = []
    for pair in pairs
    where !olds.contains(pair.old) && !news.contains(pair.new) && pair.likeness > 0 {
      olds.insert(pair.old)
      news.insert(pair.new)
      let (old, new) = Self.differing(pair.old, pair.new)
      let word = "'\(old)' is called '\(new)'"
      if !words.contains(word) { words.append(word) }
    }
    guard !olds.isEmpty else { return }
    let layers = olds.flatMap { gone[$0]?.map(\.layer) ?? [] }.filter { $0 >= 0 }
    let keys =
      takeSurplus { news.contains($0.text) } + takeMissing { olds.contains($0.renamingText) }
    let shown = words.count > 4 ? words.prefix(3) + ["\(words.count - 3) more are"] : words[...]
    add(.renamed, "names differ: \(Enumeration.words(Array(shown)))", keys, layers: layers)
  }

  /// How alike two names are: common characters at both ends, and what experts' projections are called
  /// elsewhere.
  private static func likeness(_ one: String, _ other: String) -> Int {
    let start = zip(one, other).prefix { $0 == $1 }.count
    let end = zip(one.reversed(), other.reversed()).prefix { $0 == $1 }.count
    let aliases = [("gate_proj", "w1"), ("up_proj", "w3"), ("down_proj", "w2")]
    let isAlias = aliases.contains {
      one.contains($0.0) && other.contains(".\($0.1).")
        || other.contains($0.0) && one.contains(".\($0.1).")
    }
    return start + end + (isAlias ? 100 : 0)
  }

  /// Two names without the components that both have at the end, of which two stay at least.
  private static func differing(_ one: String, _ other: String) -> (String, String) {
    var (left, right) = (one.split(separator: "."), other.split(separator: "."))
    while left.count > 2, right.count > 2, left.last == right.last {
      left.removeLast()
      right.removeLast()
    }
    return (left.joined(separator: "."), right.joined(separator: "."))
  }

  /// Several tensors that are one on disk, or one that is several.
  mutating func joins() {
    let (gone, found) = byText()
    for (one, isJoined) in gone.keys.sorted().map({ ($0, false) })
      + found.keys.sorted().map({ ($0, true) })
    {
      let (own, others) = isJoined ? (found, gone) : (gone, found)
      let parts = others.filter { $0.value == own[one] && Self.module($0.key) == Self.module(one) }
        .keys.sorted()
      let alike = own.keys.filter { own[$0] == own[one] && Self.module($0) == Self.module(one) }
      guard parts.count > 1, alike.count == 1 else { continue }
      let texts = Set(parts)
      let layers = own[one]?.map(\.layer).filter { $0 >= 0 } ?? []
      let keys =
        takeSurplus { isJoined ? $0.text == one : texts.contains($0.text) }
        + takeMissing { isJoined ? texts.contains($0.renamingText) : $0.renamingText == one }
      guard !keys.isEmpty else { continue }
      let list = Enumeration.words(parts.map { "'\($0)'" })
      add(
        .joined,
        isJoined ? "'\(one)' replaces \(list)" : "\(list) replace '\(one)'",
        keys,
        layers: layers)
    }
  }

  /// All but the last component of a name that is not `weight` or `bias`.
  private static func module(_ text: String) -> String {
    var parts = text.split(separator: ".")
    if let last = parts.last, ["weight", "bias"].contains(last) { parts.removeLast() }
    return parts.dropLast().joined(separator: ".")
  }

  /// What nothing else explains, by layers.
  mutating func rest() {
    let (gone, found) = byText()
    for (places, texts) in Self.grouped(gone) {
      let keys = takeMissing { texts.contains($0.renamingText) }
      let rules = layout.tensors.filter { texts.contains($0.name.text) }
      add(
        .missing,
        "\(quoted(texts)) \(texts.count == 1 ? "is" : "are") missing"
          + place(places) + reason(rules), keys, layers: places.map(\.layer).filter { $0 >= 0 })
    }
    for (places, texts) in Self.grouped(found) {
      let own = surplus.filter { texts.contains($0.text) }
      let rules = own.prefix(1).compactMap { $0.key.tensor.map { layout.tensors[$0] } }
      let keys = takeSurplus { texts.contains($0.text) }
      let isKnown = !rules.isEmpty
      add(
        .surplus,
        (isKnown ? "there is " : "layout \(layout.name) does not know ")
          + quoted(texts) + place(places) + reason(rules), keys,
        layers: places.map(\.layer).filter { $0 >= 0 })
    }
  }

  /// Texts with the same places, in the order of their first place.
  private static func grouped(_ texts: [String: Set<Place>]) -> [(places: [Place], texts: [String])]
  {
    var result: [[Place]: [String]] = [:]
    for (text, places) in texts { result[places.sorted(), default: []].append(text) }
    return result.map { ($0.key, $0.value.sorted()) }.sorted {
      ($0.0.first ?? Place(nil, nil), $0.1[0]) < ($1.0.first ?? Place(nil, nil), $1.1[0])
    }
  }

  private func place(_ places: [Place]) -> String {
    let layers = places.map(\.layer).filter { $0 >= 0 }
    guard !layers.isEmpty else { return "" }
    let experts = Set(places.map(\.expert).filter { $0 >= 0 })
    let ofExperts =
      experts.isEmpty || experts.count == config.expertCount
      ? "" : " of \(Enumeration.ranges("expert", experts))"
    return "\(ofExperts) in "
      + (Set(layers).count == config.storedLayerCount
        ? "every layer" : Enumeration.ranges("layer", layers))
  }

  /// What of the config says that tensors are there or are not.
  private func reason(_ rules: [TensorRule]) -> String {
    let flags = Set(rules.flatMap { $0.condition.mentionedFlags }).sorted()
    let texts = flags.map { "\(layout.flags[$0].field) is \(config.flags[$0])" }
    let sizes = Set(rules.flatMap { $0.condition.mentionedSizes }).sorted().filter {
      if case .fields = layout.sizes[$0].source { true } else { false }
    }
    let all = texts + sizes.map { "\(layout.sizes[$0].field) is \(config.sizes[$0])" }
    return all.isEmpty ? "" : ", and \(Enumeration.words(all))"
  }
}

/// Texts in quotes, the first few of many.
private func quoted(_ texts: [String]) -> String {
  Enumeration.words(texts.map { "'\($0)'" }, most: 4)
}

extension NamesCheck.Missing {
  /// What the name is compared by: the whole of it outside layers.
  fileprivate var renamingText: String { place.layer == nil ? place.name.text : text }
}
