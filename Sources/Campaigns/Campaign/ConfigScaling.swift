// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import Adapters
import Layouts

/// Configs with the relations of another and some of its numbers, small enough for their checkpoints
/// to be made and checked.
struct ConfigScaling {
  let config: ModelConfig

  /// The most tensors of experts in one checkpoint.
  private static let mostExpertTensors = 1 << 17
  /// The most elements of expert weights in one checkpoint of the config's widths.
  private static let mostElements = 1 << 26

  /// All experts in one sparse layer beside the prediction layers; all layers with few experts;
  /// and both together if that is not too much.
  var exactCounts: [ModelConfig] {
    let sparse = config.layerKinds.count { $0 == .sparse } + config.mtpLayerCount
    let isSmall = 3 * sparse * config.expertCount <= Self.mostExpertTensors
    let variants = [
      small(experts: config.expertCount, layers: fewLayers),
      small(experts: min(3, config.expertCount), layers: config.layerKinds),
      isSmall ? small(experts: config.expertCount, layers: config.layerKinds) : nil,
    ]
    var result: [ModelConfig] = []
    for variant in variants.compactMap(\.self) where !result.contains(variant) {
      result.append(variant)
    }
    return result
  }

  /// One sparse layer of few experts at the config's widths, if that is not too much.
  var exactWidths: [ModelConfig] {
    let matrix = config.hiddenSize * config.moeIntermediateSize
    let experts = min(2, config.expertCount, Self.mostElements / (3 * matrix))
    guard experts > 0 else { return [] }
    let variant = changed(
      hidden: config.hiddenSize, moeIntermediate: config.moeIntermediateSize, experts: experts,
      layers: [.sparse], mtpLayers: 0)
    return variant.map { [$0] } ?? []
  }

  /// One sparse layer with all experts at the config's widths.
  var fullLayer: ModelConfig? {
    changed(
      hidden: config.hiddenSize, moeIntermediate: config.moeIntermediateSize,
      experts: config.expertCount, layers: [.sparse], mtpLayers: 0)
  }

  /// One layer for each that differs: dense ones that stand first, and a sparse one.
  private var fewLayers: [LayerKind] {
    let dense = min(2, config.layerKinds.prefix { $0 == .dense }.count)
    let hasSparse = config.layerKinds.contains(.sparse)
    return Array(repeating: .dense, count: dense) + (hasSparse ? [.sparse] : [])
  }

  private func small(experts: Int, layers: [LayerKind]) -> ModelConfig? {
    let (hidden, intermediate) = smallWidths
    return changed(
      hidden: hidden, moeIntermediate: intermediate, experts: experts, layers: layers,
      mtpLayers: config.mtpLayerCount)
  }

  /// Widths in the proportion of the config's, or at least in its relation.
  private var smallWidths: (hidden: Int, moeIntermediate: Int) {
    let (hidden, intermediate) = (config.hiddenSize, config.moeIntermediateSize)
    let divisor = Self.greatestCommonDivisor(hidden, intermediate)
    if max(hidden, intermediate) / divisor <= 8 {
      let (one, other) = (hidden / divisor, intermediate / divisor)
      return one > 1 && other > 1 ? (one, other) : (2 * one, 2 * other)
    }
    return intermediate < hidden ? (5, 3) : (3, 5)
  }

  private static func greatestCommonDivisor(_ one: Int, _ other: Int) -> Int {
    other == 0 ? one : greatestCommonDivisor(other, one % other)
  }

  private func changed(
    hidden: Int, moeIntermediate: Int, experts: Int, layers: [LayerKind], mtpLayers: Int
  ) -> ModelConfig? {
    let layout = config.layout
    let isShared = config.keyValueHeadCount < config.attentionHeadCount
    let keys = isShared && config.keyValueHeadCount == 1 ? 1 : 2
    func small(_ rule: SizeRule, _ value: Int) -> Int {
      switch SizeSymbol(rawValue: rule.symbol) {
      case .hidden: hidden
      case .intermediate: moeIntermediate
      case .experts: experts
      case .vocabulary: 3
      case .sharedExperts: value
      case .heads: isShared ? 2 * keys : keys
      case .keyValueHeads: keys
      case .headSize: 1
      // Whether it is zero may decide which tensors there are.
      case .denseIntermediate, nil: min(value, 2)
      }
    }
    var sizes: [String: Int] = [:]
    for (rule, value) in zip(layout.sizes, config.sizes) {
      if case .fields = rule.source { sizes[rule.symbol] = small(rule, value) }
    }
    // Layers with sizes of their own keep some that differ.
    let variant = ModelConfig.Variant(
      layers: config.variant.layers.filter { $0 < layers.count + mtpLayers },
      sizes: Dictionary(
        uniqueKeysWithValues: config.variant.sizes.map { position, value in
          let rule = layout.sizes[position]
          let differs = value != config.sizes[position]
          return (position, small(rule, value) * (differs ? 2 : 1))
        }))
    return try? ModelConfig(
      layout, sizes: sizes,
      flags: Dictionary(
        uniqueKeysWithValues: zip(layout.flags, config.flags).map { ($0.name, $1) }),
      layerKinds: layers, denseKinds: config.denseKinds, mtpLayerCount: mtpLayers,
      variant: variant.layers.isEmpty ? ModelConfig.Variant() : variant, dtype: config.dtype)
  }
}
