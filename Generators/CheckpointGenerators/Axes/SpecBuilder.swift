// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
public import Layouts
import Synchronization
import Tensors

/// Makes a checkpoint's description of the values of all axes and the details they leave open.
struct SpecBuilder {
  let values: AxisAssignment
  let details: SpecDetails
  let config: ModelConfig

  func spec() -> CheckpointSpec {
    let experts = ExpertTypeClass.at(axisValue: values[.expertDType])
    let types = SourceTypes(
      experts: experts.dtype,
      expertBias: values[.expertBias] == ExpertBiasClass.bf16.axisValue ? .bf16 : .f32,
      others: values[.otherDType] == AxisAssignment.outside
        ? config.dtype : OtherTypeClass.at(axisValue: values[.otherDType]).dtype,
      hasScales: experts == .scaled)
    let setup = AdapterSetup(config, options(experts: experts))
    return CheckpointSpec(
      setup, types: types, extent: CheckpointScope.at(axisValue: values[.extent]),
      storesMTP: values[.mtpStorage] == MTPStorage.stored.axisValue,
      lora: lora(prefix: setup.options.prefix), keyOrder: keyOrder, parallelism: parallelism,
      exclusion: exclusion, bystanders: Bystanders.at(axisValue: values[.bystanders]),
      contents: contents, variation: details.variation,
      faults: details.faults)
  }

  private func options(experts: ExpertTypeClass) -> AdapterOptions {
    let target = TargetTypeClass.at(axisValue: values[.targetDType]).dtype
    let isStated = values[.loraLayout] == LoRALayoutHint.stated.axisValue
    let isLegacy = values[.lora] == LoRAClass.legacyParamWrapper.axisValue
    return AdapterOptions(
      targetDType: target ?? experts.dtype,
      activation: ExpertActivation.at(axisValue: values[.activation]),
      prefix: ModelPrefix.at(axisValue: values[.keyPrefix]),
      mtpPolicy: values[.mtpPolicy] == AxisValues.drop ? .drop : .preserve,
      completeness: Completeness.at(axisValue: values[.completeness]),
      paramWrapperLayout: isStated ? (isLegacy ? .legacy : .modern) : nil)
  }

  private func lora(prefix: ModelPrefix) -> LoRASpec? {
    guard let layout = LoRAClass.at(axisValue: values[.lora]).layout else { return nil }
    let rank = [1...1, 2...2, 3...4][Int(values[.loraRank])]
    let isOwn = values[.loraPrefix] == LoRAPrefixClass.own.axisValue
    return LoRASpec(
      layout, rank: details.number(rank, .loraRank),
      prefix: isOwn ? prefix.text(in: config.layout) : LoRAPrefixClass.peft.rawValue)
  }

  private var keyOrder: KeyOrder {
    switch KeyOrderClass.at(axisValue: values[.keyOrder]) {
    case .schema: .schema
    case .sorted: .sorted
    case .reversed: .reversed
    case .shuffled: .shuffled(UInt64(details[.keyOrder]))
    case .sharded: .sharded(details.number(2...5, .keyOrder))
    }
  }

  private var parallelism: ExpertParallelism? {
    let experts = config.expertCount
    let position = RankPosition.at(axisValue: values[.rankPosition])
    let least =
      switch position {
      case .first: min(2, experts)
      case .last: 2
      case .middle: 3
      }
    let sizes: [Int]
    switch ParallelismClass.at(axisValue: values[.expertParallelism]) {
    case .none: return nil
    case .dividing: sizes = (1...experts).filter { experts.isMultiple(of: $0) }
    case .uneven: sizes = (1...experts).filter { !experts.isMultiple(of: $0) }
    case .surplus: sizes = Array(experts + 1...experts + 3)
    }
    let size = details.element(of: sizes.filter { $0 >= least }, .expertParallelism)
    guard let size else { return nil }
    let rank =
      switch position {
      case .first: 0
      case .last: size - 1
      case .middle: details.number(1...(size - 2), .rankPosition)
      }
    return try? ExpertParallelism(rank: rank, size: size)
  }

  private var exclusion: Exclusion {
    switch ExclusionClass.at(axisValue: values[.exclusion]) {
    case .none: .none
    case .head: .head
    case .layer: .layer(details.number(0...(config.storedLayerCount - 1), .exclusion))
    case .experts: .experts
    case .expert: .expert(details.number(0...(config.expertCount - 1), .exclusion))
    case .projection:
      .projection(details.element(of: config.layout.expertParts, .exclusion) ?? .up)
    case .expertBias: .expertBias
    case .nativeExpertBias: .nativeExpertBias
    case .unanchored: .unanchored
    case .everything: .everything
    }
  }

  private var contents: TensorContents {
    switch ContentsClass.at(axisValue: values[.contents]) {
    case .constant: TensorContents(.constant(pattern: details[.contents] % 32))
    case .tracer: TensorContents(.tracer(digit: details[.contents] % 4))
    case .iota: TensorContents(.iota)
    case .random: TensorContents(.random, seed: details.contentsSeed)
    case .special: TensorContents(.special, seed: details.contentsSeed)
    }
  }
}

extension CheckpointSpec {
  /// The simplest checkpoint of the usual layout: one layer with one expert, all sizes 1, the simplest
  /// value of every axis and no bit set.
  public static let plainest = plainest(of: .usual)

  /// The simplest checkpoint of a layout: one layer with one expert, all sizes as small as the layout
  /// has them, the simplest value of every axis that it has and no bit set.
  public static func plainest(of layout: Layout) -> CheckpointSpec {
    if let known = plain.withLock({ $0[layout] }) { return known }
    let values = AxisAssignment.plain(in: layout)
    let details = SpecDetails()
    let builder = ConfigBuilder(layout: layout, values: values, details: details)
    guard let config = builder.config() else {
      preconditionFailure("a config of the least counts and sizes is within all limits")
    }
    let spec = SpecBuilder(values: values, details: details, config: config).spec()
    plain.withLock { $0[layout] = spec }
    return spec
  }

  private static let plain = Mutex<[Layout: CheckpointSpec]>([:])
}

extension AxisAssignment {
  /// The simplest values of all axes that a layout has.
  static func plain(in layout: Layout) -> AxisAssignment {
    AxisAssignment(ConfigAxis.allCases.map { ($0, layout.values(of: $0).first ?? 0) })
  }
}
