// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts

/// The values of axes that checkpoints of a layout may have: what a layout lacks has its plain value.
extension Layout {
  /// The positions of the values of an axis that the layout has.
  func values(of axis: ConfigAxis) -> [UInt8] {
    let all = (0..<UInt8(axis.valueCount)).map { $0 }
    let plain: [UInt8] = [0]
    switch axis {
    case .densePrefix: return densePrefixes.map(\.axisValue)
    case .mtpLayers: return layers.prediction == nil ? plain : all
    case .mtpStorage, .mtpPolicy: return layers.prediction?.isDroppedOnLoad ?? false ? all : plain
    case .sharedExperts:
      guard let least = position(of: .sharedExperts).map({ sizes[$0].least }) else { return plain }
      return all.filter { AxisTable.sharedExpertRanges[Int($0)].upperBound >= least }
    case .heads: return position(of: .keyValueHeads) == nil ? plain : all
    case .queryKeyNorm: return position(ofFlag: KnownFlag.queryKeyNorm) == nil ? plain : all
    case .tiedEmbeddings: return position(ofFlag: KnownFlag.tiedEmbeddings) == nil ? plain : all
    case .biases:
      return BiasPlaces.allCases.filter {
        (!$0.hasAttention || position(ofFlag: KnownFlag.attentionBias) != nil)
          && (!$0.hasMLP || position(ofFlag: KnownFlag.mlpBias) != nil)
      }.map(\.axisValue)
    case .expertDType:
      return companions.isEmpty ? all.filter { $0 != ExpertTypeClass.scaled.axisValue } : all
    case .expertBias:
      return ExpertBiasClass.allCases.filter {
        switch $0 {
        case .f32: true
        case .absent: routerBiasFlag != nil
        case .bf16: routerBias?.dtype != nil
        }
      }.map(\.axisValue)
    case .activation: return hasGateOption ? all : plain
    case .lora, .loraRank, .loraPrefix, .loraLayout: return lora.isEmpty ? plain : all
    case .extent:
      return lora.isEmpty ? all.filter { $0 != CheckpointScope.loraOnly.axisValue } : all
    case .keyPrefix:
      var texts: Set<String> = []
      return ModelPrefix.allCases.filter { prefix in
        let text = prefix.text(in: self)
        return prefixes.contains(text) && texts.insert(text).inserted
      }.map(\.axisValue)
    case .exclusion: return ExclusionClass.allCases.filter(hasNames).map(\.axisValue)
    default: return all
    }
  }

  private var densePrefixes: [DensePrefix] {
    let isAnywhere = layers.patterns.contains { pattern in
      switch pattern {
      case .kinds, .except, .only: true
      case .all, .from: false
      }
    }
    if isAnywhere { return DensePrefix.allCases }
    return layers.patterns.contains(.all) || layers.patterns.isEmpty
      ? [.nothing] : DensePrefix.allCases.filter { $0 != .scattered }
  }

  private func hasNames(_ exclusion: ExclusionClass) -> Bool {
    switch exclusion {
    case .none, .layer, .experts, .projection, .nativeExpertBias, .unanchored, .everything: true
    case .head: tensors.contains { $0.role == .head && $0.kinds == nil }
    case .expert: tensors.contains(where: \.name.hasExpert)
    case .expertBias: routerBias != nil
    }
  }

  /// The router's correction bias.
  var routerBias: TensorRule? { tensors.first { $0.role == .routerBias } }

  /// The flag without which there is no correction bias of the router, by its name; nil if it is there
  /// whatever flags say.
  var routerBiasFlag: String? {
    guard let rule = routerBias, case .flag(let position) = rule.condition else { return nil }
    return flags[position].name
  }

  /// The sizes whose values no axis decides, by position.
  var ownSizes: [Int] {
    sizes.indices.filter { sizes[$0].hasField && SizeSymbol(rawValue: sizes[$0].symbol) == nil }
  }

  /// The flags whose values no axis decides, by position.
  var ownFlags: [Int] {
    flags.indices.filter { position in
      let name = flags[position].name
      return !KnownFlag.all.contains(name) && name != routerBiasFlag
    }
  }
}

/// The names that tables give flags with a meaning to the harness.
enum KnownFlag {
  static let queryKeyNorm = "qk_norm"
  static let attentionBias = "attention_bias"
  static let mlpBias = "mlp_bias"
  static let tiedEmbeddings = "tie_word_embeddings"
  static let all = [queryKeyNorm, attentionBias, mlpBias, tiedEmbeddings]
}

extension ModelConfig {
  /// Whether the router has a correction bias that a flag or the layout asks for; a layout that knows
  /// none counts as if it had one.
  var hasRouterBias: Bool { layout.routerBiasFlag.flatMap { flag($0) } ?? true }
}
