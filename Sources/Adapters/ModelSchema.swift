// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Layouts
public import Tensors

/// The tensors that a whole checkpoint of a config has on disk, one file-independent list.
///
/// Source of names and shapes: the shard headers of tencent/Hy3 and transformers' `hy_v3`.
public struct ModelSchema: Sendable {
  private let config: ModelConfig
  private let prefix: String
  private let isGated: Bool

  /// Creates the schema of a config whose keys start with a prefix.
  public init(
    _ config: ModelConfig, prefix: ModelPrefix = .model, activation: ExpertActivation = .swiglu
  ) {
    self.config = config
    self.prefix = prefix.text(in: config.layout)
    self.isGated = activation.isGated
  }

  /// All tensors: embeddings, decoder layers, multi-token prediction layers, final norm and head.
  ///
  /// - Complexity: O(tensors); the shapes of a checked config cannot overflow.
  public func tensors(includingMTP: Bool = true) -> [TensorInfo] {
    let layers = LayerTensors(config, isGated: isGated)
    let layerCount = includingMTP ? config.storedLayerCount : config.hiddenLayerCount
    var result = beforeLayers
    for layer in 0..<layerCount {
      let start = start(ofLayer: layer)
      for tensor in layers[layer] { result.append(tensor.info(behind: start)) }
    }
    return result + behindLayers
  }

  /// The tensors that come before those of the layers.
  var beforeLayers: [TensorInfo] {
    [TensorInfo("\(prefix)embed_tokens.weight", config.dtype, vocabulary)]
  }

  /// What the keys of a layer start with.
  func start(ofLayer layer: Int) -> String { "\(prefix)layers.\(layer)." }

  /// The tensors that come behind those of the layers.
  var behindLayers: [TensorInfo] {
    let norm = TensorInfo("\(prefix)norm.weight", config.dtype, [config.hiddenSize])
    // The head stands beside the model, not inside it, whatever the prefix of the layers.
    return config.tiesWordEmbeddings
      ? [norm] : [norm, TensorInfo("lm_head.weight", config.dtype, vocabulary)]
  }

  private var vocabulary: Shape { [config.vocabularySize, config.hiddenSize] }
}
