// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Layouts
import Tensors

/// What the layout does with a tensor that layers of one kind have.
private enum LayerRole {
  case kept
  /// Has this native name behind `layers.{L}.`.
  case renamed(String)
  /// Is one expert's part of the group whose rule stands at a position among the base rules.
  case part(base: Int, expert: Int)

  /// - Parameter projections: The projections of each base rule.
  init(_ tensor: LayerTensor, _ projections: [[Projection]]) {
    if let (expert, projection) = tensor.part,
      let base = projections.firstIndex(where: { $0.contains(projection) })
    {
      self = .part(base: base, expert: expert)
      return
    }
    self = .kept
    for rule in HyLayout.renames {
      guard let native = rule.apply(to: tensor.rest[...], .fromHF) else { continue }
      self = .renamed(native)
      return
    }
  }
}

extension NameCatalog {
  /// Numbers the names of a config.
  ///
  /// - Parameters:
  ///   - schema: The schema of the config.
  ///   - layers: The tensors of the layers.
  ///   - rules: The rules of grouped tensors.
  init(_ config: ModelConfig, _ schema: ModelSchema, _ layers: LayerTensors, _ rules: [ExpertGroup])
  {
    let bases = rules.indices.filter { !rules[$0].isLoRA }
    let baseRules = bases.map { rules[$0] }
    let partners = baseRules.indices.map { base in
      baseRules.firstIndex { $0.native == HyLayout.partner(of: baseRules[base].native) } ?? base
    }
    let projections = baseRules.map(\.projections)
    let dense = layers.dense.map { LayerRole($0, projections) }
    let sparse = layers.sparse.map { LayerRole($0, projections) }
    let mtp = sparse + layers.nextTokens.map { LayerRole($0, projections) }
    let (before, behind) = (schema.beforeLayers, schema.behindLayers)
    let firstMTP = (0..<config.hiddenLayerCount).reduce(before.count) { $0 + layers[$1].count }
    let endMTP = firstMTP + config.mtpLayerCount * mtp.count
    let queries = layers.sparse.firstIndex { $0.rest == "self_attn.q_proj.weight" }
    self.init(onDiskCount: endMTP + behind.count, mtp: firstMTP..<endMTP)

    for info in before { keep(info) }
    for layer in 0..<config.storedLayerCount {
      let start = schema.start(ofLayer: layer)
      let (firstGroup, firstName) = (groups.count, self.schema.count)
      if config.isSparse(layer: layer) {
        for (base, rule) in bases.enumerated() {
          let name = TensorName("\(start)\(ExpertKey.start)\(rules[rule].native)")
          addGroup(
            name, layer: layer, rule: rule, partner: firstGroup + partners[base],
            partCount: config.expertCount * rules[rule].parts.count)
        }
      }
      let layerRoles =
        layer >= config.hiddenLayerCount ? mtp : config.isSparse(layer: layer) ? sparse : dense
      for (tensor, role) in zip(layers[layer], layerRoles) {
        let info = tensor.info(behind: start)
        switch role {
        case .kept: keep(info)
        case .renamed(let rest): rename(info, to: TensorName(start + rest))
        case .part(let base, let expert): addPart(info, group: firstGroup + base, expert: expert)
        }
      }
      if layer >= config.hiddenLayerCount, let queries {
        endPredictionLayer(queries: firstName + queries, ownCount: layers.nextTokens.count)
      }
    }
    for info in behind { keep(info) }
  }
}
