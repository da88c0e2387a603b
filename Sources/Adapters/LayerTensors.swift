// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Layouts
import Tensors

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

/// The tensors on disk of a config by class of layers, listed once for all layers of a class.
struct LayerTensors: Sendable {
  private let config: ModelConfig
  private let values: LayoutValues
  private var known: [LayerClass: [LayerTensor]] = [:]

  init(_ config: ModelConfig, isGated: Bool) {
    self.config = config
    values = config.values(isGated: isGated)
    for layer in 0..<config.storedLayerCount {
      let layerClass = config.layerClass(layer)
      if known[layerClass] == nil { known[layerClass] = list(layer) }
    }
  }

  /// The tensors of a stored layer.
  subscript(layer: Int) -> [LayerTensor] { known[config.layerClass(layer)] ?? [] }

  /// The tensors outside layers.
  func outside(afterLayers: Bool, prefix: String) -> [TensorInfo] {
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
    let present = config.layout.tensors.indices.filter { rule in
      let rule = config.layout.tensors[rule]
      return rule.kinds?.contains(kinds) ?? false && rule.isPresent(values)
    }
    // Tensors whose names have an expert's number come expert by expert.
    var result: [LayerTensor] = []
    var rest = present[...]
    while let first = rest.first {
      let isNumbered = config.layout.tensors[first].name.hasExpert
      let run = rest.prefix { config.layout.tensors[$0].name.hasExpert && isNumbered }
      guard isNumbered else {
        if let tensor = tensor(first, nil, values) { result.append(tensor) }
        rest = rest.dropFirst()
        continue
      }
      let shapes = run.map { shape(of: config.layout.tensors[$0], values) }
      for expert in 0..<config.expertCount {
        for (rule, shape) in zip(run, shapes) {
          guard let shape else { continue }
          result.append(tensor(rule, expert, shape))
        }
      }
      rest = rest.dropFirst(run.count)
    }
    return result
  }

  private func tensor(_ rule: Int, _ expert: Int?, _ values: LayoutValues) -> LayerTensor? {
    shape(of: config.layout.tensors[rule], values).map { tensor(rule, expert, $0) }
  }

  private func tensor(_ position: Int, _ expert: Int?, _ shape: Shape) -> LayerTensor {
    let rule = config.layout.tensors[position]
    return LayerTensor(
      rest: rule.name.name(expert: expert ?? 0), dtype: rule.dtype ?? config.dtype, shape: shape,
      rule: position, expert: expert)
  }

  /// A config is checked when it is made, so every shape has a size.
  private func shape(of rule: TensorRule, _ values: LayoutValues) -> Shape? {
    rule.extents(values).flatMap { try? Shape($0) }
  }
}
