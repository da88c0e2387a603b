// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
import Tensors

/// What faults ask of a layout's rules.
extension TensorRule {
  /// Whether it has another name or place in native form.
  var isMoved: Bool { native != .kept }

  /// Whether it is a weight, by its name.
  var isWeight: Bool { (name.end ?? name.start).hasSuffix("weight") }

  /// Whether it is a bias, by its name.
  var isBias: Bool { (name.end ?? name.start).hasSuffix("bias") }

  /// Whether it stands in layers, in those with experts only.
  var isOfSparseLayers: Bool {
    kinds.map { $0.contains(.sparse) && !$0.contains(.dense) } ?? false
  }

  /// Whether only multi-token prediction layers have it.
  var isOfPrediction: Bool { kinds == .mtp }

  /// The module that it is the weight of, such as a projection.
  var module: String {
    let parts = (name.end ?? name.start).split(separator: ".")
    return String((parts.last == "weight" ? parts.dropLast() : parts[...]).last ?? "")
  }

  /// The group that it is a part of in native form.
  var group: Int? {
    // The optimizer of Swift 6.3.1 fails where this is inlined into closures.
    @inline(never) get { if case .part(let group, _) = native { group } else { nil } }
  }

  /// Whether a state dict that need not be whole must have it if it has others of its layer's experts.
  var isOfGroup: Bool { group != nil }
}

extension TensorName {
  /// The name of a weight's companion, or nil of a name that is no weight's.
  func replacingWeight(by suffix: String) -> TensorName? {
    NamePattern(start: text, end: nil).replacingWeight(by: suffix).map { TensorName($0.start) }
  }
}

extension Layout {
  /// The rules of tensors in layers that have a role.
  func rules(_ roles: TensorRole...) -> [TensorRule] {
    tensors.filter { $0.kinds != nil && roles.contains($0.role) }
  }

  /// The native name of a tensor, relative to its layer; nil if it keeps its name.
  func nativeName(of rule: TensorRule) -> String? {
    switch rule.native {
    case .kept: nil
    case .renamed(let name): name.start
    case .part(let group, _): groups[group].name
    }
  }

  /// The router.
  var router: TensorRule? { rules(.router).first }

  /// The second weight of the shared expert, which is the up projection of known families.
  var sharedUp: TensorRule? {
    let weights = rules(.sharedExpert).filter(\.isWeight)
    return weights.count > 1 ? weights[1] : weights.first
  }

  /// The first norm of a whole layer.
  var layerNorm: TensorRule? {
    rules(.norm).first { rule in
      rule.kinds == .all && rule.axes.count == 1
        && rule.axes[0].extent.singleSize == position(of: .hidden)
    }
  }

  /// Whether a rank holds some experts only.
  var isSliced: Bool { groups.contains { $0.expertAxis != nil } }

  /// Whether a key outside the places of the layout's names mentions one that moves.
  func mentionsMoved(_ text: String) -> Bool {
    let modules = expertModules + modules.flatMap { [$0.onDisk, $0.native] }
    return modules.contains { text.contains($0) }
      || tensors.contains { rule in
        guard rule.kinds != nil, case .renamed(let native) = rule.native else { return false }
        return text.hasSuffix(rule.name.start) || text.hasSuffix(native.start)
          || rule.pieces.contains { text.hasSuffix($0.name) }
      }
  }

  /// Whether what follows a layer's number is in a module of experts.
  func isOfExperts(_ rest: String) -> Bool {
    expertModules.contains { rest.hasPrefix($0) }
  }

  /// The names of an expert's tensor in another known family, if one has others.
  func foreignName(of rule: TensorRule, expert: Int) -> String? {
    guard let part = rule.part, let end = rule.name.end else { return nil }
    for name in Layout.knownNames {
      let other = Layout.known(name)?.tensors.first { $0.part == part && $0.name.hasExpert }
      if let otherEnd = other?.name.end, otherEnd != end {
        return "\(rule.name.start)\(expert)\(otherEnd)"
      }
    }
    return nil
  }
}

extension AdapterSetup {
  /// Whether multi-token prediction layers leave on load.
  var dropsMTP: Bool {
    options.mtpPolicy == .drop && config.layout.layers.prediction?.isDroppedOnLoad ?? true
  }
}
