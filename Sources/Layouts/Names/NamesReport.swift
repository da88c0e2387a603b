// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Tensors

/// Whether names are those of a config's checkpoints on disk, and if not, why.
public struct NamesReport: Sendable {
  /// One reason why names do not fit.
  public struct Cause: Sendable, Hashable {
    /// The kinds of reasons, for machines.
    public enum Code: String, Sendable, Hashable, CaseIterable {
      /// Names begin with another prefix.
      case prefix
      /// Prediction layers are in a module of their own.
      case predictionElsewhere = "prediction layers elsewhere"
      /// The names are those of native form.
      case native = "native form"
      /// Experts are in one tensor where each should have its own.
      case grouped
      /// Experts have their own tensors where they should be in one.
      case split
      /// Experts are there in both forms.
      case twice = "experts twice"
      /// Gate and up of each expert are in one tensor.
      case fused = "gate and up fused"
      /// A tool has packed the weights.
      case packed
      /// There are scales that the layout does not know.
      case companion
      /// Some experts have no scales.
      case companionIncomplete = "companion incomplete"
      /// There are fewer layers than the config says.
      case missingLayers = "missing layers"
      /// There are more layers than the config says.
      case surplusLayers = "surplus layers"
      /// There are fewer prediction layers than the config says.
      case missingPrediction = "missing prediction layers"
      /// There are more prediction layers than the config says.
      case surplusPrediction = "surplus prediction layers"
      /// Dense layers have experts, or sparse ones have none.
      case layerKind = "kind of layer"
      /// There are fewer experts than the config says.
      case missingExperts = "missing experts"
      /// There are more experts than the config says.
      case surplusExperts = "surplus experts"
      /// Tensors have other names.
      case renamed
      /// Projections are joined in one tensor.
      case joined
      /// Numbers have leading zeros.
      case spelling
      /// Names are missing that no other code explains.
      case missing
      /// Names are surplus that no other code explains.
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
