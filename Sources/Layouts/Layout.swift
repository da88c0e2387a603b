// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import StrictJSON
public import Tensors

/// What a checkpoint of a model family looks like, on disk and in one native form, read from a table.
///
/// docs/layout-tables.md teaches the format. Names, shapes, groups, index formulas and config fields all
/// come from here; no other Swift file knows the part of a key.
public final class Layout: Sendable {
  private let parts: LayoutParts
  /// The name of the table, such as `qwen3_moe`.
  public var name: String { parts.name }
  /// The native form that this layout converts to, one of `natives`.
  public var native: String { parts.native }
  /// The native forms that the table holds, the default first.
  public var natives: [String] { parts.natives }
  /// The values of `model_type` in a `config.json` that the table reads.
  public var modelTypes: [String] { parts.modelTypes }
  /// The value of `architectures` in generated configs.
  public var architecture: String? { parts.architecture }
  /// Upstream's adapter class, below `nemo_automodel.components.models`.
  public var upstream: String? { parts.upstream }
  /// The object of `config.json` that holds the fields, and before it those around it.
  public var configRoot: [String] { parts.configRoot }
  /// The numbers that shapes are made of.
  public var sizes: [SizeRule] { parts.sizes }
  /// The switches that decide which tensors there are.
  public var flags: [FlagRule] { parts.flags }
  /// What generated configs carry beside sizes and flags.
  public var constants: [(field: String, value: JSONValue)] { parts.constants }
  /// Which layers there are.
  public var layers: LayerRule { parts.layers }
  /// What names on disk may start with; the table's names are written with the first.
  public var prefixes: [String] { parts.prefixes }
  /// What names begin with where that is another text natively; empty where it is the same.
  public var starts: [NameStart] { parts.starts }
  /// What stands in place of `weight` in the names of tensors that accompany weights.
  public var companions: [String] { parts.companions }
  /// The groups that have low-rank factors, the one that PEFT's ParamWrapper wraps first in front.
  public var lora: [LoRARule] { parts.lora }
  /// Which keys loading first moves after all others, one after the other.
  public var order: [OrderRule] { parts.order }
  /// What target types become where loading casts every tensor of floating-point numbers; nil where it casts
  /// experts alone.
  public var castsAll: [DType: DType]? { parts.castsAll }
  /// All tensors, in the order in which a checkpoint on disk has them.
  public var tensors: [TensorRule] { parts.tensors }
  /// The modules whose names differ, whatever follows.
  public var modules: [ModuleRename] { parts.modules }
  /// The native tensors that have an index formula.
  public var groups: [NativeGroup] { parts.groups }
  /// What the names of layers have before the number, written with the first prefix.
  public var layerStart: String { parts.layerStart }
  /// The same without the prefix, such as `layers.`.
  public let block: String
  /// The text of the table.
  public var text: String { parts.text }
  /// Whether some tensors are in layers of some numbers only.
  let hasLayerConditions: Bool
  /// The names, ready to be looked up.
  let keys: KeyTable
  /// Where in the tables all of this stands.
  var marks: LayoutMarks { parts.marks }
  /// The names of groups in other native forms of the table, relative to the layer.
  public var foreignGroups: [String] { parts.foreignGroups }
  /// What the names of experts' tensors start with and no other tensor's, on disk and natively.
  public let expertModules: [String]

  init(_ parts: LayoutParts) {
    self.parts = parts
    let (start, prefix) = (parts.layerStart, parts.prefixes[0])
    block = String(start.dropFirst(start.hasPrefix(prefix) ? prefix.count : 0))
    keys = KeyTable(parts, block: block)
    expertModules = Self.expertModules(parts)
    hasLayerConditions = parts.tensors.contains { tensor in
      tensor.condition.mentionsLayer || tensor.axes.contains { $0.extent.mentionsLayer }
    }
  }

  /// The position of a size by its symbol, or nil if the layout has none of that symbol.
  public func position(of symbol: SizeSymbol) -> Int? {
    sizes.firstIndex { $0.symbol == symbol.rawValue }
  }

  /// The symbol of the size that says which of the named kinds a layer without experts has, 1 for the first.
  static let denseKindSymbol = "kind"

  /// The position of that size, or nil where such layers are all of one kind.
  var denseKindPosition: Int? { sizes.firstIndex { $0.symbol == Self.denseKindSymbol } }

  /// The position of a flag by its name, or nil if the layout has none of that name.
  public func position(ofFlag name: String) -> Int? {
    flags.firstIndex { $0.name == name }
  }

  /// Which layers have other sizes, or nil if all have the same.
  public var variant: LayerVariant? { sizes.lazy.compactMap(\.variant).first }

  /// Whether experts may lack gates, as an option says.
  public var hasGateOption: Bool { sizes.contains { $0.source == .gated } }

  /// Whether experts can have gates at all.
  public var canHaveGates: Bool { tensors.contains { $0.part == .gate || $0.part == .gateAndUp } }

  /// A name as it stands under another prefix.
  public func name(_ name: String, under prefix: String) -> String {
    name.hasPrefix(prefixes[0]) ? prefix + name.dropFirst(prefixes[0].count) : name
  }

  /// What the names of a layer start with under a prefix.
  public func start(ofLayer layer: Int, under prefix: String) -> String {
    "\(name(layerStart, under: prefix))\(layer)."
  }
}

extension Layout: Hashable {
  /// Whether two layouts are the same native form of the same table.
  public static func == (lhs: Layout, rhs: Layout) -> Bool {
    lhs === rhs || lhs.name == rhs.name && lhs.native == rhs.native && lhs.text == rhs.text
  }

  /// Feeds the names of table and native form to the hasher.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(name)
    hasher.combine(native)
  }
}

/// The symbols of sizes with a meaning to the harness; a table may have others.
public enum SizeSymbol: String, Sendable, Hashable, CaseIterable {
  /// The number of routed experts.
  case experts = "E"
  /// The hidden size.
  case hidden = "H"
  /// The inner size of an expert.
  case intermediate = "I"
  /// The size of the vocabulary.
  case vocabulary = "V"
  /// The inner size of dense layers.
  case denseIntermediate = "D"
  /// The number of shared experts.
  case sharedExperts = "S"
  /// The number of query heads.
  case heads = "P"
  /// The number of key and value heads.
  case keyValueHeads = "K"
  /// The size of a head.
  case headSize = "A"
}

/// A number of a config.
public struct SizeRule: Sendable, Hashable {
  /// Where the number comes from.
  public enum Source: Sendable, Hashable {
    /// Fields that all mean it, then those that are accepted and not written.
    case fields([String], aliases: [String], fallback: Expression?)
    /// Other sizes.
    case derived(Expression)
    /// Whether experts are gated, 1 or 0, as the activation in the options says.
    case gated
  }

  /// The symbol in shapes.
  public let symbol: String
  /// Where the number comes from.
  public let source: Source
  /// The least value.
  public let least: Int
  /// The field that holds the number of some layers, or nil where all have the same.
  public let variant: LayerVariant?

  init(symbol: String, source: Source, least: Int, variant: LayerVariant? = nil) {
    self.symbol = symbol
    self.source = source
    self.least = least
    self.variant = variant
  }

  /// The field that errors name.
  public var field: String {
    if case .fields(let names, _, _) = source { names[0] } else { symbol }
  }
}

/// Layers in which a size has another value.
public struct LayerVariant: Sendable, Hashable {
  /// The field with a list of one text a layer, or of the numbers of the layers concerned.
  public let listField: String
  /// The text of the layers concerned.
  public let value: String
  /// The text of the other layers in generated configs, or the field with their numbers.
  public let otherValue: String
  /// The field that holds the size in those layers; dots lead into objects.
  public let field: String
  /// The size in those layers, if the table says it.
  public let constant: Int?
  /// The number that the list has for the first layer, where it has numbers of layers; nil of other lists.
  public var first: Int?
  /// Whether the list has a size for each layer instead of texts.
  public var isListOfSizes: Bool { field == listField }
}

/// Keys that loading moves after all others.
public enum OrderRule: Sendable, Hashable {
  /// Those whose native place differs, whatever names begin with.
  case moved
  /// Those that have another native name and no index formula.
  case renamed
  /// Those that begin with a text on disk.
  case beginning(with: String)
}

/// A switch of a config.
public struct FlagRule: Sendable, Hashable {
  /// The name in conditions.
  public let name: String
  /// The field of `config.json`.
  public let field: String
  /// The value where the field is absent.
  public let fallback: Bool
}

/// The native names of a group's low-rank factors, and which group they belong to.
public struct LoRARule: Sendable, Hashable {
  /// The position among the groups.
  public let group: Int
  /// The last component of the native name before `_A` or `_B`.
  public let native: String
}

/// A module that has another name in native form.
public struct ModuleRename: Sendable, Hashable {
  /// The name on disk, relative to the layer, with a dot at the end.
  public let onDisk: String
  /// The native name, likewise.
  public let native: String
  /// The kinds of layers that have the module; nil outside layers.
  public let kinds: LayerKinds?
}
