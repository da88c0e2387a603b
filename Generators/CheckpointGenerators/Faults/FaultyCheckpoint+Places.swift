// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
import Tensors

/// Where faults can strike so that a refusal is due.
extension FaultyCheckpoint {
  var config: ModelConfig { setup.config }
  var prefix: String { setup.prefix }

  /// Whether every tensor of the config must be there.
  var isWhole: Bool { setup.options.completeness == .wholeModel && spec.extent == .wholeModel }

  /// Whether base weights are there, beside low-rank factors or without any.
  var hasBase: Bool { spec.extent != .loraOnly }

  /// Whether multi-token prediction layers are there and kept.
  var keepsMTP: Bool { spec.storesMTP && setup.options.mtpPolicy == .preserve }

  /// The layers whose base keys are not dropped.
  var layers: [Int] {
    guard hasBase else { return [] }
    return Array(0..<(keepsMTP ? config.storedLayerCount : config.hiddenLayerCount))
  }

  var sparseLayers: [Int] { layers.filter { config.isSparse(layer: $0) } }
  var denseLayers: [Int] { layers.filter { !config.isSparse(layer: $0) } }

  /// Dense layers to which keys of any class may be added.
  var denseDecoderLayers: [Int] {
    (0..<config.hiddenLayerCount).filter { !config.isSparse(layer: $0) }
  }

  /// The experts that the process loads.
  var ownExperts: [Int] {
    Array(spec.parallelism?.experts(of: config.expertCount) ?? 0..<config.expertCount)
  }

  var projections: [String] {
    setup.options.activation.isGated
      ? ["gate_proj", "up_proj", "down_proj"] : ["up_proj", "down_proj"]
  }

  /// Layers whose low-rank factors are not dropped.
  var loraLayers: [Int] { Self.factorLayers(of: spec) }

  static func factorLayers(of spec: CheckpointSpec) -> [Int] {
    guard let lora = spec.lora else { return [] }
    let isKnownForMTP = [spec.prefix, "model.", ""].contains(lora.prefix)
    let keeps = spec.storesMTP && (spec.options.mtpPolicy == .preserve || !isKnownForMTP)
    let config = spec.config
    return (0..<(keeps ? config.storedLayerCount : config.hiddenLayerCount)).filter {
      config.isSparse(layer: $0)
    }
  }

  func key(_ layer: Int, _ rest: String) -> TensorName {
    TensorName("\(prefix)layers.\(layer).\(rest)")
  }

  func expertKey(_ layer: Int, _ expert: Int, _ rest: String) -> TensorName {
    key(layer, "mlp.experts.\(expert).\(rest)")
  }

  /// The weights of an expert.
  func expertKeys(_ layer: Int, _ expert: Int) -> [TensorName] {
    projections.map { expertKey(layer, expert, "\($0).weight") }
  }

  /// A key of low-rank factors.
  func loraKey(_ layer: Int, _ rest: String) -> TensorName {
    TensorName("\(spec.lora?.prefix ?? "")layers.\(layer).mlp.experts.\(rest)")
  }

  /// One of the weights of the routed experts that the process loads.
  func pickExpert(_ site: inout FaultSite) -> ExpertPlace? {
    guard let layer = site.pick(sparseLayers), let expert = site.pick(ownExperts),
      let projection = site.pick(projections)
    else { return nil }
    let place = ExpertPlace(
      layer: layer, expert: expert, projection: projection,
      name: expertKey(layer, expert, "\(projection).weight"))
    return has(place.name) ? place : nil
  }

  /// A tensor beside the experts, if all tensors must be there.
  func pickRequired(
    _ layers: [Int], _ rests: [String], _ site: inout FaultSite
  ) -> (layer: Int, rest: String, name: TensorName)? {
    guard isWhole, let layer = site.pick(layers) else { return nil }
    let present = rests.filter { has(key(layer, $0)) }
    return site.pick(present).map { (layer, $0, key(layer, $0)) }
  }
}

/// A weight of a routed expert.
struct ExpertPlace: CustomStringConvertible {
  let layer: Int
  let expert: Int
  let projection: String
  let name: TensorName

  var description: String { "expert \(expert) of layer \(layer)" }
}
