// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Tensors

/// What the layout does with a tensor that layers of one kind have.
private enum LayerRole {
  case kept
  /// Has this native name behind `layers.{L}.`.
  case renamed(String)
  /// Is one expert's part of the group whose rule stands at a position among the base rules.
  case part(base: Int, expert: Int)

  init(_ tensor: LayerTensor, _ bases: [ExpertGroup]) {
    if let (expert, projection) = tensor.part,
      let base = bases.firstIndex(where: { $0.projections.contains(projection) })
    {
      self = .part(base: base, expert: expert)
      return
    }
    let names = Layout.renames.lazy.compactMap { $0.apply(to: tensor.rest[...], .fromHF) }
    self = names.first.map { .renamed($0) } ?? .kept
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
      baseRules.firstIndex { $0.native == Layout.partner(of: baseRules[base].native) } ?? base
    }
    let roles = { (tensors: [LayerTensor]) in tensors.map { LayerRole($0, baseRules) } }
    let (dense, sparse, mtp) = (roles(layers.dense), roles(layers.sparse), roles(layers.mtp))
    let (before, behind) = (schema.beforeLayers, schema.behindLayers)
    let firstMTP = (0..<config.hiddenLayerCount).reduce(before.count) { $0 + layers[$1].count }
    let endMTP = firstMTP + config.mtpLayerCount * layers.mtp.count
    self.init(onDiskCount: endMTP + behind.count, mtp: firstMTP..<endMTP)

    for info in before { keep(info) }
    for layer in 0..<config.storedLayerCount {
      let start = schema.start(ofLayer: layer)
      let firstGroup = groups.count
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
    }
    for info in behind { keep(info) }
  }
}
