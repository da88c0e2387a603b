// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Layouts
import Tensors

/// What keys mean, and what is wrong with them.
extension PlanBuilder {
  /// What a source's key says.
  enum Meaning {
    /// The catalog has it, on the side that the plan starts from.
    case base(NameCatalog.Role, number: Int)
    /// It is of a layer of the config's, and outside the catalog or of the other side.
    case ofLayer(ExactKey, Int)
    /// Nothing that the layout knows; the key stays as it is.
    case stranger
  }

  /// What a source's key says, or nil where it is reported why it has no place.
  mutating func meaning(of source: Int) -> Meaning? {
    if let number = index.numbers[source] {
      let role = context.catalog.role(of: number)
      if role.isSource(direction) { return .base(role, number: number) }
    }
    let name = sources[source].name
    guard let onDisk = context.onDisk(name, direction) else {
      reportForeign(name, expected: direction == .fromHF ? "a key on disk" : "a native key")
      return nil
    }
    let key = ExactKey(onDisk, context.layout)
    if let key, context.names.isFactor(name) || key.prefix == context.prefix {
      return layerIndex(of: key, name).map { .ofLayer(key, $0) }
    }
    guard !context.names.mentionsMoved(name), key.map({ !context.hasModelPrefix($0) }) ?? true
    else {
      reportPrefix(name)
      return nil
    }
    return .stranger
  }

  /// The number of a key's layer, if it is written canonically and the config has that layer.
  private mutating func layerIndex(of key: ExactKey, _ name: TensorName) -> Int? {
    guard let layer = ExactKey.canonicalIndex(key.layerText) else {
      reportIndex(key.layerText, "a layer number", name)
      return nil
    }
    guard layer < context.config.storedLayerCount else {
      let config = context.config
      let prediction =
        context.layout.layers.prediction.map { " + \($0.field) \(config.mtpLayerCount)" } ?? ""
      report(
        .surplusLayer, name,
        expected: "layers below \(config.storedLayerCount) (\(context.layout.layers.countField) "
          + "\(config.hiddenLayerCount)\(prediction))",
        found: "layer \(layer)")
      return nil
    }
    return layer
  }

  /// The number of a key's expert, if it is written canonically and the config has that expert.
  mutating func expertIndex(_ digits: String, _ name: TensorName) -> Int? {
    guard let expert = ExactKey.canonicalIndex(digits) else {
      reportIndex(digits, "an expert number", name)
      return nil
    }
    guard expert < context.config.expertCount else {
      report(
        .surplusExpert, name,
        expected: "experts below \(context.expertField) \(context.config.expertCount)",
        found: "expert \(expert)")
      return nil
    }
    return expert
  }

  private mutating func reportIndex(_ digits: String, _ noun: String, _ name: TensorName) {
    let form = digits.utf8.first == UInt8(ascii: "0") ? "without leading zeros" : "below 2^63"
    report(.nonCanonicalIndex, name, expected: "\(noun) \(form)", found: "'\(digits)'")
  }

  /// Whether a layer has experts, as a key of theirs asks for.
  mutating func hasExperts(_ layer: Int, _ name: TensorName) -> Bool {
    if context.config.isSparse(layer: layer) { return true }
    reportDense(layer, name)
    return false
  }

  /// Whether a layer has the module that a key is in.
  mutating func hasModule(_ key: ExactKey, _ layer: Int, _ name: TensorName) -> Bool {
    let module = context.layout.modules.first { module in
      [module.onDisk, module.native].contains { key.rest.following($0) != nil }
    }
    guard let kinds = module?.kinds, !kinds.contains(context.config.kinds(ofLayer: layer)) else {
      return true
    }
    reportDense(layer, name)
    return false
  }

  /// Whether a layer may hold a tensor of the layout: decoder layers hold none that only prediction
  /// layers have, and dense layers none of experts.
  mutating func isOfLayer(_ rule: TensorRule, _ layer: Int, _ name: TensorName) -> Bool {
    let kinds = context.config.kinds(ofLayer: layer)
    guard let own = rule.kinds, !own.contains(kinds) else { return true }
    if own == .mtp {
      report(
        .predictionTensorInDecoderLayer, name,
        expected: "no such key: with \(context.layout.layers.countField) "
          + "\(context.config.hiddenLayerCount), layer \(layer) is a decoder layer",
        found: "a key that only prediction layers have")
      return false
    }
    // What dense layers have may be in others, where nothing is known of it.
    guard own.contains(.sparse), !context.config.isSparse(layer: layer) else { return true }
    reportDense(layer, name)
    return false
  }

  private mutating func reportDense(_ layer: Int, _ name: TensorName) {
    report(
      .expertsInDenseLayer, name,
      expected: "no expert tensors: the config's layer \(layer) is dense", found: "the key")
  }

  /// Reports a part of experts that they have not with the activation.
  mutating func reportSurplusPart(_ rule: TensorRule, _ info: TensorInfo) {
    report(
      .gateOfNonGatedExpert, info.name,
      expected: "no \(rule.part?.rawValue ?? "such") projection with "
        + context.options.activation.rawValue,
      found: "\(info.dtype) \(info.shape)")
  }

  mutating func reportForeign(_ name: TensorName, expected: String) {
    report(.foreignLayout, name, expected: expected, found: "the key")
  }

  /// Reports a source whose shape is not that of the schema.
  mutating func checkShape(_ source: Int, number: Int) {
    if let shape = context.catalog.shape(ofSource: number, direction),
      shape != sources[source].shape
    {
      report(
        .wrongShape, sources[source].name, expected: "\(shape)",
        found: "\(sources[source].shape)")
    }
  }

  private mutating func reportPrefix(_ name: TensorName) {
    let onDisk = context.prefix + context.layout.block
    let start = direction == .fromHF ? onDisk : context.layout.toNative(onDisk)
    let hasStart = name.text.utf8.starts(with: start.utf8)
    report(
      .unknownPrefix, name, expected: "a key starting with '\(start)' and a number",
      found: hasStart
        ? "no number there" : "another start; state the prefix if all keys have it")
  }

  mutating func reportUnknown(_ info: TensorInfo, expected: String) {
    report(
      .unknownExpertKey, info.name, expected: expected, found: "\(info.dtype) \(info.shape)")
  }

  mutating func reportScale(_ name: TensorName, of weight: TensorName) {
    report(
      .scaleWithoutWeight, name, expected: "the weight '\(weight)'", found: "no such key")
  }

  mutating func reportMissing(_ name: TensorName, _ expected: String) {
    report(.missingTensor, name, expected: expected, found: "no such key")
  }
}
