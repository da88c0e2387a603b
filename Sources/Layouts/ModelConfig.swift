// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Tensors

/// The facts of a model's `config.json` that decide which tensors a checkpoint has.
///
/// Values are checked when they enter: every count and size is within its range, and so small that no
/// shape or tensor count derived from them overflows.
public struct ModelConfig: Sendable {
  /// The layout whose sizes and flags these are.
  public let layout: Layout
  /// The values of the layout's sizes, in their order; 1 for whether experts are gated.
  public let sizes: [Int]
  /// The values of the layout's flags, in their order.
  public let flags: [Bool]
  /// The sizes that some layers have instead, by position, and those layers; empty where all are alike.
  public let variant: Variant

  /// Layers with sizes of their own.
  public struct Variant: Sendable, Hashable {
    /// The layers concerned, decoder and prediction layers alike.
    public let layers: Set<Int>
    /// Their sizes by position in the layout.
    public let sizes: [Int: Int]

    /// Creates a variant; without layers it changes nothing.
    public init(layers: Set<Int> = [], sizes: [Int: Int] = [:]) {
      self.layers = layers
      self.sizes = sizes
    }

    /// The same with the sizes that the table says; none where a list of sizes would have one alone.
    fileprivate func completed(_ layout: Layout, _ usual: [Int]) -> Variant {
      guard !layers.isEmpty else { return self }
      var sizes = sizes
      for (position, rule) in layout.sizes.enumerated() {
        if let constant = rule.variant?.constant { sizes[position] = constant }
        if rule.variant?.isListOfSizes == true, sizes[position] == usual[position] {
          return Variant()
        }
      }
      return Variant(layers: layers, sizes: sizes)
    }
  }
  /// The kind of each decoder layer.
  public let layerKinds: [LayerKind]
  /// For each decoder layer without experts which of the named kinds it has, 1 for the first; 0 for others.
  /// Empty where the layout does not name several.
  public let denseKinds: [Int]
  /// Multi-token prediction layers stored after the decoder layers, zero for none.
  public let mtpLayerCount: Int
  /// The element type of the weights (`dtype` or `torch_dtype`).
  public let dtype: DType
  /// Routed experts of a sparse layer.
  public let expertCount: Int
  /// Width of the residual stream.
  public let hiddenSize: Int
  /// Inner width of one expert.
  public let moeIntermediateSize: Int

  /// Creates a config from values, which are checked.
  ///
  /// - Parameters:
  ///   - sizes: The values of sizes that have fields, by symbol; the others follow, and so does what a
  ///     field is when it is absent.
  ///   - flags: The values of flags by name; others have their fallback.
  ///   - denseKinds: As the property is; where it says nothing of a layer, the kinds take turns.
  /// - Throws: `ConfigError` naming the `config.json` field that is missing or out of range.
  /// - Complexity: O(tensors of a layer).
  public init(
    _ layout: Layout, sizes given: [String: Int], flags: [String: Bool] = [:],
    layerKinds: [LayerKind], denseKinds: [Int] = [], mtpLayerCount: Int = 0,
    variant: Variant = Variant(),
    dtype: DType = .bf16
  ) throws(ConfigError) {
    self.layout = layout
    self.flags = layout.flags.map { flags[$0.name] ?? $0.fallback }
    self.layerKinds = layerKinds
    self.denseKinds = layout.layers.denseKinds(of: layerKinds, given: denseKinds)
    self.mtpLayerCount = mtpLayerCount
    self.dtype = dtype
    let values = try layout.sizeValues { rule throws(ConfigError) in given[rule.symbol] }
    func value(_ symbol: SizeSymbol) -> Int { layout.position(of: symbol).map { values[$0] } ?? 1 }
    sizes = values
    self.variant = variant.completed(layout, values)
    expertCount = value(.experts)
    hiddenSize = value(.hidden)
    moeIntermediateSize = value(.intermediate)
    try checkRanges()
  }

  /// The number of decoder layers.
  public var hiddenLayerCount: Int { layerKinds.count }

  /// The number of decoder and multi-token prediction layers.
  public var storedLayerCount: Int { layerKinds.count + mtpLayerCount }

  /// Whether a stored layer has experts.
  public func isSparse(layer: Int) -> Bool {
    layer >= hiddenLayerCount
      ? layout.layers.prediction?.kind != .dense : layerKinds[layer] == .sparse
  }

  /// The kind of a stored layer.
  public func kinds(ofLayer layer: Int) -> LayerKinds {
    layer >= hiddenLayerCount ? .mtp : layerKinds[layer] == .sparse ? .sparse : .dense
  }

  /// The value of a size, or nil if the layout has none of that symbol.
  public subscript(_ symbol: SizeSymbol) -> Int? {
    layout.position(of: symbol).map { sizes[$0] }
  }

  /// The value of a flag, or nil if the layout has none of that name.
  public func flag(_ name: String) -> Bool? {
    layout.position(ofFlag: name).map { flags[$0] }
  }

  /// What expressions and conditions are evaluated with.
  ///
  /// - Parameter isGated: Whether the activation gives experts a gate.
  public func values(isGated: Bool) -> LayoutValues {
    guard !isGated, let gate = layout.sizes.firstIndex(where: { $0.source == .gated }) else {
      return LayoutValues(sizes: sizes, flags: flags)
    }
    var sizes = sizes
    sizes[gate] = 0
    return LayoutValues(sizes: sizes, flags: flags)
  }

  /// What expressions and conditions of a stored layer are evaluated with.
  ///
  /// - Parameter values: Those of the whole config.
  public func values(_ values: LayoutValues, ofLayer layer: Int) -> LayoutValues {
    var sizes = values.sizes
    if variant.layers.contains(layer) {
      for (position, size) in variant.sizes { sizes[position] = size }
    }
    if let position = layout.denseKindPosition { sizes[position] = denseKind(layer) }
    return LayoutValues(sizes: sizes, flags: values.flags, layer: layer)
  }

  private func denseKind(_ layer: Int) -> Int {
    denseKinds.indices.contains(layer) ? denseKinds[layer] : 0
  }

  /// A number that two stored layers share if and only if they have the same tensors but for their
  /// number; layers of one class have one kind, one variant and the same answers to conditions.
  public func layerClass(_ layer: Int) -> LayerClass {
    LayerClass(
      kinds: kinds(ofLayer: layer), denseKind: denseKind(layer),
      isVariant: variant.layers.contains(layer),
      layer: layout.hasLayerConditions ? layer : nil)
  }
}

extension ModelConfig: Hashable {
  /// Whether both are of one layout and have the same values.
  public static func == (lhs: ModelConfig, rhs: ModelConfig) -> Bool {
    lhs.sizes == rhs.sizes && lhs.flags == rhs.flags && lhs.variant == rhs.variant
      && lhs.layerKinds == rhs.layerKinds && lhs.denseKinds == rhs.denseKinds
      && lhs.mtpLayerCount == rhs.mtpLayerCount && lhs.dtype == rhs.dtype
      && lhs.layout == rhs.layout
  }

  /// Feeds the values to the hasher.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(layout)
    hasher.combine(sizes)
    hasher.combine(flags)
    hasher.combine(variant)
    hasher.combine(layerKinds)
    hasher.combine(denseKinds)
    hasher.combine(mtpLayerCount)
    hasher.combine(dtype)
  }
}

extension ModelConfig {
  private func checkRanges() throws(ConfigError) {
    for (rule, value) in zip(layout.sizes, sizes) {
      guard case .fields = rule.source else { continue }
      try ConfigLimits.range(of: rule).check(value, field: rule.field)
    }
    try ConfigLimits.layers.check(hiddenLayerCount, field: layout.layers.countField)
    if let prediction = layout.layers.prediction {
      try ConfigLimits.mtpLayers.check(mtpLayerCount, field: prediction.field)
    } else if mtpLayerCount != 0 {
      throw ConfigError(
        field: "num_nextn_predict_layers", expected: "none with layout \(layout.name)",
        found: "\(mtpLayerCount)")
    }
    let field = layout.sizes[layout.position(of: .experts) ?? 0].field
    guard storedLayerCount * expertCount <= ConfigLimits.expertsInAllLayers else {
      throw ConfigError(
        field: field,
        expected: "at most \(ConfigLimits.expertsInAllLayers) experts in all layers",
        found: "\(expertCount) x \(storedLayerCount)")
    }
    guard dtype.isFloatingPoint else {
      throw ConfigError(
        field: "dtype", expected: "a floating-point type", found: dtype.rawValue)
    }
    try checkVariant()
    try checkShapes()
  }

  /// The ranges of sizes that some layers have.
  private func checkVariant() throws(ConfigError) {
    for (position, size) in variant.sizes.sorted(by: { $0.key < $1.key }) {
      let rule = layout.sizes[position]
      try ConfigLimits.range(of: rule).check(size, field: rule.variant?.field ?? rule.field)
    }
    guard variant.layers.allSatisfy({ 0..<storedLayerCount ~= $0 }) else {
      throw ConfigError(
        field: layout.variant?.listField ?? "config.json", expected: "layers of the model",
        found: "others")
    }
  }

  /// Every shape has a size, and all tensors together fewer than 2^62 bytes.
  private func checkShapes() throws(ConfigError) {
    let all = values(isGated: true)
    var total: Double = 0
    let layers: [Int?] =
      [
        variant.layers.min(), (0..<storedLayerCount).first { !variant.layers.contains($0) },
      ] + layout.layers.denseNames.indices.map { denseKinds.firstIndex(of: $0 + 1) }
    for (rule, layer) in layout.tensors.flatMap({ rule in
      layers.compactMap { $0 }.map { (rule, $0) }
    }) {
      let values = rule.kinds == nil ? all : values(all, ofLayer: layer)
      guard rule.isPresent(values) else { continue }
      guard let extents = rule.extents(values) else {
        throw ConfigError(
          field: "config.json",
          expected: "sizes from which the shape of "
            + "'\(rule.name.name(expert: 0))' follows", found: "none that is a whole number")
      }
      let copies =
        (rule.kinds == nil ? 1 : storedLayerCount) * (rule.name.hasExpert ? expertCount : 1)
      total += extents.reduce(Double(copies)) { $0 * Double($1) }
    }
    guard total < 0x1p59 else {
      throw ConfigError(
        field: "config.json", expected: "sizes of a checkpoint below 2^62 bytes",
        found: "\(total) elements")
    }
  }
}

/// What decides which tensors a layer has.
public struct LayerClass: Sendable, Hashable {
  /// Its kind, one of them.
  public let kinds: LayerKinds
  /// Which of several kinds without experts it has, 1 for the first; 0 for others.
  public let denseKind: Int
  /// Whether it has sizes of its own.
  public let isVariant: Bool
  /// Its number, where conditions ask for that.
  public let layer: Int?
}

extension LayerRule {
  /// The kinds of layers without experts: the given ones, and in turn where none is.
  fileprivate func denseKinds(of layers: [LayerKind], given: [Int]) -> [Int] {
    let count = denseNames.count
    guard count > 0 else { return [] }
    var turn = -1
    return layers.enumerated().map { layer, kind in
      guard kind == .dense else { return 0 }
      turn += 1
      let own = given.indices.contains(layer) ? given[layer] : 0
      return 1...count ~= own ? own : turn % count + 1
    }
  }
}

extension Layout {
  /// The values of all sizes, in their order.
  ///
  /// - Parameter given: The value of a size that has a field, or nil where that is absent.
  func sizeValues(
    _ given: (SizeRule) throws(ConfigError) -> Int?
  ) throws(ConfigError) -> [Int] {
    var result = [Int?](repeating: nil, count: sizes.count)
    var open: [Int] = []
    for (position, rule) in sizes.enumerated() {
      switch rule.source {
      case .gated: result[position] = 1
      case .derived: open.append(position)
      case .fields:
        result[position] = try given(rule)
        if result[position] == nil { open.append(position) }
      }
    }
    // Fallbacks and derived sizes may need each other; each round settles one at least.
    while !open.isEmpty {
      let values = LayoutValues(
        sizes: result.map { $0 ?? 0 }, flags: flags.map(\.fallback))
      let settled = open.filter { position in
        guard let expression = sizes[position].expression else { return false }
        return expression.mentionedSizes.allSatisfy { result[$0] != nil }
      }
      guard !settled.isEmpty else { throw missing(sizes[open[0]]) }
      for position in settled {
        guard let value = sizes[position].expression?.value(values) else {
          throw missing(sizes[position])
        }
        result[position] = value
      }
      open.removeAll { settled.contains($0) }
    }
    return result.map { $0 ?? 0 }
  }

  private func missing(_ rule: SizeRule) -> ConfigError {
    guard case .fields(let names, let aliases, let fallback) = rule.source else {
      return ConfigError(
        field: rule.symbol, expected: "a whole number that follows from other sizes", found: "none")
    }
    let others = (names.dropFirst() + aliases).map { ", nor '\($0)'" }.joined()
    let way = fallback.map { ", or \(inFields($0))" } ?? ""
    return ConfigError(
      field: names[0], expected: "a whole number\(way)", found: "no such field\(others)")
  }

  /// An expression in the names of fields.
  private func inFields(_ expression: Expression) -> String {
    switch expression {
    case .constant(let number): return "\(number)"
    case .size(let position): return sizes[position].field
    case .layer: return "the layer"
    case .binary(.over, let left, let right):
      return "a \(inFields(left)) that \(inFields(right)) divides"
    case .binary(let sign, let left, let right):
      return "\(inFields(left)) \(sign.rawValue) \(inFields(right))"
    }
  }
}

extension SizeRule {
  /// What gives the value where no field does.
  fileprivate var expression: Expression? {
    switch source {
    case .fields(_, _, let fallback): fallback
    case .derived(let expression): expression
    case .gated: nil
    }
  }
}
