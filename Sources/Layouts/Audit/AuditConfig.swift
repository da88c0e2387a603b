// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// A small config that a table is evaluated for.
struct AuditConfig: Sendable {
  let config: ModelConfig
  let isGated: Bool

  /// The values for a layer, or for what is outside layers.
  func values(ofLayer layer: Int?) -> LayoutValues {
    let values = config.values(isGated: isGated)
    return layer.map { config.values(values, ofLayer: $0) } ?? values
  }

  /// One layer of each class, and none for what is outside layers.
  var layers: [Int?] {
    var classes: Set<LayerClass> = []
    return [nil]
      + (0..<config.storedLayerCount).filter { classes.insert(config.layerClass($0)).inserted }
  }

  /// The positions of the rules of a layer, or of what is outside layers, that the config meets.
  func rules(ofLayer layer: Int?) -> [Int] {
    let values = values(ofLayer: layer)
    let kinds = layer.map { config.kinds(ofLayer: $0) }
    return config.layout.tensors.indices.filter { position in
      let rule = config.layout.tensors[position]
      let isHere = kinds.map { rule.kinds?.contains($0) == true } ?? (rule.kinds == nil)
      return isHere && rule.isPresent(values)
    }
  }
}

extension AuditConfig {
  private static let mostFlagCombinations = 256

  /// Configs whose sizes differ from each other and from draw to draw.
  static func drawn(for layout: Layout) -> [AuditConfig] {
    var result: [AuditConfig] = []
    for draw in draws(layout) {
      guard let config = try? config(layout, draw) else { continue }
      result.append(AuditConfig(config: config, isGated: draw.isGated))
    }
    return result
  }

  /// Why the first draw is no config, or nil if it is one.
  static func refusal(of layout: Layout) -> String? {
    guard let draw = draws(layout).first else { return nil }
    do throws(ConfigError) {
      _ = try config(layout, draw)
      return nil
    } catch {
      return "\(error)"
    }
  }

  private struct Draw {
    let sizes: [String: Int]
    let flags: [String: Bool]
    let isGated: Bool
    let isVariant: Bool
  }

  /// Sizes from a few numbers: small ones, those with many divisors, and those around constants of conditions.
  private static func draws(_ layout: Layout) -> [Draw] {
    let constants = Set(layout.tensors.flatMap { $0.condition.constants })
    let around = constants.flatMap { [$0 - 1, $0, $0 + 1] }.filter { 0...64 ~= $0 }
    let pools: [[Int]] = [
      [3, 5, 2, 7, 4, 6], [2, 3, 4, 5, 6, 7], [4, 2, 6, 12, 24, 8], [1, 2, 3], [7, 5, 3, 2],
      Array(Set(around + [1, 2])).sorted(), [12, 24, 60, 120, 48],
    ]
    var result: [Draw] = []
    let flagCount = layout.flags.count
    let combinations = flagCount < 9 ? 1 << flagCount : mostFlagCombinations
    for combination in 0..<combinations {
      var flags: [String: Bool] = [:]
      for (position, flag) in layout.flags.enumerated() {
        // Beyond the limit, single flags and pairs of them are what combinations differ in.
        let isOn =
          flagCount < 9
          ? combination >> position & 1 == 1
          : (combination / 16) % flagCount == position || combination % 16 == position
        flags[flag.name] = isOn != flag.fallback
      }
      for shift in 0..<(combinations > 16 ? 2 : 4) {
        for isGated in layout.hasGateOption ? [true, false] : [true] {
          let pool = pools[(combination * 3 + shift) % pools.count]
          result.append(
            Draw(
              sizes: sizes(layout, pool, shift + combination), flags: flags, isGated: isGated,
              isVariant: (combination + shift) % 2 == 1))
        }
      }
    }
    // Every pool and rotation once with the usual flags, for conditions on sizes.
    for pool in pools {
      for shift in 0..<pool.count {
        result.append(
          Draw(
            sizes: sizes(layout, pool, shift), flags: [:], isGated: true,
            isVariant: shift % 2 == 1))
      }
    }
    return result
  }

  private static func sizes(_ layout: Layout, _ pool: [Int], _ shift: Int) -> [String: Int] {
    var sizes: [String: Int] = [:]
    for (position, rule) in layout.sizes.enumerated() {
      guard case .fields = rule.source else { continue }
      // Experts stay few: each is placed element by element.
      let value = pool[(position + shift) % pool.count]
      let isZero = rule.least == 0 && (position + shift) % 3 == 0
      sizes[rule.symbol] =
        rule.symbol == SizeSymbol.experts.rawValue
        ? max(1, value % 5) : isZero ? 0 : max(rule.least, value)
    }
    return sizes
  }

  private static func config(_ layout: Layout, _ draw: Draw) throws(ConfigError) -> ModelConfig {
    let most = layout.tensors.flatMap { $0.condition.constants }.filter { $0 < 64 }.max() ?? 0
    // As many dense ones below as there are names for their kinds.
    let count = max(layout.hasLayerConditions ? most + 3 : 3, 4 * layout.layers.denseNames.count)
    let isMixed = layout.layers.patterns != [.all]
    let kinds = (0..<count).map { layer -> LayerKind in
      isMixed && (layer == 0 || layer % 4 == 3) ? .dense : .sparse
    }
    // The first of the patterns alone may be unable to say so.
    let asFirst = layout.layers.patterns.allSatisfy { if case .from = $0 { true } else { false } }
    let written = asFirst ? kinds.indices.map { $0 == 0 ? .dense : .sparse } : kinds
    var variant = ModelConfig.Variant()
    if draw.isVariant, layout.variant != nil {
      let positions = layout.sizes.indices.filter { layout.sizes[$0].variant != nil }
      variant = ModelConfig.Variant(
        layers: [1], sizes: Dictionary(uniqueKeysWithValues: positions.map { ($0, 8 + $0) }))
    }
    return try ModelConfig(
      layout, sizes: draw.sizes, flags: draw.flags, layerKinds: written,
      mtpLayerCount: layout.layers.prediction == nil ? 0 : 1, variant: variant)
  }
}
