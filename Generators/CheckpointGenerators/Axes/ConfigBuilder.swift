// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Layouts

/// Chooses the numbers of a config within the values of its axes and the budget of its size.
struct ConfigBuilder {
  let layout: Layout
  let values: AxisAssignment
  let details: SpecDetails

  /// The config, or nil if the values are infeasible.
  func config() -> ModelConfig? {
    let experts = expertCount
    let layerKinds = layerKinds(experts: experts)
    let mtpLayers = Int(values[.mtpLayers])
    let sparse = layerKinds.count { $0 == .sparse } + SizeBudget.storedMTPLayers(values)
    let largest = largestSize(expertsOnDisk: experts * sparse)
    let hidden = hiddenSize(upTo: largest)
    let heads = heads
    let known: [SizeSymbol: Int] = [
      .vocabulary: 1 + details.vocabulary, .hidden: hidden,
      .denseIntermediate: 1 + details.denseIntermediateSize,
      .intermediate: intermediateSize(hidden: hidden), .experts: experts,
      .sharedExperts: Int(values[.sharedExperts]), .heads: heads.queries,
      .keyValueHeads: heads.keys, .headSize: 1 + details[.heads] % 4,
    ]
    var sizes = Dictionary(uniqueKeysWithValues: known.map { ($0.rawValue, $1) })
    for (position, size) in zip(layout.ownSizes, details.ownSizes + repeatElement(0, count: 64)) {
      sizes[layout.sizes[position].symbol] = layout.sizes[position].least + size
    }
    return try? ModelConfig(
      layout, sizes: sizes, flags: flags, layerKinds: layerKinds, mtpLayerCount: mtpLayers,
      variant: variant(layerCount: layerKinds.count + mtpLayers),
      dtype: OtherTypeClass.at(axisValue: values[.otherDType]).dtype)
  }

  private var flags: [String: Bool] {
    let biases = BiasPlaces.at(axisValue: values[.biases])
    var result = [
      KnownFlag.queryKeyNorm: values[.queryKeyNorm] == 0,
      KnownFlag.attentionBias: biases.hasAttention, KnownFlag.mlpBias: biases.hasMLP,
      KnownFlag.tiedEmbeddings: values[.tiedEmbeddings] == 1,
    ]
    if let bias = layout.routerBiasFlag {
      result[bias] = values[.expertBias] != ExpertBiasClass.absent.axisValue
    }
    for (position, isOther) in zip(layout.ownFlags, details.ownFlags) {
      let rule = layout.flags[position]
      result[rule.name] = rule.fallback != isOther
    }
    return result
  }

  /// The sizes that some layers have instead of those of the others.
  private func variant(layerCount: Int) -> ModelConfig.Variant {
    let layers = (0..<layerCount).filter { details.variantLayers >> ($0 % 8) & 1 == 1 }
    let positions = layout.sizes.indices.filter { layout.sizes[$0].variant != nil }
    guard !layers.isEmpty, !positions.isEmpty else { return ModelConfig.Variant() }
    return ModelConfig.Variant(
      layers: Set(layers),
      sizes: Dictionary(
        uniqueKeysWithValues: zip(positions, details.variantSizes).map {
          ($0, layout.sizes[$0].least + $1)
        }))
  }

  /// The most sparse layers on disk that so many experts leave room for.
  private func sparseLayers(experts: Int) -> Int {
    let tensors = SizeBudget.tensorsPerLayer(values)
    return SizeBudget.expertTensors / max(1, tensors.each * experts + tensors.fused)
  }

  private var expertCount: Int {
    let range = AxisTable.expertRanges[Int(values[.experts])]
    var largest = range.upperBound
    let least = SizeBudget.leastSparseLayers(values)
    while largest > range.lowerBound, sparseLayers(experts: largest) < least {
      largest = max(range.lowerBound, largest / 2)
    }
    // The square of a fraction: many experts take long to convert.
    let detail = details[.experts]
    return range.lowerBound + (detail * detail * (largest - range.lowerBound + 1)) >> 16
  }

  private func layerKinds(experts: Int) -> [LayerKind] {
    let most = max(1, sparseLayers(experts: experts) - SizeBudget.storedMTPLayers(values))
    let least = AxisTable.layerRanges[Int(values[.decoderLayers])].lowerBound
    let open = least == 3 ? 3...4 : least == 10 ? 10...12 : least...least
    let layers: Int
    let dense: Int
    switch DensePrefix.at(axisValue: values[.densePrefix]) {
    case .nothing:
      layers = details.number(least...max(least, min(open.upperBound, most)), .decoderLayers)
      dense = 0
    case .one:
      layers = details.number(least...max(least, min(open.upperBound, most + 1)), .decoderLayers)
      dense = 1
    case .several:
      layers = details.number(open, .decoderLayers)
      dense = details.number(max(2, layers - most)...(layers - 1), .densePrefix)
    case .everything:
      layers = details.number(open, .decoderLayers)
      dense = layers
    case .scattered:
      layers = details.number(open, .decoderLayers)
      return scattered(layers, sparseAtMost: most)
    }
    return (0..<layers).map { $0 < dense ? .dense : .sparse }
  }

  /// Layers of which some are dense, at least one of them after a sparse one.
  private func scattered(_ layers: Int, sparseAtMost most: Int) -> [LayerKind] {
    let dense = details.number(max(1, layers - most)...(layers - 1), .densePrefix)
    let plain = (0..<layers).map { $0 < layers - dense ? LayerKind.sparse : .dense }
    let order = details[.densePrefix] / layers
    let mixed = order == 0 ? plain : plain.shuffled(by: UInt64(order))
    return mixed.drop { $0 == .dense }.contains(.dense) ? mixed : plain
  }

  /// The largest hidden size, of which the intermediate size may be twice as much.
  private func largestSize(expertsOnDisk: Int) -> Int {
    let area = SizeBudget.expertElements / (3 * max(1, expertsOnDisk))
    var size = 6
    while size < 64, 2 * (size + 1) * (size + 1) <= area { size += 1 }
    return size
  }

  private static let sizes: [HiddenSizeClass: [Int]] = [
    .one: [1], .powerOfTwo: [2, 4, 8, 16, 32, 64],
    .odd: [3, 5, 7, 9, 11, 13, 15, 17, 23, 31, 33, 61],
    .otherEven: [6, 10, 12, 14, 18, 20, 24, 34, 62],
  ]

  private func hiddenSize(upTo largest: Int) -> Int {
    let sizes = Self.sizes[HiddenSizeClass.at(axisValue: values[.hiddenSize])] ?? []
    let relation = IntermediateRelation.at(axisValue: values[.intermediateSize])
    // The half of 2 is 1, and nothing lies between.
    let least = relation == .half || relation == .smaller ? 3 : 1
    return details.element(of: sizes.filter { least...largest ~= $0 }, .hiddenSize) ?? 1
  }

  private func intermediateSize(hidden: Int) -> Int {
    switch IntermediateRelation.at(axisValue: values[.intermediateSize]) {
    case .one: return 1
    case .equal: return hidden
    case .half: return hidden / 2
    case .smaller:
      let size = details.number(2...(hidden - 1), .intermediateSize)
      // The half is a value of its own: another size near it exists, as half of 4 is 2.
      return 2 * size == hidden ? size + 1 : size
    case .larger: return details.number((hidden + 1)...(2 * hidden + 1), .intermediateSize)
    }
  }

  private var heads: (queries: Int, keys: Int) {
    let isMore = details[.heads] / 4 % 2 == 1
    switch HeadSharing.at(axisValue: values[.heads]) {
    case .none: return isMore ? (2, 2) : (1, 1)
    case .groups: return isMore ? (6, 3) : (4, 2)
    case .one: return isMore ? (3, 1) : (2, 1)
    }
  }
}
