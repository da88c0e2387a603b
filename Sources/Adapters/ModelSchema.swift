// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Layouts
public import Tensors

/// The tensors that a whole checkpoint of a config has on disk, one file-independent list.
public struct ModelSchema: Sendable {
  let config: ModelConfig
  /// What sizes and conditions are evaluated with outside layers.
  let values: LayoutValues
  private let prefix: String

  /// Creates the schema of a config whose keys start with a prefix.
  public init(
    _ config: ModelConfig, prefix: ModelPrefix = .model, activation: ExpertActivation = .swiglu
  ) {
    self.config = config
    self.prefix = prefix.text(in: config.layout)
    values = config.values(isGated: activation.isGated)
  }

  /// All tensors: those before the layers, decoder and multi-token prediction layers, those after.
  ///
  /// - Complexity: O(tensors); the shapes of a checked config cannot overflow.
  public func tensors(includingMTP: Bool = true) -> [TensorInfo] {
    infos(of: places(includingMTP: includingMTP))
  }

  /// What the keys of a layer start with.
  func start(ofLayer layer: Int) -> String {
    config.layout.start(ofLayer: layer, under: prefix)
  }

  /// The tensors by their rules, in the order of `tensors`.
  func places(includingMTP: Bool = true) -> [TensorPlace] {
    config.tensorPlaces(
      values, layers: includingMTP ? config.storedLayerCount : config.hiddenLayerCount,
      under: prefix)
  }

  func infos(of places: [TensorPlace]) -> [TensorInfo] {
    // The shapes of the tensors of one layer, by rule.
    var shapes = [Shape?](repeating: nil, count: config.layout.tensors.count)
    var layer: Int?
    return places.compactMap { place in
      if place.layer != layer {
        shapes = [Shape?](repeating: nil, count: shapes.count)
        layer = place.layer
      }
      let rule = config.layout.tensors[place.rule]
      // A config is checked when it is made, so every shape has a size.
      let shape = shapes[place.rule] ?? rule.extents(place.values).flatMap { try? Shape($0) }
      shapes[place.rule] = shape
      return shape.map { TensorInfo(place.name, rule.dtype ?? config.dtype, $0) }
    }
  }
}
