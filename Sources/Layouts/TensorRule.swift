// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Tensors

/// Whether a layer's feed-forward part is one dense network or a mixture of experts.
public enum LayerKind: String, Sendable, Hashable {
  /// A layer with one feed-forward network.
  case dense
  /// A layer with experts.
  case sparse
}

/// Kinds of stored layers.
public struct LayerKinds: OptionSet, Sendable, Hashable {
  /// One bit a kind.
  public let rawValue: UInt8

  /// Creates a set from bits.
  public init(rawValue: UInt8) {
    self.rawValue = rawValue
  }

  /// Decoder layers without experts.
  public static let dense = LayerKinds(rawValue: 1)
  /// Decoder layers with experts.
  public static let sparse = LayerKinds(rawValue: 2)
  /// Multi-token prediction layers.
  public static let mtp = LayerKinds(rawValue: 4)
  /// All of them.
  public static let all: LayerKinds = [.dense, .sparse, .mtp]
}

/// Which layers a checkpoint has.
public struct LayerRule: Sendable, Hashable {
  /// How a config says which decoder layers have experts.
  public enum Pattern: Sendable, Hashable {
    /// Every layer has experts.
    case all
    /// The first so many layers are dense.
    case from(field: String, fallback: Int?)
    /// A list with a text or a number for each layer, or a text with a letter for each.
    case kinds(field: String, names: [KindName] = KindName.plain)
    /// A list of dense layers, and that only each so many-th of the others is sparse.
    case except(field: String, step: String?)
    /// A list of sparse layers.
    case only(field: String)
  }

  /// A kind of layers by its name in the table, and what configs call it.
  public struct KindName: Sendable, Hashable {
    /// The key in the block of layers; layers of all kinds but `sparse` have no experts.
    public let name: String
    /// The texts, the one that is written first.
    public let texts: [String]

    /// Those of families with one kind of layers without experts.
    public static let plain = [
      KindName(name: "dense", texts: ["dense", "0"]),
      KindName(name: "sparse", texts: ["sparse", "1"]),
    ]
  }

  /// Multi-token prediction layers, stored after the decoder layers.
  public struct Prediction: Sendable, Hashable {
    /// The field with their number.
    public let field: String
    /// Whether upstream drops them when it loads a checkpoint.
    public let isDroppedOnLoad: Bool
    /// What they have beside tensors of their own.
    public let kind: LayerKind
  }

  /// The field with the number of decoder layers.
  public let countField: String
  /// The ways to say which are sparse; those present in a config must agree.
  public let patterns: [Pattern]
  /// Multi-token prediction layers, or nil if the family has none.
  public let prediction: Prediction?

  /// The names of the kinds of layers without experts, where there are several.
  public var denseNames: [String] {
    for case .kinds(_, let names) in patterns where names != KindName.plain {
      return names.map(\.name).filter { $0 != LayerKind.sparse.rawValue }
    }
    return []
  }
}

/// What a tensor is in the model.
public enum TensorRole: String, Sendable, Hashable, CaseIterable {
  /// A part of an expert.
  case expert
  /// A router's weight.
  case router
  /// A router's bias for each expert.
  case routerBias = "router bias"
  /// The projections of shared experts.
  case sharedExpert = "shared expert"
  /// The projections of dense layers.
  case dense
  /// The projections of attention.
  case attention
  /// A norm.
  case norm
  /// The embedding.
  case embedding
  /// The head.
  case head
  /// What only prediction layers have.
  case prediction
  /// A norm that only prediction layers have.
  case predictionNorm = "prediction norm"
  /// All else.
  case other
}

/// Which part of an expert a tensor is.
public enum ExpertPart: String, Sendable, Hashable, CaseIterable {
  /// The projection that the activation is taken of.
  case gate
  /// The projection that is multiplied with it.
  case up
  /// The projection back to the hidden size.
  case down
  /// Gate and up in one tensor.
  case gateAndUp = "gate and up"
}

/// A name, relative to its layer if it has one, in which an expert's number may stand.
public struct NamePattern: Sendable, Hashable {
  /// What stands before the number, or the whole name.
  public let start: String
  /// What stands after the number, or nil of names without one.
  public let end: String?

  /// Creates a name.
  public init(start: String, end: String?) {
    self.start = start
    self.end = end
  }

  /// Whether the name has an expert's number in it.
  public var hasExpert: Bool { end != nil }

  /// The name of an expert; names without a number are the same for all.
  public func name(expert: Int) -> String {
    end.map { "\(start)\(expert)\($0)" } ?? start
  }
}

/// A tensor that a family has on disk, and its place in native form.
public struct TensorRule: Sendable, Hashable {
  /// An axis on disk: its index letter, if it has one, and its extent.
  public struct Axis: Sendable, Hashable {
    /// The letter in index formulas.
    public let letter: String?
    /// The number of indices.
    public let extent: Expression
  }

  /// The native side.
  public enum Native: Sendable, Hashable {
    /// The same name and elements.
    case kept
    /// The same elements under another name.
    case renamed(NamePattern)
    /// A part of a group.
    case part(group: Int, [IndexTerm])
  }

  /// The kinds of layers that have it, or nil outside layers.
  public let kinds: LayerKinds?
  /// Whether it comes after the layers, where it is outside them.
  public let isAfterLayers: Bool
  /// The name on disk, written with the first prefix.
  public internal(set) var name: NamePattern
  /// The axes on disk.
  public let axes: [Axis]
  /// The element type, or nil for that of the config.
  public let dtype: DType?
  /// When a checkpoint has it.
  public let condition: Condition
  /// What it is.
  public let role: TensorRole
  /// Which part of an expert it is, if it is a weight or a bias of experts.
  public let part: ExpertPart?
  /// What reports call it.
  public internal(set) var word: String
  /// Where it is in native form.
  public internal(set) var native: Native
  /// The extents in native form of one that has the same elements in another shape there, or nil.
  public internal(set) var nativeExtents: [Expression]?
  /// Whether its rows in native form are the first of those on disk, of which the others are zero.
  public internal(set) var isCropped = false
  /// The type that it takes whenever it is loaded, where only its name differs; nil if it keeps its own.
  public internal(set) var loadedType: DType?

  /// The native tensors that it is cut into along its first axis, in order; empty where it stays whole. Its
  /// native name is that of the first.
  public internal(set) var pieces: [NativePiece] = []

  /// Whether it has another shape or type in native form, and no index formula.
  public var changesForm: Bool { nativeExtents != nil || loadedType != nil }

  /// Whether it holds one expert or all.
  public var isOfExperts: Bool { role == .expert }
}

/// A native tensor that is some rows of one on disk.
public struct NativePiece: Sendable, Hashable {
  /// The native name, relative to the layer.
  public let name: String
  /// The number of rows.
  public let rows: Expression
}

/// An index of a native tensor: `coefficient * letter + offset`, or with halves exchanged
/// `(letter + offset) % (2 * offset)`.
public struct IndexTerm: Sendable, Hashable {
  /// The axis on disk whose index it follows, or nil for the number of the expert in the name.
  public let axis: Int?
  /// The distance of neighbors.
  public let coefficient: Int
  /// Where index 0 goes.
  public let offset: Expression
  /// Whether the halves of the axis are exchanged; each has as many indices as the offset says.
  public let exchangesHalves: Bool
}

/// A native tensor that is made of parts by an index formula.
public struct NativeGroup: Sendable, Hashable {
  /// The native name, relative to the layer if it has one.
  public let name: String
  /// The kinds of layers that have it, or nil outside layers.
  public let kinds: LayerKinds?
  /// The tensors on disk that it is made of, by position, in the order of the table.
  public internal(set) var parts: [Int]
  /// Whether it takes the target type when a checkpoint is loaded.
  public let isCast: Bool
  /// The axis that counts experts, or nil if there is none.
  public let expertAxis: Int?
}
