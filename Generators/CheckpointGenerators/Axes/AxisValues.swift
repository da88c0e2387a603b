// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
import Tensors

/// Where a checkpoint lies in the space of configs: the position of its value on every axis.
///
/// It is read off the checkpoint's description, however that was made.
public struct AxisValues: Sendable, Hashable {
  let assignment: AxisAssignment

  /// The value of `MTPPolicy.drop`.
  static let drop: UInt8 = 1

  /// Classifies a checkpoint.
  public init(_ spec: CheckpointSpec) {
    var values = AxisValues(spec.config).assignment
    values[.mtpStorage] =
      (spec.storesMTP || spec.config.mtpLayerCount == 0
      ? MTPStorage.stored : MTPStorage.absent).axisValue
    Self.classify(spec.parallelism, experts: spec.config.expertCount, &values)
    Self.classify(spec.types, &values)
    let options = spec.options
    values[.targetDType] =
      options.targetDType == spec.types.experts
      ? TargetTypeClass.same.axisValue
      : Self.position { (value: TargetTypeClass) in value.dtype == options.targetDType }
    if !spec.config.hasRouterBias { values[.expertBias] = ExpertBiasClass.absent.axisValue }
    values[.activation] = options.activation.axisValue
    values[.mtpPolicy] = options.mtpPolicy == .drop ? Self.drop : 0
    values[.keyPrefix] = options.prefix.axisValue
    values[.completeness] = options.completeness.axisValue
    Self.classify(spec.lora, options, ownPrefix: spec.prefix, &values)
    values[.extent] = spec.extent.axisValue
    values[.keyOrder] = KeyOrderClass(spec.keyOrder).axisValue
    values[.exclusion] = ExclusionClass(spec.exclusion).axisValue
    values[.contents] = Self.position { (value: ContentsClass) in
      value.rawValue == spec.contents.kind.name
    }
    values[.bystanders] = spec.bystanders.axisValue
    assignment = values
  }

  /// Classifies a config; the axes of everything else have no value.
  init(_ config: ModelConfig) {
    var values = AxisAssignment()
    values[.experts] = Self.position(of: config.expertCount, in: AxisTable.expertRanges)
    values[.decoderLayers] = Self.position(of: config.hiddenLayerCount, in: AxisTable.layerRanges)
    values[.densePrefix] = Self.densePrefix(config.layerKinds)
    values[.mtpLayers] = Self.position(of: config.mtpLayerCount, in: AxisTable.mtpRanges)
    values[.hiddenSize] = HiddenSizeClass(config.hiddenSize).axisValue
    values[.intermediateSize] =
      IntermediateRelation(config.moeIntermediateSize, hidden: config.hiddenSize).axisValue
    values[.sharedExperts] = Self.position(
      of: config.sharedExpertCount, in: AxisTable.sharedExpertRanges)
    let isShared =
      config[.keyValueHeads].map { $0 < config.attentionHeadCount } ?? false
    values[.heads] =
      (!isShared ? HeadSharing.none : config.keyValueHeadCount == 1 ? .one : .groups).axisValue
    values[.queryKeyNorm] = config.hasQueryKeyNorm ? 0 : 1
    values[.biases] =
      switch (config.hasAttentionBias, config.hasMLPBias) {
      case (false, false): BiasPlaces.none.axisValue
      case (true, false): BiasPlaces.attention.axisValue
      case (false, true): BiasPlaces.mlp.axisValue
      case (true, true): BiasPlaces.both.axisValue
      }
    values[.tiedEmbeddings] = config.tiesWordEmbeddings ? 1 : 0
    assignment = values
  }

  /// Reads what `bytes` holds; nil where its length is not the number of axes.
  public init?(bytes: [UInt8]) {
    guard bytes.count == ConfigAxis.allCases.count else { return nil }
    assignment = AxisAssignment(Array(zip(ConfigAxis.allCases, bytes)))
  }

  /// The positions in the order of the axes, one byte each; 254 for a value that no axis lists.
  public var bytes: [UInt8] { assignment.bytes }

  /// The position of the value of an axis, or nil for a value that the axis does not list.
  public subscript(_ axis: ConfigAxis) -> Int? {
    let value = Int(assignment[axis])
    return value < axis.valueCount ? value : nil
  }

  private static func position(of number: Int, in ranges: [ClosedRange<Int>]) -> UInt8 {
    ranges.firstIndex { $0.contains(number) }.map { UInt8($0) } ?? AxisAssignment.outside
  }

  private static func densePrefix(_ kinds: [LayerKind]) -> UInt8 {
    let dense = kinds.prefix { $0 == .dense }.count
    if dense == kinds.count { return DensePrefix.everything.axisValue }
    if kinds[dense...].contains(.dense) { return DensePrefix.scattered.axisValue }
    return (dense == 0 ? DensePrefix.nothing : dense == 1 ? .one : .several).axisValue
  }

  private static func classify(
    _ parallelism: ExpertParallelism?, experts: Int, _ values: inout AxisAssignment
  ) {
    guard let (rank, size) = parallelism.map({ ($0.rank, $0.size) }) else {
      values[.expertParallelism] = ParallelismClass.none.axisValue
      values[.rankPosition] = RankPosition.first.axisValue
      return
    }
    values[.expertParallelism] =
      (size > experts
      ? ParallelismClass.surplus : experts.isMultiple(of: size) ? .dividing : .uneven).axisValue
    values[.rankPosition] =
      (rank == 0 ? RankPosition.first : rank == size - 1 ? .last : .middle).axisValue
  }

  private static func classify(_ types: SourceTypes, _ values: inout AxisAssignment) {
    values[.expertDType] = position { (value: ExpertTypeClass) in
      value.dtype == types.experts && (value == .scaled) == types.hasScales
    }
    values[.otherDType] = position { (value: OtherTypeClass) in value.dtype == types.others }
    values[.expertBias] =
      switch types.expertBias {
      case .f32: ExpertBiasClass.f32.axisValue
      case .bf16: ExpertBiasClass.bf16.axisValue
      default: AxisAssignment.outside
      }
  }

  private static func classify(
    _ lora: LoRASpec?, _ options: AdapterOptions, ownPrefix: String,
    _ values: inout AxisAssignment
  ) {
    values[.lora] = position { (value: LoRAClass) in value.layout == lora?.layout }
    values[.loraRank] = lora.map { position(of: $0.rank, in: AxisTable.loraRankRanges) } ?? 0
    values[.loraPrefix] =
      switch lora?.prefix {
      case nil, LoRAPrefixClass.peft.rawValue: LoRAPrefixClass.peft.axisValue
      case ownPrefix: LoRAPrefixClass.own.axisValue
      default: AxisAssignment.outside
      }
    values[.loraLayout] =
      (options.paramWrapperLayout == nil ? LoRALayoutHint.unstated : .stated).axisValue
  }
}

extension AxisValues {
  /// The position of the first case that meets a condition.
  private static func position<Value: CaseIterable & Equatable>(
    where matches: (Value) -> Bool
  ) -> UInt8 {
    Value.allCases.first(where: matches)?.axisValue ?? AxisAssignment.outside
  }
}

extension KeyOrderClass {
  init(_ order: KeyOrder) {
    self =
      switch order {
      case .schema: .schema
      case .sorted: .sorted
      case .reversed: .reversed
      case .shuffled: .shuffled
      case .sharded: .sharded
      }
  }
}

extension ExclusionClass {
  init(_ exclusion: Exclusion) {
    self =
      switch exclusion {
      case .none: .none
      case .head: .head
      case .layer: .layer
      case .experts: .experts
      case .expert: .expert
      case .projection: .projection
      case .expertBias: .expertBias
      case .nativeExpertBias: .nativeExpertBias
      case .unanchored: .unanchored
      case .everything: .everything
      }
  }
}
