// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
import Tensors

extension CheckpointSpec: CustomStringConvertible {
  /// The checkpoint on one line: its sizes, its types, and only what else is not plain.
  public var description: String {
    ([sizes.map(\.inWords).joined(separator: ", ")] + otherFacts.map(\.inWords))
      .joined(separator: "; ")
  }

  /// A fact about a checkpoint for a table.
  public struct Fact: Sendable, Hashable {
    /// What it is about.
    public let name: String
    /// What holds.
    public let value: String
    /// Both in one phrase.
    let inWords: String
  }

  /// The sizes of the config, the types, order and contents, and only what else is not plain.
  public var facts: [Fact] { sizes + otherFacts }

  private var otherFacts: [Fact] {
    let nonDefaults = (configNonDefaults + optionNonDefaults).map {
      Fact(name: $0, value: $1, inWords: "\($0) \($1)")
    }
    return [typesInWords] + nonDefaults + [
      Fact(name: "keys", value: keyOrder.inWords, inWords: "keys \(keyOrder.inWords)"),
      Fact(name: "contents", value: contents.inWords, inWords: "contents \(contents.inWords)"),
    ]
  }

  private var sizes: [Fact] {
    func count(_ number: Int, _ noun: String) -> Fact {
      let nouns = noun + (number == 1 ? "" : "s")
      return Fact(name: noun + "s", value: "\(number)", inWords: "\(number) \(nouns)")
    }
    let dense = config.layerKinds.count { $0 == .dense }
    let isPrefix = config.layerKinds.prefix(dense).allSatisfy { $0 == .dense }
    let layers = count(config.hiddenLayerCount, "layer")
    let denseLayers = "\(dense) dense\(isPrefix ? "" : ", not the first")"
    return [
      count(config.expertCount, "expert"),
      Fact(
        name: "hidden size", value: "\(config.hiddenSize)", inWords: "hidden \(config.hiddenSize)"),
      Fact(
        name: "MoE intermediate size", value: "\(config.moeIntermediateSize)",
        inWords: "inter \(config.moeIntermediateSize)"),
      Fact(
        name: layers.name, value: "\(layers.value) (\(denseLayers))",
        inWords: "\(layers.inWords) (\(denseLayers))"),
      Fact(
        name: "MTP layers", value: "\(config.mtpLayerCount)",
        inWords: "\(config.mtpLayerCount) MTP"),
      Fact(
        name: "shared experts", value: "\(config.sharedExpertCount)",
        inWords: "\(config.sharedExpertCount) shared"),
    ]
  }

  private var typesInWords: Fact {
    let scales = types.hasScales ? " with scales" : ""
    let text = "\(types.experts.inWords)\(scales) experts -> \(options.targetDType.inWords)"
    return Fact(name: "types", value: text, inWords: text)
  }

  /// What is not plain about the config and the tensors on disk.
  private var configNonDefaults: [(String, String)] {
    var result: [(String, String)] = []
    if types.others != .bf16 { result.append(("other types", types.others.inWords)) }
    if !config.hasRouterBias {
      result.append(("expert bias", "absent"))
    } else if types.expertBias != .f32 {
      result.append(("expert bias", types.expertBias.inWords))
    }
    if config.attentionHeadCount != 1 || config.keyValueHeadCount != 1 || config.headSize != 1 {
      let heads = "\(config.attentionHeadCount) and \(config.keyValueHeadCount) of keys"
      result.append(("heads", "\(heads), of size \(config.headSize)"))
    }
    if !config.hasQueryKeyNorm { result.append(("query and key norm", "absent")) }
    if config.hasAttentionBias || config.hasMLPBias {
      let places = [config.hasAttentionBias ? "attention" : nil, config.hasMLPBias ? "MLP" : nil]
      result.append(("biases", places.compactMap { $0 }.joined(separator: " and ")))
    }
    if config.tiesWordEmbeddings { result.append(("embeddings", "tied")) }
    if config.denseIntermediateSize != 1, config.layerKinds.contains(.dense) {
      result.append(("dense intermediate size", "\(config.denseIntermediateSize)"))
    }
    if config.vocabularySize != 1 {
      result.append(("vocabulary size", "\(config.vocabularySize)"))
    }
    result += ownNonDefaults
    if config.mtpLayerCount > 0 {
      result.append(("MTP policy", options.mtpPolicy.rawValue))
      if !storesMTP { result.append(("MTP layers on disk", "none")) }
    }
    return result
  }

  /// The sizes and flags that only this layout has.
  private var ownNonDefaults: [(String, String)] {
    let layout = config.layout
    var result = layout.ownSizes.compactMap { position -> (String, String)? in
      let (rule, size) = (layout.sizes[position], config.sizes[position])
      return size == rule.least ? nil : (rule.field, "\(size)")
    }
    result += layout.ownFlags.compactMap { position in
      let (rule, flag) = (layout.flags[position], config.flags[position])
      return flag == rule.fallback ? nil : (rule.field, "\(flag)")
    }
    if let rule = layout.variant, !config.variant.layers.isEmpty {
      let layers = config.variant.layers.sorted().map { "\($0)" }.joined(separator: ", ")
      let sizes = config.variant.sizes.sorted { $0.key < $1.key }.map {
        "\(layout.sizes[$0.key].field) \($0.value)"
      }
      result.append((rule.value, "in layers \(layers) with \(sizes.joined(separator: ", "))"))
    }
    return result
  }

  /// What is not plain about the adapter's task.
  private var optionNonDefaults: [(String, String)] {
    var result: [(String, String)] = []
    if config.layout.name != Layout.usual.name {
      result.append(("layout", config.layout.name))
    }
    if options.activation != .swiglu {
      result.append(("activation", options.activation.rawValue))
    }
    if options.prefix != .model { result.append(("key prefix", "\"\(prefix)\"")) }
    switch extent {
    case .wholeModel: break
    case .expertsOnly: result.append(("extent", "experts only"))
    case .loraOnly: result.append(("extent", "LoRA only"))
    }
    if options.completeness != .wholeModel {
      result.append(("completeness", "present groups"))
    }
    if let lora {
      let layout = LoRAClass.allCases.first { $0.layout == lora.layout }?.rawValue ?? ""
      result.append(("LoRA", "\(layout), rank \(lora.rank), prefix \"\(lora.prefix)\""))
    }
    if let layout = options.paramWrapperLayout {
      result.append(("stated layout", layout.rawValue))
    }
    if let parallelism {
      result.append(("expert parallelism", "rank \(parallelism.rank) of \(parallelism.size)"))
    }
    if exclusion != .none { result.append(("excluding", exclusion.pattern(in: config.layout))) }
    if bystanders != .none { result.append(("unknown keys", bystanders.rawValue)) }
    return result
  }
}

extension KeyOrder {
  /// The order in words.
  fileprivate var inWords: String {
    switch self {
    case .schema: "in schema order"
    case .sorted: "sorted"
    case .reversed: "reversed"
    case .shuffled(let seed): "shuffled by \(seed)"
    case .sharded(let count): "in \(count) shards"
    }
  }
}

extension TensorContents {
  /// Kind and seed in words.
  fileprivate var inWords: String {
    switch kind {
    case .constant(let pattern): "constant \(pattern)"
    case .tracer(let digit): "tracer \(digit)"
    case .iota: "iota"
    case .random: "random by \(seed)"
    case .special: "special by \(seed)"
    }
  }
}
