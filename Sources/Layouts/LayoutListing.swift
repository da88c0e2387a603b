// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Tensors

/// A tensor that a checkpoint of a config has on disk, by its layout's table.
public struct ListedTensor: Sendable, Hashable {
  /// The name, element type and shape on disk.
  public let info: TensorInfo
  /// The position of its rule in the layout.
  public let rule: Int
  /// The number of its layer, or nil outside layers.
  public let layer: Int?
  /// The number of its expert, or nil of names without one.
  public let expert: Int?
  /// The native name of the tensor that it becomes or is a part of.
  public let nativeName: TensorName
  /// Where in a native group it goes, such as `[3, h, 768 + i]`; empty where only the name differs.
  public let nativePlace: String
}

extension ModelConfig {
  /// Every tensor on disk, in the order in which checkpoints have them: rule by rule, and the tensors of one
  /// expert together.
  ///
  /// - Parameters:
  ///   - isGated: Whether the activation gives experts a gate.
  ///   - prefix: What names start with, or nil for the layout's usual prefix.
  /// - Complexity: O(tensors).
  public func listing(
    isGated: Bool = true, prefix: String? = nil
  ) throws(TensorError) -> [ListedTensor] {
    var lister = TensorLister(self, isGated, prefix ?? layout.prefixes[0])
    try lister.listAll()
    return lister.result
  }
}

/// Lists tensors.
private struct TensorLister {
  private let config: ModelConfig
  private let layout: Layout
  private let values: LayoutValues
  private let prefix: String
  var result: [ListedTensor] = []

  init(_ config: ModelConfig, _ isGated: Bool, _ prefix: String) {
    self.config = config
    layout = config.layout
    values = config.values(isGated: isGated)
    self.prefix = prefix
  }

  mutating func listAll() throws(TensorError) {
    for (position, rule) in layout.tensors.enumerated()
    where rule.kinds == nil && !rule.isAfterLayers && rule.isPresent(values) {
      try list(position, nil, nil, values)
    }
    for layer in 0..<config.storedLayerCount { try list(layer: layer) }
    for (position, rule) in layout.tensors.enumerated()
    where rule.kinds == nil && rule.isAfterLayers && rule.isPresent(values) {
      try list(position, nil, nil, values)
    }
  }

  private mutating func list(layer: Int) throws(TensorError) {
    let values = config.values(values, ofLayer: layer)
    let kinds = config.kinds(ofLayer: layer)
    let present = layout.tensors.indices.filter {
      layout.tensors[$0].kinds?.contains(kinds) == true && layout.tensors[$0].isPresent(values)
    }
    var position = 0
    while position < present.count {
      let name = layout.tensors[present[position]].name
      let run = present[position...].prefix {
        layout.tensors[$0].name.hasExpert && layout.tensors[$0].name.start == name.start
      }
      guard !run.isEmpty else {
        try list(present[position], layer, nil, values)
        position += 1
        continue
      }
      for expert in 0..<config.expertCount {
        for rule in run { try list(rule, layer, expert, values) }
      }
      position += run.count
    }
  }

  private mutating func list(
    _ position: Int, _ layer: Int?, _ expert: Int?, _ values: LayoutValues
  ) throws(TensorError) {
    let rule = layout.tensors[position]
    // A config's shapes are checked when it is made, for gated experts.
    guard let extents = rule.extents(values) else {
      throw .invalidShape(
        extents: [], reason: "'\(rule.name.name(expert: expert ?? 0))' has none for these sizes")
    }
    let start = layer.map { layout.start(ofLayer: $0, under: prefix) } ?? ""
    func whole(_ name: String) -> TensorName {
      TensorName(layer == nil ? layout.name(name, under: prefix) : start + name)
    }
    let name = whole(rule.name.name(expert: expert ?? 0))
    let (nativeName, place) =
      switch rule.native {
      case .kept: (name, "")
      case .renamed(let native): (whole(native.name(expert: expert ?? 0)), "")
      case .part(let group, let terms):
        (
          whole(layout.groups[group].name),
          "[\(terms.map { $0.text(rule, expert, values) }.joined(separator: ", "))]"
        )
      }
    result.append(
      ListedTensor(
        info: TensorInfo(name, rule.dtype ?? config.dtype, try Shape(extents)), rule: position,
        layer: layer, expert: expert, nativeName: nativeName, nativePlace: place))
  }
}

extension IndexTerm {
  /// The index in numbers and the letters of the axes on disk.
  fileprivate func text(_ rule: TensorRule, _ expert: Int?, _ values: LayoutValues) -> String {
    let offset = offset.value(values) ?? 0
    guard let axis else { return "\((expert ?? 0) * coefficient + offset)" }
    let letter = rule.axes[axis].letter ?? "?"
    let product = coefficient == 1 ? letter : "\(coefficient) * \(letter)"
    if offset == 0 { return product }
    return coefficient == 1 ? "\(offset) + \(letter)" : "\(product) + \(offset)"
  }
}
