// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Tensors

extension ModelConfig {
  /// Compares names, such as those of a published index, with the names that the config's checkpoints have on
  /// disk.
  ///
  /// - Parameter others: Gives configs of other layouts for the same model, of which one may fit.
  /// - Complexity: O(names).
  public func check(names: [TensorName], others: () -> [ModelConfig] = { [] }) -> NamesReport {
    var check = NamesCheck(self, names)
    check.explain()
    return check.report(others)
  }
}

/// What an index lacks and has too much, and the reasons found so far.
struct NamesCheck {
  /// A name that should be there.
  struct Missing {
    let place: TensorPlace
    let rule: TensorRule
    /// The name after the layer with `{e}` for the expert's number.
    var text: String { rule.name.text }
  }

  /// A name that should not be there.
  struct Surplus {
    let name: TensorName
    let layer: Int?
    /// The name after the layer with `{e}` for the first number; the whole name outside layers.
    let text: String
    let expert: Int?
    let key: LenientKey
  }

  let config: ModelConfig
  let names: [TensorName]
  var layout: Layout { config.layout }
  /// What the names of the model begin with.
  private(set) var prefix = ""
  private(set) var places: [TensorPlace] = []
  private(set) var expected: Set<TensorName> = []
  private let present: Set<TensorName>
  var missing: [Missing] = []
  var surplus: [Surplus] = []
  private(set) var causes: [NamesReport.Cause] = []
  private var companions: [(suffix: String, count: Int)] = []
  private var strangers: [TensorName] = []
  private var allMissing: [Missing] = []
  private var allSurplus: [Surplus] = []
  /// The experts of each kind of companion in each layer.
  private(set) var companionExperts: [CompanionKind: Set<Int>] = [:]

  /// Companions of one kind of weights in one layer.
  struct CompanionKind: Hashable {
    let rule: Int
    let suffix: String
    let layer: Int
  }

  init(_ config: ModelConfig, _ names: [TensorName]) {
    self.config = config
    self.names = names
    present = Set(names)
    prefix = config.layout.prefixes[0]
    readPrefix()
    places = config.tensorPlaces(config.values(isGated: true), under: prefix)
    compare()
  }

  /// Finds what the names of layers begin with, where that is none of the layout's prefixes, too.
  private mutating func readPrefix() {
    let counts = layout.prefixes.map { prefix in
      let start = layout.name(layout.layerStart, under: prefix)
      return names.count { $0.text.utf8.starts(with: start.utf8) }
    }
    if let most = counts.max(), most > 0, let position = counts.firstIndex(of: most) {
      prefix = layout.prefixes[position]
      return
    }
    var others: [String: Int] = [:]
    for name in names {
      let key = LenientKey(name, layout)
      if key.layer != nil, key.subject != .unknown { others[key.prefix, default: 0] += 1 }
    }
    guard let other = others.min(by: { ($1.value, $0.key) < ($0.value, $1.key) })?.key else {
      return
    }
    prefix = other
    add(
      .prefix,
      "names begin with '\(other)', and layout \(layout.name) has "
        + Enumeration.words(layout.prefixes.map { "'\($0)'" }),
      names.filter { $0.text.hasPrefix(other) }, layers: [])
  }

  private mutating func compare() {
    expected.reserveCapacity(places.count)
    for place in places { expected.insert(place.name) }
    missing = places.filter { !present.contains($0.name) }.map {
      Missing(place: $0, rule: layout.tensors[$0.rule])
    }
    for name in names where !expected.contains(name) {
      let key = LenientKey(name, layout)
      if case .companion(let rule, let suffix) = key.subject, key.isExact, key.prefix == prefix,
        isExpected(rule, key)
      {
        count(suffix)
        if let expert = key.expert, let layer = key.layer {
          companionExperts[CompanionKind(rule: rule, suffix: suffix, layer: layer), default: []]
            .insert(expert)
        }
        continue
      }
      let isOfModel = key.layerText != nil && key.prefix == prefix
      let (text, number) = Self.pattern(key.layerText == nil ? key.name.text : key.rest)
      let one = Surplus(
        name: key.name, layer: isOfModel ? key.layer : nil, text: isOfModel ? text : key.name.text,
        expert: isOfModel ? number : nil, key: key)
      if isOfModel || isNearModel(key) {
        surplus.append(one)
      } else {
        strangers.append(key.name)
      }
    }
    (allMissing, allSurplus) = (missing, surplus)
  }

  /// Whether the weight that a companion belongs to is the config's.
  private func isExpected(_ rule: Int, _ key: LenientKey) -> Bool {
    let name = layout.tensors[rule].name.name(expert: key.expert ?? 0)
    return expected.contains(TensorName((key.base ?? "") + name))
  }

  /// Whether a name outside the model's layers belongs to them nevertheless: prediction layers elsewhere, layers
  /// under a second prefix, companions of weights outside layers, and what replaces a missing name.
  private func isNearModel(_ key: LenientKey) -> Bool {
    if key.isOfPrediction { return true }
    if key.layerText != nil { return key.subject != .unknown }
    let module = String(key.name.text.upToLastDot)
    if expected.contains(TensorName(module + "weight")) { return true }
    return missing.contains { $0.place.layer == nil }
      && (key.name.text.hasPrefix(prefix) || !key.name.text.contains(".layers."))
      && key.name.text.split(separator: ".").count <= 3
  }

  private mutating func count(_ suffix: String) {
    let known = companions.firstIndex { $0.suffix == suffix }
    if known == nil { companions.append((suffix, 0)) }
    companions[known ?? companions.count - 1].count += 1
  }

  /// A name with `{e}` for its first number, and the number.
  private static func pattern(_ text: String) -> (text: String, number: Int?) {
    var parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard let position = parts.firstIndex(where: { LenientKey.number(String($0)) != nil }) else {
      return (text, nil)
    }
    let number = LenientKey.number(String(parts[position]))
    parts[position] = "{e}"
    return (parts.joined(separator: "."), number)
  }

  mutating func add(
    _ code: NamesReport.Cause.Code, _ sentence: String, _ keys: [TensorName], layers: [Int]
  ) {
    causes.append(
      NamesReport.Cause(
        code: code, sentence: sentence, keys: keys, layers: Set(layers).sorted()))
  }

  /// The result, once all has been explained.
  func report(_ others: () -> [ModelConfig]) -> NamesReport {
    // Another layout is worth a word where names differ in kind, not where some are missing.
    let kinds: [NamesReport.Cause.Code] = [
      .missing, .missingLayers, .surplusLayers, .missingExperts, .surplusExperts,
      .missingPrediction,
      .surplusPrediction, .companion, .companionIncomplete,
    ]
    let fitting =
      causes.contains { !kinds.contains($0.code) }
      ? others().filter { $0.mayHave(present) && $0.check(names: names).fits }.map(\.layout.name)
      : []
    var starts: [(start: String, count: Int)] = []
    for name in strangers {
      let start = name.text.split(separator: ".").prefix(2).joined(separator: ".")
      let known = starts.firstIndex { $0.start == start }
      if known == nil { starts.append((start, 0)) }
      starts[known ?? starts.count - 1].count += 1
    }
    return NamesReport(
      causes: causes, missing: allMissing.map(\.place.name), surplus: allSurplus.map(\.name),
      census: census, count: names.count, expectedCount: places.count, companions: companions,
      others: starts, fitting: fitting)
  }

  private var census: [NamesReport.CensusLine] {
    var counts: [Int: (expected: Int, missing: Int, surplus: Int)] = [:]
    for place in places { counts[place.layer ?? -1, default: (0, 0, 0)].expected += 1 }
    for one in allMissing { counts[one.place.layer ?? -1, default: (0, 0, 0)].missing += 1 }
    for one in allSurplus { counts[one.layer ?? -1, default: (0, 0, 0)].surplus += 1 }
    var result: [NamesReport.CensusLine] = []
    for (layer, count) in counts.sorted(by: { $0.key < $1.key }) {
      let line = NamesReport.CensusLine(
        layers: layer < 0 ? nil : layer...layer, expected: count.expected, missing: count.missing,
        surplus: count.surplus)
      guard let last = result.last, let range = last.layers, range.upperBound + 1 == layer,
        (last.expected, last.missing, last.surplus) == (line.expected, line.missing, line.surplus)
      else {
        result.append(line)
        continue
      }
      result[result.count - 1] = NamesReport.CensusLine(
        layers: range.lowerBound...layer, expected: last.expected, missing: last.missing,
        surplus: last.surplus)
    }
    return result
  }
}

extension ModelConfig {
  /// Whether some names have those of the first layer of each kind, with any of the layout's prefixes.
  fileprivate func mayHave(_ names: Set<TensorName>) -> Bool {
    layout.prefixes.contains { prefix in
      [LayerKind.dense, .sparse].allSatisfy { kind in
        guard let layer = layerKinds.firstIndex(of: kind) else { return true }
        let own = values(values(isGated: true), ofLayer: layer)
        let start = layout.start(ofLayer: layer, under: prefix)
        return layout.tensors.allSatisfy { rule in
          rule.kinds?.contains(kinds(ofLayer: layer)) != true || !rule.isPresent(own)
            || names.contains(TensorName(start + rule.name.name(expert: 0)))
        }
      }
    }
  }
}

extension LenientKey {
  /// Whether a part of the name says that it is of prediction layers outside the model's.
  var isOfPrediction: Bool {
    name.text.split(separator: ".").contains { $0 == "mtp" || $0.hasPrefix("mtp_") }
  }
}

extension NamePattern {
  /// The name with `{e}` for an expert's number.
  var text: String { end.map { "\(start){e}\($0)" } ?? start }
}

extension String {
  /// All up to the last dot, which is included.
  var upToLastDot: Substring { lastIndex(of: ".").map { self[...$0] } ?? "" }
}
