// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Tensors

/// Whether names are those of a config's checkpoints on disk, and if not, why.
public struct NamesReport: Sendable {
  /// One reason why names do not fit.
  public struct Cause: Sendable, Hashable {
    /// The kinds of reasons, for machines.
    public enum Code: String, Sendable, Hashable, CaseIterable {
      case prefix
      case predictionElsewhere = "prediction layers elsewhere"
      case native = "native form"
      case grouped
      case split
      case twice = "experts twice"
      case fused = "gate and up fused"
      case packed
      case companion
      case companionIncomplete = "companion incomplete"
      case missingLayers = "missing layers"
      case surplusLayers = "surplus layers"
      case missingPrediction = "missing prediction layers"
      case surplusPrediction = "surplus prediction layers"
      case layerKind = "kind of layer"
      case missingExperts = "missing experts"
      case surplusExperts = "surplus experts"
      case renamed
      case joined
      case spelling
      case missing
      case surplus
    }

    /// What kind of reason it is.
    public let code: Code
    /// What is the matter, in a sentence without a full stop.
    public let sentence: String
    /// The keys concerned, in the order of the model or of the index.
    public let keys: [TensorName]
    /// The layers concerned; empty outside layers.
    public let layers: [Int]
  }

  /// How a range of layers, or what is outside layers, compares.
  public struct CensusLine: Sendable, Hashable {
    /// The layers; nil of what is outside.
    public let layers: ClosedRange<Int>?
    /// How many tensors one layer should have, how many of these are missing, and how many more are there.
    public let expected, missing, surplus: Int
  }

  /// The reasons, the most telling first; empty if all names fit.
  public let causes: [Cause]
  /// Names of the config's that are not there, in the order of the model.
  public let missing: [TensorName]
  /// Names that are there and not the config's, in the order of the index.
  public let surplus: [TensorName]
  /// How layers compare, one line for neighbors that are alike.
  public let census: [CensusLine]
  /// How many names there are.
  public let count: Int
  /// How many names the config's checkpoints have.
  public let expectedCount: Int
  /// Companions of weights that the layout knows, such as scales, and how many there are.
  public let companions: [(suffix: String, count: Int)]
  /// What other names begin with that pass unchanged, such as those of a vision tower, and how many there are.
  public let others: [(start: String, count: Int)]
  /// Other known layouts that have all of these names.
  public let fitting: [String]

  /// Whether every name is one that the layout expects, and none is missing.
  public var fits: Bool { causes.isEmpty }
}
