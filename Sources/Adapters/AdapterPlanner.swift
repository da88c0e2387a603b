// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Layouts
public import Tensors

/// Makes the plans of an adapter, from names, types and shapes alone.
///
/// It holds what plans of both directions derive from a config and options once.
public struct AdapterPlanner: Sendable {
  /// The config.
  public let config: ModelConfig
  /// The options.
  public let options: AdapterOptions
  /// What sizes and conditions are evaluated with outside layers.
  let values: LayoutValues
  /// The low-rank factors that experts may have.
  let factors: [FactorGroup]
  /// The names of the config's base tensors.
  let catalog: NameCatalog
  let names: LayoutNames

  /// Creates a planner for a config.
  ///
  /// - Complexity: O(tensors of the config).
  public init(_ config: ModelConfig, _ options: AdapterOptions = AdapterOptions()) {
    self.config = config
    self.options = options
    let schema = ModelSchema(config, prefix: options.prefix, activation: options.activation)
    values = schema.values
    factors = FactorGroup.all(config.layout, values)
    names = LayoutNames(config.layout)
    catalog = NameCatalog(schema)
  }

  /// The tensors of a whole checkpoint on disk.
  public var schema: [TensorInfo] { catalog.schema }

  /// Plans the way from disk to native form.
  ///
  /// - Parameters:
  ///   - sources: The tensors on disk, in the order of the state dict, with distinct names.
  ///   - expertParallelism: The rank whose experts are wanted, or nil for all.
  /// - Throws: `AdapterError` naming every offending key.
  public func fromHF(
    _ sources: [TensorInfo], expertParallelism: ExpertParallelism? = nil
  ) throws(AdapterError) -> ConversionPlan {
    var planner = FromHFPlanner(self, sources, expertParallelism)
    return try planner.run()
  }

  /// Plans the way from native form to disk.
  ///
  /// - Parameters:
  ///   - sources: The native tensors, in the order of the state dict, with distinct names.
  ///   - exclusion: Removes the keys on disk that it matches.
  ///   - expertParallelism: The rank whose experts the grouped tensors hold, or nil for all.
  /// - Throws: `AdapterError` naming every offending key.
  public func toHF(
    _ sources: [TensorInfo], excluding exclusion: ExclusionPattern? = nil,
    expertParallelism: ExpertParallelism? = nil
  ) throws(AdapterError) -> ConversionPlan {
    var planner = ToHFPlanner(self, sources, expertParallelism, exclusion)
    return try planner.run()
  }

  /// Plans the way of one native tensor to disk, without asking for its companions.
  func toHF(
    streaming source: TensorInfo, excluding exclusion: ExclusionPattern?,
    expertParallelism: ExpertParallelism?
  ) throws(AdapterError) -> ConversionPlan {
    var planner = ToHFPlanner(self, [source], expertParallelism, exclusion)
    return try planner.run(isStreaming: true)
  }
}

extension AdapterPlanner {
  /// How many more of some names are native ones than ones on disk, of those that differ.
  public func nativeSurplus(of infos: [TensorInfo]) -> Int {
    var surplus = 0
    for info in infos {
      guard let number = catalog.number(of: info.name) else { continue }
      let role = catalog.role(of: number)
      surplus += (role.isSource(.toHF) ? 1 : 0) - (role.isSource(.fromHF) ? 1 : 0)
    }
    return surplus
  }
}

/// What planners ask of the layout.
extension AdapterPlanner {
  var layout: Layout { config.layout }

  /// What the keys of the model start with.
  var prefix: String { options.prefix.text(in: config.layout) }

  /// Whether multi-token prediction layers leave on load.
  var dropsMTP: Bool {
    options.mtpPolicy == .drop && layout.layers.prediction?.isDroppedOnLoad ?? true
  }

  /// A source's key with the start that it has on disk; nil of a key that would not come back under its own
  /// name.
  func onDisk(_ name: TensorName, _ direction: ConversionPlan.Direction) -> TensorName? {
    if layout.starts.isEmpty { return name }
    guard direction == .toHF else {
      let comesBack = layout.toDisk(layout.toNative(name)) == name
      return comesBack && !layout.beginsNatively(name.text) ? name : nil
    }
    let onDisk = layout.toDisk(name)
    return layout.toNative(onDisk) == name ? onDisk : nil
  }

  /// What becomes of a layer's tensor beside its name, or nil if it only gets another.
  func form(
    of rule: TensorRule, _ layer: Int, _ direction: ConversionPlan.Direction
  ) -> RenamedForm? {
    RenamedForm(rule, config.values(values, ofLayer: layer), direction)
  }

  /// A key of a layer taken apart, or nil for other keys.
  func key(_ name: TensorName) -> ExactKey? { ExactKey(name, layout) }

  /// Whether a key belongs to a layer after the decoder layers; LoRA factors under PEFT's own prefix do
  /// not, as upstream has it.
  func isMTP(_ key: ExactKey) -> Bool {
    // A number too large for an integer is larger than any layer count.
    [prefix, layout.prefixes[0], ""].contains(key.prefix)
      && key.layer.map { $0 >= config.hiddenLayerCount } ?? true
  }

  /// The numbers of the names on disk that a whole model has under the options.
  var required: some Sequence<Int> {
    let isMTPDropped = dropsMTP
    let mtp = catalog.mtp
    return catalog.schema.indices.lazy.filter { !(isMTPDropped && mtp.contains($0)) }
  }

  /// The experts of a rank, or all.
  func experts(of parallelism: ExpertParallelism?) -> Range<Int> {
    parallelism?.experts(of: config.expertCount) ?? 0..<config.expertCount
  }

  /// Whether all tensors of the schema must be there; state dicts of nothing but LoRA are exempt.
  func asksForWholeModel(_ sources: [TensorInfo], _ index: SourceIndex) -> Bool {
    options.completeness == .wholeModel
      && (sources.isEmpty || !index.isForeign || !sources.allSatisfy { names.isFactor($0.name) })
  }

  /// A key of a layer.
  func name(_ prefix: String, layer: Int, _ rest: String) -> TensorName {
    TensorName("\(prefix)\(layout.block)\(layer).\(rest)")
  }

  /// Another key of a key's layer.
  func name(beside key: ExactKey, _ rest: String) -> TensorName {
    TensorName("\(key.prefix)\(layout.block)\(key.layerText).\(rest)")
  }

  /// A factor's key on disk of one expert.
  func name(
    prefix: String, layer: Int, expert: Int, rule: Int, _ group: FactorGroup
  ) -> TensorName {
    TensorName(namePattern(prefix, layer: layer, rule: rule, group).name(expert: expert))
  }

  /// The key on disk of a factor, in which an expert's number may stand.
  func namePattern(
    _ prefix: String, layer: Int, rule: Int, _ group: FactorGroup
  ) -> NamePattern {
    let rest = layout.tensors[rule].name.replacingWeight(by: group.suffix)
    return NamePattern(
      start: "\(prefix)\(layout.block)\(layer).\(rest?.start ?? "")", end: rest?.end)
  }

  /// Whether a key is one of a language model rather than of some other module.
  func hasModelPrefix(_ key: ExactKey) -> Bool {
    (layout.prefixes + ModelPrefix.allCases.map(\.rawValue)).contains(key.prefix)
  }

  /// The field with the number of experts.
  var expertField: String {
    layout.position(of: .experts).map { layout.sizes[$0].field } ?? ""
  }

  /// How experts are on disk, in a word before "keys".
  var expertsOnDisk: String {
    layout.tensors.contains { $0.name.hasExpert } ? "per-expert" : "the layout's"
  }

  /// The names of experts' tensors on disk, in words.
  var expertNamesOnDisk: String {
    let rules = layout.tensors.filter { $0.isOfExperts && $0.kinds != nil }
    let names = rules.map { rule in
      rule.name.end.map { "\(rule.name.start){e}\($0)" } ?? rule.name.start
    }
    return names.joined(separator: ", ")
      + (layout.lora.isEmpty ? "" : ", their scales or LoRA factors")
  }

  /// The names of experts' native tensors, in words.
  var expertNamesNative: String {
    layout.groups.map(\.name).joined(separator: ", ")
      + (layout.lora.isEmpty ? "" : " or LoRA factors")
  }
}
