// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Layouts
public import Tensors

/// A tensor on disk that layers of one class have.
struct LayerTensor: Sendable {
  /// What follows the layer's number in its key.
  let rest: String
  let dtype: DType
  let shape: Shape
  /// The position of its rule in the layout.
  let rule: Int
  /// The expert that its name has, if it has one.
  let expert: Int?

  func info(after start: String) -> TensorInfo {
    TensorInfo(TensorName(start + rest), dtype, shape)
  }
}

/// The tensors that a whole checkpoint of a config has on disk, one file-independent list.
public struct ModelSchema: Sendable {
  let config: ModelConfig
  /// What sizes and conditions are evaluated with outside layers.
  let values: LayoutValues
  private let prefix: String
  /// The tensors of layers, listed once for all layers of a class.
  private var layers: [LayerClass: [LayerTensor]] = [:]

  /// Creates the schema of a config whose keys start with a prefix.
  public init(
    _ config: ModelConfig, prefix: ModelPrefix = .model, activation: ExpertActivation = .swiglu
  ) {
    self.init(config, prefix: prefix, isGated: activation.isGated)
  }

  init(_ config: ModelConfig, prefix: ModelPrefix, isGated: Bool) {
    self.config = config
    self.prefix = prefix.text(in: config.layout)
    values = config.values(isGated: isGated)
    for layer in 0..<config.storedLayerCount {
      let layerClass = config.layerClass(layer)
      if layers[layerClass] == nil { layers[layerClass] = list(layer) }
    }
  }

  /// All tensors: those before the layers, decoder and multi-token prediction layers, those after.
  ///
  /// - Complexity: O(tensors); the shapes of a checked config cannot overflow.
  public func tensors(includingMTP: Bool = true) -> [TensorInfo] {
    let layerCount = includingMTP ? config.storedLayerCount : config.hiddenLayerCount
    var result = outside(afterLayers: false)
    for layer in 0..<layerCount {
      let start = start(ofLayer: layer)
      for tensor in self[layer] { result.append(tensor.info(after: start)) }
    }
    return result + outside(afterLayers: true)
  }

  /// What the keys of a layer start with.
  func start(ofLayer layer: Int) -> String {
    config.layout.start(ofLayer: layer, under: prefix)
  }

  /// The tensors of a stored layer.
  subscript(layer: Int) -> [LayerTensor] { layers[config.layerClass(layer)] ?? [] }

  /// The tensors outside layers.
  func outside(afterLayers: Bool) -> [TensorInfo] {
    config.layout.tensors.compactMap { rule in
      guard rule.kinds == nil, rule.isAfterLayers == afterLayers, rule.isPresent(values),
        let shape = shape(of: rule, values)
      else { return nil }
      let name = config.layout.name(rule.name.start, under: prefix)
      return TensorInfo(TensorName(name), rule.dtype ?? config.dtype, shape)
    }
  }

  private func list(_ layer: Int) -> [LayerTensor] {
    let values = config.values(values, ofLayer: layer)
    let kinds = config.kinds(ofLayer: layer)
    let tensors = config.layout.tensors
    // Tensors whose names have an expert's number come expert by expert.
    var result: [LayerTensor] = []
    var rest = tensors.indices.filter {
      tensors[$0].kinds?.contains(kinds) ?? false && tensors[$0].isPresent(values)
    }[...]
    while let first = rest.first {
      let isNumbered = tensors[first].name.hasExpert
      let run = isNumbered ? rest.prefix { tensors[$0].name.hasExpert } : rest.prefix(1)
      let shapes = run.map { shape(of: tensors[$0], values) }
      for expert in 0..<(isNumbered ? config.expertCount : 1) {
        for case (let rule, let shape?) in zip(run, shapes) {
          result.append(
            LayerTensor(
              rest: tensors[rule].name.name(expert: expert),
              dtype: tensors[rule].dtype ?? config.dtype, shape: shape, rule: rule,
              expert: isNumbered ? expert : nil))
        }
      }
      rest = rest.dropFirst(run.count)
    }
    return result
  }

  /// A config is checked when it is made, so every shape has a size.
  private func shape(of rule: TensorRule, _ values: LayoutValues) -> Shape? {
    rule.extents(values).flatMap { try? Shape($0) }
  }
}
