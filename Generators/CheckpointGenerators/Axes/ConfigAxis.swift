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
  public var name: String { AxisTable.axes[Int(rawValue)].name }

  /// The labels of the values, the simplest first.
  public var values: [String] { AxisTable.axes[Int(rawValue)].labels }

  /// The number of values.
  var valueCount: Int { AxisTable.axes[Int(rawValue)].labels.count }

  /// The position of a value by its label, or nil if there is none.
  public func value(_ label: String) -> Int? { values.firstIndex(of: label) }
}
