// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Layouts
import Tensors

/// One LoRA group to be: a prefix, a layer and the position of a rule.
struct GroupID: Hashable {
  let prefix: Substring
  let layer: Int
  let group: Int
}

/// The members of one LoRA group as they turn up.
struct GroupMembers: Sendable {
  /// The source that turned up last, or -1 if none did.
  private(set) var last = -1
  /// The first source of the part whose place upstream gives the group.
  private(set) var leading: Int?
  private var sources: [Key: Int] = [:]

  private struct Key: Hashable {
    let expert: Int
    let rule: Int
  }

  /// The factor of a tensor on disk of an expert, by the position of that tensor in the layout.
  subscript(expert: Int, rule: Int) -> Int? { sources[Key(expert: expert, rule: rule)] }

  fileprivate mutating func insert(_ source: Int, expert: Int, rule: Int, leads: Bool) {
    sources[Key(expert: expert, rule: rule)] = source
    last = source
    if leads { leading = leading ?? source }
  }
}

/// The LoRA groups that turn up in a state dict, in the order of their first members.
struct MemberGroups {
  private(set) var ids: [GroupID] = []
  private var members: [GroupID: GroupMembers] = [:]

  subscript(id: GroupID) -> GroupMembers { members[id, default: GroupMembers()] }

  func contains(_ id: GroupID) -> Bool { members[id] != nil }

  mutating func insert(
    _ source: Int, into id: GroupID, expert: Int, rule: Int, leads: Bool
  ) {
    if members[id] == nil { ids.append(id) }
    members[id, default: GroupMembers()].insert(source, expert: expert, rule: rule, leads: leads)
  }
}

extension PlanBuilder {
  /// What the model has under a key outside the catalog.
  enum Owner {
    /// A layer that the config has.
    case layer(LayerKey, Int)
    /// Nothing that the layout knows; the key stays as it is.
    case none
  }

  /// The layer of a key outside the catalog, or nil where it is reported why it has no place.
  mutating func owner(of name: TensorName) -> Owner? {
    let key = context.key(name)
    if let key, context.names.isFactor(name) || key.prefix == context.prefix {
      return layerIndex(of: key, name).map { .layer(key, $0) }
    }
    guard !context.names.mentionsMoved(name), key.map({ !context.hasModelPrefix($0) }) ?? true
    else {
      reportPrefix(name)
      return nil
    }
    return Owner.none
  }

  /// The number of a key's layer, if it is written canonically and the config has that layer.
  private mutating func layerIndex(of key: LayerKey, _ name: TensorName) -> Int? {
    guard let layer = LayerKey.canonicalIndex(key.layerText) else {
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
  mutating func expertIndex(_ digits: Substring, _ name: TensorName) -> Int? {
    guard let expert = LayerKey.canonicalIndex(digits) else {
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

  private mutating func reportIndex(_ digits: Substring, _ noun: String, _ name: TensorName) {
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
  mutating func hasModule(_ key: LayerKey, _ layer: Int, _ name: TensorName) -> Bool {
    let module = context.layout.modules.first { module in
      [module.onDisk, module.native].contains { key.rest.utf8.starts(with: $0.utf8) }
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

  private mutating func reportPrefix(_ name: TensorName) {
    let start = context.prefix + context.names.block
    let hasStart = name.text.utf8.starts(with: start.utf8)
    report(
      .unknownPrefix, name, expected: "a key starting with '\(start)' and a number",
      found: hasStart
        ? "no number there" : "another start; state the prefix if all keys have it")
  }

  mutating func reportMissing(_ name: TensorName, _ expected: String) {
    report(.missingTensor, name, expected: expected, found: "no such key")
  }
}
