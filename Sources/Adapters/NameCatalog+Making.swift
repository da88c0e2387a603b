// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Layouts
import Tensors

extension NameCatalog {
  /// Numbers the names of a config.
  ///
  /// - Parameters:
  ///   - schema: The schema of the config.
  ///   - layers: The tensors of the layers.
  ///   - values: What conditions are evaluated with.
  init(
    _ config: ModelConfig, _ schema: ModelSchema, _ layers: LayerTensors, _ values: LayoutValues
  ) {
    let layout = config.layout
    let (before, after) = (schema.beforeLayers, schema.afterLayers)
    let counts = (0..<config.storedLayerCount).map { layers[$0].count }
    let firstMTP = counts[..<config.hiddenLayerCount].reduce(before.count, +)
    let endMTP = counts[config.hiddenLayerCount...].reduce(firstMTP, +)
    self.init(onDiskCount: endMTP + after.count, mtp: firstMTP..<endMTP)

    for info in before { keep(info) }
    for layer in 0..<config.storedLayerCount {
      let start = schema.start(ofLayer: layer)
      let (firstGroup, firstName) = (groups.count, self.schema.count)
      // The groups of the layer, in the order in which the layout has them.
      let rules = layout.groups.indices.filter { group in
        layout.groups[group].kinds?.contains(config.kinds(ofLayer: layer)) ?? false
          && layout.groups[group].parts.contains { layout.tensors[$0].isPresent(values) }
      }
      let companions = firstGroup..<firstGroup + rules.count
      var positions: [Int: Int] = [:]
      for rule in rules {
        let group = layout.groups[rule]
        positions[rule] = groups.count
        addGroup(
          TensorName(start + group.name), layer: layer, rule: rule, companions: companions,
          isNumbered: layout.tensors[group.parts[0]].name.hasExpert)
      }
      let tensors = layers[layer]
      for tensor in tensors {
        let info = tensor.info(after: start)
        switch layout.tensors[tensor.rule].native {
        case .kept: keep(info)
        case .renamed(let native):
          rename(info, to: TensorName(start + native.name(expert: tensor.expert ?? 0)))
        case .part(let group, _):
          if let position = positions[group] {
            addPart(info, group: position, expert: tensor.expert)
          } else {
            keep(info)
          }
        }
      }
      guard layer >= config.hiddenLayerCount else { continue }
      let own = tensors.indices.filter { layout.tensors[tensors[$0].rule].kinds == .mtp }
      let common = tensors.indices.first { layout.tensors[tensors[$0].rule].kinds == .all }
      if let common, !own.isEmpty {
        endPredictionLayer(common: firstName + common, own: own.map { firstName + $0 })
      }
    }
    for info in after { keep(info) }
  }
}
