// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Layouts
import Tensors

/// A tensor on disk that layers of one kind have.
struct LayerTensor: Sendable {
  /// What follows `layers.{L}.` in its key.
  let rest: String
  let dtype: DType
  let shape: Shape
  /// The expert and the projection whose weight it is, if it is one.
  let part: (expert: Int, projection: Projection)?

  func info(behind start: String) -> TensorInfo { TensorInfo(name(behind: start), dtype, shape) }

  func name(behind start: String) -> TensorName { TensorName(start + rest) }
}

/// The tensors of each kind of layer on disk, listed once for all layers of that kind.
struct LayerTensors: Sendable {
  private let config: ModelConfig
  private let isGated: Bool
  /// The tensors of a decoder layer without experts; empty if there is no such layer.
  private(set) var dense: [LayerTensor] = []
  /// The tensors of a layer with experts; empty if there is no such layer.
  private(set) var sparse: [LayerTensor] = []
  /// What multi-token prediction layers have behind the tensors of a layer with experts.
  private(set) var nextTokens: [LayerTensor] = []
  private var mtp: [LayerTensor] = []

  init(_ config: ModelConfig, isGated: Bool) {
    self.config = config
    self.isGated = isGated
    if config.layerKinds.contains(.dense) {
      dense = attention() + mlp("mlp.", width: config.denseIntermediateSize)
    }
    if config.mtpLayerCount > 0 || config.layerKinds.contains(.sparse) {
      sparse = attention() + experts()
    }
    if config.mtpLayerCount > 0 {
      nextTokens = prediction()
      mtp = sparse + nextTokens
    }
  }

  /// The tensors of a stored layer.
  subscript(layer: Int) -> [LayerTensor] {
    if layer >= config.hiddenLayerCount { return mtp }
    return config.isSparse(layer: layer) ? sparse : dense
  }

  private func tensor(_ rest: String, _ shape: Shape, _ dtype: DType? = nil) -> LayerTensor {
    LayerTensor(rest: rest, dtype: dtype ?? config.dtype, shape: shape, part: nil)
  }

  private func attention() -> [LayerTensor] {
    let hidden = config.hiddenSize
    let queries = config.attentionHeadCount * config.headSize
    let keys = config.keyValueHeadCount * config.headSize
    var result = [
      tensor("input_layernorm.weight", [hidden]),
      tensor("post_attention_layernorm.weight", [hidden]),
    ]
    let projections: [(name: String, rows: Int, columns: Int)] = [
      ("q_proj", queries, hidden), ("k_proj", keys, hidden), ("v_proj", keys, hidden),
      ("o_proj", hidden, queries),
    ]
    for (name, rows, columns) in projections {
      result.append(tensor("self_attn.\(name).weight", [rows, columns]))
      if config.hasAttentionBias { result.append(tensor("self_attn.\(name).bias", [rows])) }
    }
    if config.hasQueryKeyNorm {
      result.append(tensor("self_attn.q_norm.weight", [config.headSize]))
      result.append(tensor("self_attn.k_norm.weight", [config.headSize]))
    }
    return result
  }

  private func mlp(_ base: String, width: Int) -> [LayerTensor] {
    let hidden = config.hiddenSize
    let projections: [(name: String, rows: Int, columns: Int)] = [
      ("gate_proj", width, hidden), ("up_proj", width, hidden), ("down_proj", hidden, width),
    ]
    var result: [LayerTensor] = []
    for (name, rows, columns) in projections {
      result.append(tensor("\(base)\(name).weight", [rows, columns]))
      if config.hasMLPBias { result.append(tensor("\(base)\(name).bias", [rows])) }
    }
    return result
  }

  private func experts() -> [LayerTensor] {
    let inner = config.moeIntermediateSize
    var result = [tensor("mlp.router.gate.weight", [config.expertCount, config.hiddenSize])]
    if config.hasExpertBias {
      result.append(tensor("mlp.expert_bias", [config.expertCount], .f32))
    }
    if config.sharedExpertCount > 0 {
      result += mlp("mlp.shared_mlp.", width: config.sharedExpertCount * inner)
    }
    let inward: Shape = [inner, config.hiddenSize]
    let outward: Shape = [config.hiddenSize, inner]
    for expert in 0..<config.expertCount {
      let base = "mlp.experts.\(expert)."
      for projection in Projection.allCases where isGated || projection != .gate {
        result.append(
          LayerTensor(
            rest: "\(base)\(projection.rawValue).weight", dtype: config.dtype,
            shape: projection == .down ? outward : inward, part: (expert, projection)))
      }
    }
    return result
  }

  private func prediction() -> [LayerTensor] {
    let hidden = config.hiddenSize
    return [tensor(Self.predictionProjection, [hidden, 2 * hidden])]
      + Self.predictionNorms.map { tensor($0, [hidden]) }
  }

  private static let predictionProjection = "eh_proj.weight"
  private static let predictionNorms = ["enorm.weight", "hnorm.weight", "final_layernorm.weight"]

  /// Whether only multi-token prediction layers have a key, given what follows `layers.{L}.`.
  static func isPredictionOnly(_ rest: Substring) -> Bool {
    rest == predictionProjection || predictionNorms.contains { rest == $0 }
  }
}
