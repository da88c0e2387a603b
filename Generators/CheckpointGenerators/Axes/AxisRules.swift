// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts

extension AxisRule {
  /// All rules but the size of a checkpoint.
  static func all(in layout: Layout) -> [AxisRule] {
    layers + sizes + ranks + types + stored + lora
      + withoutExperts(predictionHasExperts: layout.layers.prediction?.kind != .dense)
  }

  private static let layers = [
    AxisRule(
      "one layer is dense or is not",
      ConfigAxis.decoderLayers.has(0),
      ConfigAxis.densePrefix.has(DensePrefix.one, .several, .scattered)),
    AxisRule(
      "more than one dense layer and a sparse one make three",
      ConfigAxis.decoderLayers.has(1), ConfigAxis.densePrefix.has(DensePrefix.several)),
    AxisRule(
      "there are no MTP layers to be absent",
      ConfigAxis.mtpLayers.has(0), ConfigAxis.mtpStorage.has(MTPStorage.absent)),
    AxisRule(
      "MTP layers that are preserved must be on disk",
      ConfigAxis.mtpPolicy.isNot(AxisValues.drop), ConfigAxis.mtpStorage.has(MTPStorage.absent)),
  ]

  private static let sizes = [
    AxisRule(
      "a size of 1 has no half and nothing between, and equals 1",
      ConfigAxis.hiddenSize.has(HiddenSizeClass.one),
      ConfigAxis.intermediateSize.has(IntermediateRelation.equal, .half, .smaller)),
    AxisRule(
      "an odd size has no half",
      ConfigAxis.hiddenSize.has(HiddenSizeClass.odd),
      ConfigAxis.intermediateSize.has(IntermediateRelation.half)),
  ]

  private static let ranks = [
    AxisRule(
      "without expert parallelism there is one rank",
      ConfigAxis.expertParallelism.has(ParallelismClass.none),
      ConfigAxis.rankPosition.isNot(RankPosition.first)),
    AxisRule(
      "one or two experts divide evenly among fewer ranks",
      experts(1...2), ConfigAxis.expertParallelism.has(ParallelismClass.uneven)),
    AxisRule(
      "one rank is the first", experts(1...1),
      ConfigAxis.expertParallelism.has(ParallelismClass.dividing),
      ConfigAxis.rankPosition.isNot(RankPosition.first)),
    AxisRule(
      "of two ranks none is in the middle", experts(2...2),
      ConfigAxis.expertParallelism.has(ParallelismClass.dividing),
      ConfigAxis.rankPosition.has(RankPosition.middle)),
    AxisRule(
      "three experts are uneven among two ranks only", experts(3...3),
      ConfigAxis.expertParallelism.has(ParallelismClass.uneven),
      ConfigAxis.rankPosition.has(RankPosition.middle)),
  ]

  private static func experts(_ counts: ClosedRange<Int>) -> Term {
    let ranges = AxisTable.expertRanges
    return ConfigAxis.experts.has(
      ranges.indices.filter { counts.contains(ranges[$0].lowerBound) }.map { UInt8($0) })
  }

  private static let types = TargetTypeClass.allCases.compactMap { target -> AxisRule? in
    guard let dtype = target.dtype else { return nil }
    return AxisRule(
      "a target type that is the experts' own counts as theirs",
      ConfigAxis.targetDType.has(target),
      ConfigAxis.expertDType.has(
        ExpertTypeClass.allCases.filter { $0.dtype == dtype }.map(\.axisValue)))
  }

  /// What is not on disk has no type.
  private static let stored =
    [
      AxisRule(
        "no expert weights are on disk",
        ConfigAxis.extent.has(CheckpointScope.loraOnly),
        ConfigAxis.expertDType.isNot(ExpertTypeClass.bf16)),
      AxisRule(
        "no expert weights are on disk, which count as bf16",
        ConfigAxis.extent.has(CheckpointScope.loraOnly),
        ConfigAxis.targetDType.has(TargetTypeClass.bf16)),
      AxisRule(
        "no expert bias is on disk",
        ConfigAxis.extent.isNot(CheckpointScope.wholeModel),
        ConfigAxis.expertBias.has(ExpertBiasClass.bf16)),
      AxisRule(
        "nothing but expert weights is on disk",
        ConfigAxis.extent.has(CheckpointScope.expertsOnly), ConfigAxis.lora.has(LoRAClass.none),
        ConfigAxis.otherDType.isNot(OtherTypeClass.bf16)),
      AxisRule(
        "experts alone are no whole model",
        ConfigAxis.extent.has(CheckpointScope.expertsOnly),
        ConfigAxis.completeness.has(Completeness.wholeModel)),
      AxisRule(
        "nothing is left after MTP layers are dropped",
        ConfigAxis.extent.isNot(CheckpointScope.wholeModel),
        ConfigAxis.densePrefix.has(DensePrefix.everything),
        ConfigAxis.mtpPolicy.has(AxisValues.drop)),
    ]
    + [
      AxisRule(
        "unknown keys stand beside a whole model",
        ConfigAxis.extent.isNot(CheckpointScope.wholeModel),
        ConfigAxis.bystanders.isNot(Bystanders.none))
    ]

  /// - Parameter predictionHasExperts: Whether layers that predict further tokens have experts.
  private static func withoutExperts(predictionHasExperts: Bool) -> [AxisRule] {
    let withoutPrediction =
      predictionHasExperts
      ? [[ConfigAxis.mtpLayers.has(0)], [ConfigAxis.mtpStorage.has(MTPStorage.absent)]] : [[]]
    return withoutPrediction.flatMap { withoutMTP in
      [
        ConfigAxis.expertDType.isNot(ExpertTypeClass.bf16),
        ConfigAxis.targetDType.has(TargetTypeClass.bf16),
        ConfigAxis.loraRank.isNot(0), ConfigAxis.loraPrefix.isNot(LoRAPrefixClass.peft),
        ConfigAxis.loraLayout.has(LoRALayoutHint.stated),
        ConfigAxis.expertBias.has(ExpertBiasClass.bf16),
        ConfigAxis.extent.isNot(CheckpointScope.wholeModel), ConfigAxis.lora.isNot(LoRAClass.none),
      ].map {
        AxisRule(
          "no layer on disk has experts",
          terms: [ConfigAxis.densePrefix.has(DensePrefix.everything)] + withoutMTP + [$0])
      }
    }
  }

  private static let lora =
    [
      AxisRule(
        "there are no factors",
        ConfigAxis.lora.has(LoRAClass.none), ConfigAxis.extent.has(CheckpointScope.loraOnly)),
      AxisRule(
        "there are no factors", ConfigAxis.lora.has(LoRAClass.none), ConfigAxis.loraRank.isNot(0)),
      AxisRule(
        "there are no factors",
        ConfigAxis.lora.has(LoRAClass.none),
        ConfigAxis.loraPrefix.isNot(LoRAPrefixClass.peft)),
      AxisRule(
        "there are no fused factors",
        ConfigAxis.lora.has(LoRAClass.none, .perExpert),
        ConfigAxis.loraLayout.has(LoRALayoutHint.stated)),
    ]
    + [
      [ConfigAxis.intermediateSize.has(IntermediateRelation.equal)],
      [
        ConfigAxis.hiddenSize.has(HiddenSizeClass.one),
        ConfigAxis.intermediateSize.has(IntermediateRelation.one),
      ],
    ].map { squares in
      AxisRule(
        "without gates, shapes of square experts fit both layouts",
        terms: [
          ConfigAxis.lora.has(LoRAClass.paramWrapper, .legacyParamWrapper),
          ConfigAxis.loraLayout.has(LoRALayoutHint.unstated),
          ConfigAxis.activation.has(ExpertActivation.relu2),
        ] + squares)
    }
}
