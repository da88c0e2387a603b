// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
import Tensors

/// Where faults can be placed so that a refusal is due.
extension FaultyCheckpoint {
  var config: ModelConfig { setup.config }
  var prefix: String { setup.prefix }
  var layout: Layout { setup.config.layout }

  /// Whether every tensor of the config must be there.
  var isWhole: Bool { setup.options.completeness == .wholeModel && spec.extent == .wholeModel }

  /// Whether base weights are there, beside low-rank factors or without any.
  var hasBase: Bool { spec.extent != .loraOnly }

  /// Whether multi-token prediction layers are there and kept.
  var keepsMTP: Bool { spec.storesMTP && !setup.dropsMTP }

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

  /// Prediction layers that are kept.
  var predictionLayers: [Int] { layers.filter { $0 >= config.hiddenLayerCount } }

  /// The experts that the process loads.
  var ownExperts: [Int] {
    let all = 0..<config.expertCount
    return Array(layout.isSliced ? spec.parallelism?.experts(of: all.count) ?? all : all)
  }

  /// Layers whose low-rank factors are not dropped.
  var loraLayers: [Int] { Self.factorLayers(of: spec) }

  static func factorLayers(of spec: CheckpointSpec) -> [Int] {
    guard let lora = spec.lora else { return [] }
    let isKnownForMTP = [spec.prefix, spec.config.layout.prefixes[0], ""].contains(lora.prefix)
    let keeps = spec.storesMTP && (!spec.setup.dropsMTP || !isKnownForMTP)
    let config = spec.config
    return (0..<(keeps ? config.storedLayerCount : config.hiddenLayerCount)).filter {
      config.isSparse(layer: $0)
    }
  }

  func key(_ layer: Int, _ rest: String) -> TensorName {
    onSide(layout.start(ofLayer: layer, under: prefix) + rest)
  }

  /// A key on disk as it begins on the side that is at fault.
  private func onSide(_ name: String) -> TensorName {
    TensorName(side == .native ? layout.toNative(name) : name)
  }

  /// The key on disk of a tensor in a layer, of an expert if its name has one.
  func key(_ layer: Int, _ rule: TensorRule, expert: Int = 0) -> TensorName {
    key(layer, rule.name.name(expert: expert))
  }

  /// What sizes and conditions are evaluated with in a layer.
  func values(_ layer: Int) -> LayoutValues { config.values(setup.values, ofLayer: layer) }

  /// A tensor on disk that a layer would have by a rule, there or not.
  func tensor(_ rule: TensorRule, _ layer: Int, expert: Int = 0) -> TensorInfo {
    let shape = rule.extents(values(layer)).flatMap { try? Shape($0) }
    return TensorInfo(
      key(layer, rule, expert: expert), spec.types.type(of: rule), shape ?? [])
  }

  /// The keys of a layer that are there.
  func names(in layer: Int) -> [TensorName] {
    let base = key(layer, "").text
    return infos.map(\.name).filter { $0.text.hasPrefix(base) }
  }

  /// The tensors of experts on disk that have another place in native form.
  func expertRules(_ layer: Int) -> [TensorRule] {
    let values = values(layer)
    return layout.tensors.filter {
      $0.kinds?.contains(.sparse) ?? false && $0.isOfExperts && $0.isMoved && $0.isPresent(values)
    }
  }

  /// The keys of an expert; of experts that are grouped on disk, those of all of them.
  func expertKeys(_ layer: Int, _ expert: Int) -> [TensorName] {
    expertRules(layer).map { key(layer, $0, expert: expert) }
  }

  /// Whether the names of experts on disk have their numbers.
  var areExpertsNumbered: Bool {
    layout.tensors.contains { $0.isOfExperts && $0.name.hasExpert }
  }

  /// The weights of experts that may have factors.
  var factorRules: [TensorRule] { layout.factorRules(setup.values) }

  /// A key of low-rank factors.
  func loraKey(_ layer: Int, _ rest: String) -> TensorName {
    onSide(layout.start(ofLayer: layer, under: spec.lora?.prefix ?? "") + rest)
  }

  /// The key of a low-rank factor of an expert's weight.
  func loraKey(_ layer: Int, _ rule: TensorRule, _ factor: String, _ expert: Int) -> TensorName {
    loraKey(layer, rule.factorName(factor, expert: expert) ?? "")
  }

  /// One of the tensors of the routed experts that the process loads.
  func pickExpert(
    _ site: inout FaultSite, where isMeant: (TensorRule) -> Bool = { _ in true }
  ) -> FaultPlace? {
    guard let layer = site.pick(sparseLayers), !ownExperts.isEmpty else { return nil }
    let expert = areExpertsNumbered ? site.pick(ownExperts) : nil
    guard let rule = site.pick(expertRules(layer).filter(isMeant)) else { return nil }
    let name = key(layer, rule, expert: expert ?? 0)
    let place = FaultPlace(
      layer: layer, expert: rule.name.hasExpert ? expert : nil, rule: rule, name: name)
    return has(name) ? place : nil
  }

  /// One of the weights of routed experts whose names have their numbers.
  func pickNumbered(_ site: inout FaultSite) -> FaultPlace? {
    pickExpert(&site, where: \.name.hasExpert)
  }

  /// A tensor in a layer, if all tensors must be there.
  func pickRequired(
    _ layers: [Int], _ site: inout FaultSite, where isMeant: (TensorRule) -> Bool
  ) -> FaultPlace? {
    guard isWhole, let layer = site.pick(layers) else { return nil }
    return pickTensor([layer], &site, where: isMeant)
  }

  /// A tensor in one of some layers.
  func pickTensor(
    _ layers: [Int], _ site: inout FaultSite, where isMeant: (TensorRule) -> Bool
  ) -> FaultPlace? {
    guard let layer = site.pick(layers) else { return nil }
    let rules = layout.tensors.filter {
      $0.kinds != nil && isMeant($0) && has(key(layer, $0))
    }
    return site.pick(rules).map {
      FaultPlace(layer: layer, expert: nil, rule: $0, name: key(layer, $0))
    }
  }

  /// The key of a tensor outside layers.
  func keyOutside(_ rule: TensorRule) -> TensorName {
    onSide(layout.name(rule.name.start, under: prefix))
  }

  /// Whether a whole model must have a key that is there.
  func isRequired(_ name: TensorName) -> Bool {
    let key = LenientKey(name, layout)
    guard case .tensor = key.subject else { return false }
    guard let layer = key.layer else { return key.layerText == nil }
    return (layer < config.hiddenLayerCount || keepsMTP)
      && (key.expert.map(ownExperts.contains) ?? true)
  }
}

/// A tensor of a layer, or of one of its experts.
struct FaultPlace: CustomStringConvertible {
  let layer: Int
  /// The number of the expert, or nil of names without one.
  let expert: Int?
  let rule: TensorRule
  let name: TensorName

  var projection: String { rule.module }
  var description: String { expert.map { "expert \($0) of layer \(layer)" } ?? "layer \(layer)" }
}

extension FaultyCheckpoint {
  /// Whether a key is one of a low-rank factor.
  func isFactor(_ name: TensorName) -> Bool {
    switch LenientKey(name, layout).subject {
    case .factor, .groupFactor, .fusedFactor: true
    case .tensor, .renamed, .group, .companion, .unknown: false
    }
  }
}
