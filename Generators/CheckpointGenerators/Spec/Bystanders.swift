// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Layouts
import Tensors

/// Tensors that no rule of the layout knows, which pass through under their own names in both directions.
public enum Bystanders: String, Sendable, Hashable, CaseIterable {
  /// No key but the layout's.
  case none
  /// In a layer, under names that begin like those of tensors that are renamed and go on.
  case longerNames = "longer names"
  /// Tensors of which an axis has no index.
  case empty = "no elements"
}

extension CheckpointSpec {
  /// The tensors that no rule of the layout knows.
  var bystanderInfos: [TensorInfo] {
    let start = config.layout.start(ofLayer: bystanderLayer, under: prefix)
    switch bystanders {
    case .none: return []
    case .longerNames:
      return config.layout.longerNames.map {
        TensorInfo(TensorName(start + $0), types.others, [2])
      }
    case .empty:
      let own: [(String, Shape)] = [
        ("\(start)extra.empty", [0]), ("\(start)extra.columns", [2, 0]),
        ("\(prefix)extra.rows", [0, 3]),
      ]
      return own.map { TensorInfo(TensorName($0), types.others, $1) }
    }
  }

  /// The first decoder layer with experts, or the first of all.
  private var bystanderLayer: Int {
    (0..<config.hiddenLayerCount).first { config.isSparse(layer: $0) } ?? 0
  }
}

extension Layout {
  /// Names in layers that begin like those of renamed tensors and modules, on disk and natively, and go
  /// on; where a layout renames nothing, those of its router.
  fileprivate var longerNames: [String] {
    var result: [String] = []
    func add(_ name: String) {
      if !result.contains(name), !expertModules.contains(where: name.hasPrefix) {
        result.append(name)
      }
    }
    func isInModule(_ name: String) -> Bool {
      modules.contains { name.hasPrefix($0.onDisk) || name.hasPrefix($0.native) }
    }
    for rule in tensors where rule.kinds != nil && !rule.isOfExperts {
      guard case .renamed(let native) = rule.native, !isInModule(rule.name.start) else { continue }
      for name in [rule.name.start, native.start] { add("\(name)_v2") }
    }
    for module in modules where module.kinds != nil {
      for name in [module.onDisk, module.native] { add("\(name.dropLast())_v2.weight") }
    }
    if result.isEmpty {
      for rule in tensors where rule.role == .router || rule.role == .routerBias {
        add("\(rule.name.start)_v2")
      }
    }
    return result
  }
}
