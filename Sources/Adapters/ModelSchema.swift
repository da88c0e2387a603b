// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Layouts
public import Tensors

/// The tensors that a whole checkpoint of a config has on disk, one file-independent list.
public struct ModelSchema: Sendable {
  private let config: ModelConfig
  private let prefix: String
  private let layers: LayerTensors

  /// Creates the schema of a config whose keys start with a prefix.
  public init(
    _ config: ModelConfig, prefix: ModelPrefix = .model, activation: ExpertActivation = .swiglu
  ) {
    self.init(
      config, prefix: prefix.text(in: config.layout),
      LayerTensors(config, isGated: activation.isGated))
  }

  init(_ config: ModelConfig, prefix: String, _ layers: LayerTensors) {
    self.config = config
    self.prefix = prefix
    self.layers = layers
  }

  /// All tensors: those before the layers, decoder and multi-token prediction layers, those after.
  ///
  /// - Complexity: O(tensors); the shapes of a checked config cannot overflow.
  public func tensors(includingMTP: Bool = true) -> [TensorInfo] {
    let layerCount = includingMTP ? config.storedLayerCount : config.hiddenLayerCount
    var result = beforeLayers
    for layer in 0..<layerCount {
      let start = start(ofLayer: layer)
      for tensor in layers[layer] { result.append(tensor.info(after: start)) }
    }
    return result + afterLayers
  }

  /// The tensors that come before those of the layers.
  var beforeLayers: [TensorInfo] { layers.outside(afterLayers: false, prefix: prefix) }

  /// What the keys of a layer start with.
  func start(ofLayer layer: Int) -> String {
    config.layout.start(ofLayer: layer, under: prefix)
  }

  /// The tensors that come after those of the layers.
  var afterLayers: [TensorInfo] { layers.outside(afterLayers: true, prefix: prefix) }
}
