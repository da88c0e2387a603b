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

/// A tensor that a checkpoint of a config has on disk, before it has a type and a shape.
public struct TensorPlace: Sendable {
  /// The position of its rule in the layout.
  public let rule: Int
  /// The number of its layer, or nil outside layers.
  public let layer: Int?
  /// The number of its expert, or nil of names without one.
  public let expert: Int?
  /// The name on disk.
  public let name: TensorName
  /// What the extents of the rule are evaluated with.
  public let values: LayoutValues
}

extension ModelConfig {
  /// Every tensor on disk, in the order in which checkpoints have them: rule by rule, and of rules side by
  /// side that have an expert's number those of one expert together.
  ///
  /// - Parameters:
  ///   - values: What conditions are evaluated with.
  ///   - layers: How many layers there are, or nil for those of the config.
  ///   - prefix: What names start with.
  /// - Complexity: O(tensors).
  public func tensorPlaces(
    _ values: LayoutValues, layers: Int? = nil, under prefix: String
  ) -> [TensorPlace] {
    var result: [TensorPlace] = []
    func append(_ rule: Int, _ layer: Int?, _ expert: Int?, _ start: String, _ own: LayoutValues) {
      guard layout.tensors[rule].isPresent(own) else { return }
      let name = layout.tensors[rule].name.name(expert: expert ?? 0)
      result.append(
        TensorPlace(
          rule: rule, layer: layer, expert: expert,
          name: TensorName(layer == nil ? layout.name(name, under: prefix) : start + name),
          values: own))
    }
    func appendOutside(isAfterLayers: Bool) {
      for (position, rule) in layout.tensors.enumerated()
      where rule.kinds == nil && rule.isAfterLayers == isAfterLayers {
        append(position, nil, nil, "", values)
      }
    }
    appendOutside(isAfterLayers: false)
    for layer in 0..<(layers ?? storedLayerCount) {
      let start = layout.start(ofLayer: layer, under: prefix)
      let own = self.values(values, ofLayer: layer)
      let kinds = kinds(ofLayer: layer)
      var rules = layout.tensors.indices.filter {
        layout.tensors[$0].kinds?.contains(kinds) ?? false
      }[...]
      while let first = rules.first {
        let isNumbered = layout.tensors[first].name.hasExpert
        let run = rules.prefix { layout.tensors[$0].name.hasExpert == isNumbered }
        for expert in 0..<(isNumbered ? expertCount : 1) {
          for rule in run { append(rule, layer, isNumbered ? expert : nil, start, own) }
        }
        rules = rules.dropFirst(run.count)
      }
    }
    appendOutside(isAfterLayers: true)
    return result
  }

  /// Every tensor on disk with its type, shape and native place, in the order of `tensorPlaces`.
  ///
  /// - Parameters:
  ///   - isGated: Whether the activation gives experts a gate.
  ///   - prefix: What names start with, or nil for the layout's usual prefix.
  /// - Complexity: O(tensors).
  public func listing(
    isGated: Bool = true, prefix: String? = nil
  ) throws(TensorError) -> [ListedTensor] {
    let prefix = prefix ?? layout.prefixes[0]
    var result: [ListedTensor] = []
    for place in tensorPlaces(values(isGated: isGated), under: prefix) {
      result.append(try listed(place, prefix))
    }
    return result
  }

  private func listed(
    _ place: TensorPlace, _ prefix: String
  ) throws(TensorError) -> ListedTensor {
    let rule = layout.tensors[place.rule]
    // A config's shapes are checked when it is made, for gated experts.
    guard let extents = rule.extents(place.values) else {
      throw .invalidShape(
        extents: [],
        reason: "'\(rule.name.name(expert: place.expert ?? 0))' has none for these sizes")
    }
    func whole(_ name: String) -> TensorName {
      TensorName(
        layout.toNative(
          place.layer.map { layout.start(ofLayer: $0, under: prefix) + name }
            ?? layout.name(name, under: prefix)))
    }
    let (nativeName, nativePlace) =
      switch rule.native {
      case .kept: (layout.toNative(place.name), "")
      case .renamed(let native):
        (
          whole(native.name(expert: place.expert ?? 0)),
          rule.pieces.isEmpty ? "" : "cut before \(rule.pieces.dropFirst().map(\.name))"
        )
      case .part(let group, let terms):
        (
          whole(layout.groups[group].name),
          "[\(terms.map { $0.text(rule, place.expert, place.values) }.joined(separator: ", "))]"
        )
      }
    return ListedTensor(
      info: TensorInfo(place.name, rule.dtype ?? dtype, try Shape(extents)),
      rule: place.rule, layer: place.layer, expert: place.expert, nativeName: nativeName,
      nativePlace: nativePlace)
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
    if exchangesHalves { return "(\(offset) + \(letter)) % \(2 * offset)" }
    return coefficient == 1 ? "\(offset) + \(letter)" : "\(product) + \(offset)"
  }
}
