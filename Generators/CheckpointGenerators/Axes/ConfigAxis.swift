// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts

/// One thing in which checkpoints and the adapters made for them differ, with few values.
///
/// The order is that of importance: a counterexample is shrunk along the first axes first.
public enum ConfigAxis: UInt8, Sendable, Hashable, CaseIterable {
  /// The number of routed experts.
  case experts
  /// The number of layers without those of multi-token prediction.
  case decoderLayers
  /// Which of the layers are dense.
  case densePrefix
  /// The number of layers of multi-token prediction.
  case mtpLayers
  /// Whether the checkpoint has the prediction layers that its config counts.
  case mtpStorage
  /// The hidden size.
  case hiddenSize
  /// The inner size of experts beside the hidden size: equal, twice, or neither.
  case intermediateSize
  /// The number of shared experts.
  case sharedExperts
  /// Query heads beside key and value heads.
  case heads
  /// Whether queries and keys have norms.
  case queryKeyNorm
  /// Which projections have biases.
  case biases
  /// Whether the head is the embedding.
  case tiedEmbeddings
  /// The number of ranks that share the experts.
  case expertParallelism
  /// Which of the ranks converts.
  case rankPosition
  /// The element type of experts on disk.
  case expertDType
  /// The element type that experts are cast to.
  case targetDType
  /// The element type of all else.
  case otherDType
  /// Whether routers have a bias for each expert.
  case expertBias
  /// The activation of experts, which says whether they have a gate.
  case activation
  /// Which low-rank factors there are.
  case lora
  /// Their rank beside the sizes of the weight.
  case loraRank
  /// What their names begin with.
  case loraPrefix
  /// Which of PEFT's two layouts fused factors have.
  case loraLayout
  /// Whether the checkpoint is a whole model or a part.
  case extent
  /// Whether the adapter is told that keys may be missing.
  case completeness
  /// What the adapter does with prediction layers.
  case mtpPolicy
  /// What names begin with.
  case keyPrefix
  /// The order of keys.
  case keyOrder
  /// Which keys a pattern leaves out.
  case exclusion
  /// What the elements are.
  case contents
  /// Which keys of no rule there are.
  case bystanders

  /// The name shown in reports.
  public var name: String { AxisTable.axes[Int(rawValue)].name }

  /// The labels of the values, the simplest first.
  public var values: [String] { AxisTable.axes[Int(rawValue)].labels }

  /// The number of values.
  var valueCount: Int { AxisTable.axes[Int(rawValue)].labels.count }

  /// The position of a value by its label, or nil if there is none.
  public func value(_ label: String) -> Int? { values.firstIndex(of: label) }
}

/// The values of every axis: their labels, and how often they are drawn.
enum AxisTable {
  static let expertRanges: [ClosedRange<Int>] = [
    1...1, 2...2, 3...3, 4...8, 9...9, 10...10, 11...11, 12...12, 13...98, 99...99, 100...100,
    101...101, 128...128, 192...192,
  ]
  /// Wider than what is drawn, so that every config has a value.
  static let layerRanges = [1...1, 2...2, 3...9, 10...Int.max]
  static let mtpRanges = [0...0, 1...1, 2...2, 3...Int.max]
  static let sharedExpertRanges = [0...0, 1...1, 2...Int.max]
  static let loraRankRanges = [1...1, 2...2, 3...Int.max]

  /// The name of each axis, and the labels of its values, the simplest first.
  static let axes: [(name: String, labels: [String])] = ConfigAxis.allCases.map { axis in
    switch axis {
    case .experts: ("experts", expertRanges.map(label))
    case .decoderLayers: ("decoder layers", layerRanges.map(label))
    case .densePrefix: ("dense layers", labels(of: DensePrefix.self))
    case .mtpLayers: ("MTP layers", mtpRanges.map(label))
    case .mtpStorage: ("MTP layers on disk", labels(of: MTPStorage.self))
    case .hiddenSize: ("hidden size", labels(of: HiddenSizeClass.self))
    case .intermediateSize: ("MoE intermediate size", labels(of: IntermediateRelation.self))
    case .sharedExperts: ("shared experts", sharedExpertRanges.map(label))
    case .heads: ("attention heads", labels(of: HeadSharing.self))
    case .queryKeyNorm: ("query and key norm", ["present", "absent"])
    case .biases: ("biases", labels(of: BiasPlaces.self))
    case .tiedEmbeddings: ("embeddings", ["untied", "tied"])
    case .expertParallelism: ("expert parallelism", labels(of: ParallelismClass.self))
    case .rankPosition: ("rank", labels(of: RankPosition.self))
    case .expertDType: ("expert type", labels(of: ExpertTypeClass.self))
    case .targetDType: ("target type", labels(of: TargetTypeClass.self))
    case .otherDType: ("other type", labels(of: OtherTypeClass.self))
    case .expertBias: ("expert bias", labels(of: ExpertBiasClass.self))
    case .activation: ("activation", labels(of: ExpertActivation.self))
    case .lora: ("LoRA", labels(of: LoRAClass.self))
    case .loraRank: ("LoRA rank", loraRankRanges.map(label))
    case .loraPrefix: ("LoRA prefix", labels(of: LoRAPrefixClass.self))
    case .loraLayout: ("ParamWrapper layout", labels(of: LoRALayoutHint.self))
    case .extent: ("extent", ["whole model", "experts only", "LoRA only"])
    case .completeness: ("completeness", ["whole model", "present groups"])
    case .mtpPolicy: ("MTP policy", ["preserve", "drop"])
    case .keyPrefix: ("key prefix", ModelPrefix.allCases.map { $0 == .none ? "none" : $0.rawValue })
    case .keyOrder: ("key order", labels(of: KeyOrderClass.self))
    case .exclusion: ("exclusion", labels(of: ExclusionClass.self))
    case .contents: ("contents", labels(of: ContentsClass.self))
    case .bystanders: ("unknown keys", labels(of: Bystanders.self))
    }
  }

  /// How often each value of an axis is drawn, in parts of their sum.
  ///
  /// Many experts are slow, and the plain value of an axis is what most laws are sharpest on.
  static let weights: [[Int]] = ConfigAxis.allCases.map { axis in
    var weights = axes[Int(axis.rawValue)].labels.map { _ in 1 }
    switch axis {
    case .experts: weights = [6, 6, 6, 7, 3, 4, 4, 3, 3, 1, 1, 1, 1, 1]
    case .decoderLayers: weights = [4, 4, 3, 1]
    case .densePrefix: weights = [3, 2, 2, 2, 1]
    case .expertParallelism: weights[0] = 3
    case .targetDType: weights[0] = 8
    case .lora: weights[0] = 6
    case .extent: weights[0] = 6
    case .exclusion: weights[0] = 3
    case .bystanders: weights[0] = 14
    default: break
    }
    return weights
  }

  /// The values of an axis, each as often as its weight says.
  static let lots: [[UInt8]] = weights.map { weights in
    weights.enumerated().flatMap { value, weight in
      repeatElement(UInt8(value), count: weight)
    }
  }

  private static func labels<Value: RawRepresentable<String> & CaseIterable>(
    of _: Value.Type
  ) -> [String] {
    Value.allCases.map(\.rawValue)
  }

  private static func label(_ range: ClosedRange<Int>) -> String {
    if range.lowerBound == range.upperBound { return "\(range.lowerBound)" }
    return range.upperBound == .max
      ? "\(range.lowerBound) or more" : "\(range.lowerBound)-\(range.upperBound)"
  }
}
