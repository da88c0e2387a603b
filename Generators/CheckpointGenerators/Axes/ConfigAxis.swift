// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// One thing in which checkpoints and the adapters made for them differ, with few values.
///
/// The order is that of importance: a counterexample is made small along the first axes first.
public enum ConfigAxis: UInt8, Sendable, Hashable, CaseIterable {
  case experts
  case decoderLayers
  case densePrefix
  case mtpLayers
  case mtpStorage
  case hiddenSize
  case intermediateSize
  case sharedExperts
  case heads
  case queryKeyNorm
  case biases
  case tiedEmbeddings
  case expertParallelism
  case rankPosition
  case expertDType
  case targetDType
  case otherDType
  case expertBias
  case activation
  case lora
  case loraRank
  case loraPrefix
  case loraLayout
  case extent
  case completeness
  case mtpPolicy
  case keyPrefix
  case keyOrder
  case exclusion
  case contents
  case bystanders

  /// The name shown in reports.
  public var name: String {
    switch self {
    case .experts: "experts"
    case .decoderLayers: "decoder layers"
    case .densePrefix: "dense layers"
    case .mtpLayers: "MTP layers"
    case .mtpStorage: "MTP layers on disk"
    case .hiddenSize: "hidden size"
    case .intermediateSize: "MoE intermediate size"
    case .sharedExperts: "shared experts"
    case .heads: "attention heads"
    case .queryKeyNorm: "query and key norm"
    case .biases: "biases"
    case .tiedEmbeddings: "embeddings"
    case .expertParallelism: "expert parallelism"
    case .rankPosition: "rank"
    case .expertDType: "expert type"
    case .targetDType: "target type"
    case .otherDType: "other type"
    case .expertBias: "expert bias"
    case .activation: "activation"
    case .lora: "LoRA"
    case .loraRank: "LoRA rank"
    case .loraPrefix: "LoRA prefix"
    case .loraLayout: "ParamWrapper layout"
    case .extent: "extent"
    case .completeness: "completeness"
    case .mtpPolicy: "MTP policy"
    case .keyPrefix: "key prefix"
    case .keyOrder: "key order"
    case .exclusion: "exclusion"
    case .contents: "contents"
    case .bystanders: "unknown keys"
    }
  }

  /// The labels of the values, the simplest first.
  public var values: [String] { AxisTable.labels[Int(rawValue)] }

  /// The number of values.
  var valueCount: Int { AxisTable.labels[Int(rawValue)].count }

  /// The position of a value by its label, or nil if there is none.
  public func value(_ label: String) -> Int? { values.firstIndex(of: label) }
}
