// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Layouts
import Tensors

/// The facts of a config, to be changed.
struct ConfigDraft {
  /// The values of sizes that have fields, by symbol.
  var sizes: [String: Int] = [:]
  /// The values of flags, by name.
  var flags: [String: Bool] = [:]
  var layers: [LayerKind]
  var denseKinds: [Int]
  var mtpLayers: Int
  var variant: ModelConfig.Variant
  var dtype: DType
  private let original: ModelConfig

  init(_ config: ModelConfig) {
    original = config
    layers = config.layerKinds
    denseKinds = config.denseKinds
    mtpLayers = config.mtpLayerCount
    variant = config.variant
    dtype = config.dtype
    for (rule, size) in zip(config.layout.sizes, config.sizes) where rule.hasField {
      sizes[rule.symbol] = size
    }
    for (rule, flag) in zip(config.layout.flags, config.flags) { flags[rule.name] = flag }
  }

  /// Changes a size; nothing if the layout has none of that symbol.
  mutating func add(_ step: Int, to symbol: String) {
    if let size = sizes[symbol] { sizes[symbol] = size + step }
  }

  /// Changes a flag; nothing if the layout has none of that name.
  mutating func set(_ flag: String, _ value: Bool) {
    if flags[flag] != nil { flags[flag] = value }
  }

  /// The config.
  ///
  /// - Throws: `ConfigError` naming the field that is out of range.
  func made() throws(ConfigError) -> ModelConfig {
    let stored = layers.count + mtpLayers
    let layersOfVariant = variant.layers.filter { $0 < stored }
    return try ModelConfig(
      original.layout, sizes: sizes, flags: flags, layerKinds: layers,
      denseKinds: denseKinds, mtpLayerCount: mtpLayers,
      variant: layersOfVariant.isEmpty
        ? .init() : .init(layers: layersOfVariant, sizes: variant.sizes),
      dtype: dtype)
  }

  /// The config, or nil if it is the original one or none that `config.json` can state.
  var config: ModelConfig? {
    guard let made = try? made(), made != original, layout.canState(layers) else { return nil }
    return made
  }

  private var layout: Layout { original.layout }
}

extension SizeRule {
  /// Whether a config states the size.
  var hasField: Bool {
    if case .fields = source { true } else { false }
  }
}

extension Layout {
  /// Whether a config can say that its layers are of these kinds.
  func canState(_ kinds: [LayerKind]) -> Bool {
    layers.patterns.contains { pattern in
      switch pattern {
      case .all: !kinds.contains(.dense)
      case .from: !kinds.drop { $0 == .dense }.contains(.dense)
      case .kinds, .except, .only: true
      }
    }
  }
}

extension ModelConfig {
  /// The same config with another number of multi-token prediction layers.
  ///
  /// - Throws: `ConfigError` if the number is out of range.
  public func with(mtpLayerCount: Int) throws(ConfigError) -> ModelConfig {
    var draft = ConfigDraft(self)
    draft.mtpLayers = mtpLayerCount
    return try draft.made()
  }

  /// The same config with another width of the residual stream.
  ///
  /// - Throws: `ConfigError` if the width is out of range.
  public func with(hiddenSize: Int) throws(ConfigError) -> ModelConfig {
    var draft = ConfigDraft(self)
    draft.sizes[SizeSymbol.hidden.rawValue] = hiddenSize
    return try draft.made()
  }
}
