// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Tensors

extension NamesCheck {
  private var predictionClause: String {
    layout.layers.prediction.map { "\($0.field) is \(config.mtpLayerCount)" }
      ?? "layout \(layout.name) has none"
  }

  /// Prediction layers that are not after the decoder layers.
  mutating func predictionElsewhere() {
    let own = surplus.filter { $0.layer == nil && $0.key.isOfPrediction }
    guard let first = own.first else { return }
    let names = Set(own.map(\.name))
    let start = first.name.text.split(separator: ".").prefix {
      LenientKey.number(String($0)) == nil
    }.joined(separator: ".")
    var keys = takeSurplus { names.contains($0.name) }
    let (count, stored) = (config.hiddenLayerCount, config.storedLayerCount)
    keys += takeMissing { ($0.place.layer ?? -1) >= count }
    let clause =
      config.mtpLayerCount > 0
      ? "layout \(layout.name) has them as \(Enumeration.ranges("layer", Array(count..<stored)))"
      : predictionClause
    add(
      .predictionElsewhere, "prediction (MTP) layers are under '\(start).', and \(clause)", keys,
      layers: Array(count..<stored))
  }

  /// Numbers with leading zeros and the like.
  mutating func spelling() {
    let absent = Set(missing.map(\.place.name))
    var plain: [TensorName: TensorName] = [:]
    for one in surplus {
      let parts = one.name.text.split(separator: ".", omittingEmptySubsequences: false)
        .map { part in LenientKey.number(String(part)).map { "\($0)" } ?? String(part) }
      let name = TensorName(parts.joined(separator: "."))
      if name != one.name, absent.contains(name) { plain[one.name] = name }
    }
    guard !plain.isEmpty else { return }
    let meant = Set(plain.values)
    let keys = takeSurplus { plain[$0.name] != nil } + takeMissing { meant.contains($0.place.name) }
    add(
      .spelling, "numbers are written otherwise than in config and layout, such as in '\(keys[0])'",
      keys, layers: [])
  }

  /// Layers that are dense where the config has experts, and the other way round.
  mutating func layerKinds() {
    var found: [LayerKind: Set<Int>] = [:]
    for one in surplus {
      guard let layer = one.layer, layer < config.hiddenLayerCount,
        case .tensor(let rule) = one.key.subject,
        let kinds = layout.tensors[rule].kinds, !kinds.contains(config.kinds(ofLayer: layer)),
        kinds.contains(.dense) != kinds.contains(.sparse)
      else { continue }
      found[kinds.contains(.sparse) ? .sparse : .dense, default: []].insert(layer)
    }
    let fields = layout.layers.patterns.compactMap(\.field)
    for kind in [LayerKind.dense, .sparse] {
      guard let layers = found[kind] else { continue }
      let keys =
        takeSurplus { layers.contains($0.layer ?? -1) }
        + takeMissing { layers.contains($0.place.layer ?? -1) && $0.rule.kinds != .all }
      let have = layers.count == 1 ? "has" : "have"
      add(
        .layerKind,
        "\(Enumeration.ranges("layer", Array(layers))) \(have) \(kind == .sparse ? "experts" : "no experts"), and by "
          + "\(Enumeration.words(fields)) the config says \(kind == .sparse ? "none" : "some")",
        keys, layers: Array(layers))
    }
  }

  /// Layers of which nothing is there, or of which the config knows nothing.
  mutating func wholeLayers() {
    var (all, gone) = ([Int: Int](), [Int: Int]())
    for place in places { all[place.layer ?? -1, default: 0] += 1 }
    for one in missing { gone[one.place.layer ?? -1, default: 0] += 1 }
    let absent = gone.filter { $0.key >= 0 && $0.value == all[$0.key] }.keys.sorted()
    let (count, stored) = (config.hiddenLayerCount, config.storedLayerCount)
    let field = layout.layers.countField
    let decoder = absent.filter { $0 < count }
    if !decoder.isEmpty {
      let keys = takeMissing { decoder.contains($0.place.layer ?? -1) }
      let isTail = decoder.first.map { decoder == Array($0..<count) } ?? false
      add(
        .missingLayers,
        isTail
          ? "there are \(count - decoder.count) decoder layers, and \(field) is \(count)"
          : "\(Enumeration.ranges("layer", decoder)) \(decoder.count == 1 ? "is" : "are") missing, and \(field) is "
            + "\(count)", keys, layers: decoder)
    }
    let prediction = absent.filter { $0 >= count }
    if !prediction.isEmpty {
      let keys = takeMissing { prediction.contains($0.place.layer ?? -1) }
      add(
        .missingPrediction,
        "prediction (MTP) \(Enumeration.ranges("layer", prediction)) \(prediction.count == 1 ? "is" : "are") missing, and "
          + predictionClause, keys, layers: prediction)
    }
    let own = surplus.filter { ($0.layer ?? -1) >= stored }
    let predicting = Set(own.filter(isOfPrediction).compactMap(\.layer))
    for (isPrediction, layers) in [
      (true, predicting), (false, Set(own.compactMap(\.layer)).subtracting(predicting)),
    ] where !layers.isEmpty {
      let keys = takeSurplus { layers.contains($0.layer ?? -1) }
      let be = layers.count == 1 ? "is" : "are"
      add(
        isPrediction ? .surplusPrediction : .surplusLayers,
        isPrediction
          ? "there \(be) prediction (MTP) \(Enumeration.ranges("layer", Array(layers))), and \(predictionClause)"
          : "there \(be) \(Enumeration.ranges("layer", Array(layers))), and \(field) is \(count)",
        keys, layers: Array(layers))
    }
  }

  private func isOfPrediction(_ one: Surplus) -> Bool {
    one.key.tensor.map { layout.tensors[$0].kinds == .mtp } ?? false
  }
}
