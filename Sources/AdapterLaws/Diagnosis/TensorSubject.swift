// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Layouts
import Tensors

/// What a key is about: the layer, the expert, and the kind of tensor in the layout's words.
struct TensorSubject: Hashable {
  let layer: Int?
  let expert: Int?
  let kind: TensorKind

  init(_ name: TensorName, _ layout: Layout) {
    let key = LenientKey(name, layout)
    (layer, expert) = (key.layer, key.expert)
    kind = TensorKind(key, layout)
  }

  /// One expert's share of what holds all.
  init(_ subject: TensorSubject, expert: Int) {
    (layer, kind, self.expert) = (subject.layer, subject.kind, expert)
  }

  /// Whether this is a part of an expert on disk or a native tensor of experts.
  var isOfExperts: Bool { kind.isOfExperts }

  /// The word for the kind, such as `down_proj`, `router` or `shared up_proj`.
  var word: String { kind.word }
}

/// What tensors of all layers and experts have in common that differ in nothing else.
struct TensorKind: Hashable, Comparable {
  /// The key behind the layer without the expert's number; the whole key outside layers.
  let text: String
  /// What reports call it.
  let word: String
  /// Whether it is a part of an expert on disk or a native tensor of experts.
  let isOfExperts: Bool
  /// Whether it is a low-rank factor of experts.
  let isFactor: Bool
  /// Whether ranks share out its experts.
  let isOfRanks: Bool
  /// Whether its axes stand in another order in native form.
  let changesAxes: Bool
  /// The kinds of layers that have it; nil of what the layout does not know and outside layers.
  let layers: LayerKinds?
  /// The position in the layout of the tensor on disk that it is.
  let tensor: Int?

  init(_ key: LenientKey, _ layout: Layout) {
    text = key.layer == nil ? key.name.text : key.kind
    tensor = key.tensor
    let rule = key.tensor.map { layout.tensors[$0] }
    switch key.subject {
    case .tensor(let tensor), .renamed(let tensor):
      word = layout.tensors[tensor].word
    case .companion(let tensor, let suffix): word = "\(layout.tensors[tensor].word) \(suffix)"
    case .factor(let tensor, let isA):
      word = "\(layout.tensors[tensor].word) lora_\(isA ? "A" : "B")"
    case .group(let group): word = String(layout.groups[group].name.lastComponent)
    case .groupFactor(let lora, let isA): word = layout.lora[lora].native + (isA ? "_A" : "_B")
    case .fusedFactor(let lora, let isA):
      word = "\(lora == 0 ? "base_layer " : "")lora_\(isA ? "A" : "B")"
    case .unknown:
      let name = text.hasSuffix(".weight") ? text.dropLast(7) : text[...]
      word = name.split(separator: ".").joined(separator: " ")
    }
    switch key.subject {
    case .factor: changesAxes = true
    case .tensor: changesAxes = rule?.changesAxes ?? false
    default: changesAxes = false
    }
    switch key.subject {
    case .group(let group):
      (isOfExperts, isFactor, isOfRanks) = (true, false, layout.groups[group].expertAxis != nil)
      layers = layout.groups[group].kinds
    case .factor, .groupFactor, .fusedFactor:
      (isOfExperts, isFactor, isOfRanks) = (true, true, false)
      layers = rule?.kinds ?? layout.tensors.first(where: \.isOfExperts)?.kinds
    default:
      isOfExperts =
        rule?.isOfExperts
        ?? (key.expert != nil || layout.groups.contains { key.rest.hasPrefix($0.name.upToLastDot) })
      (isFactor, isOfRanks) = (false, rule.map { $0.isPart } ?? (key.expert != nil))
      layers = rule?.kinds
    }
  }

  static func == (lhs: TensorKind, rhs: TensorKind) -> Bool { lhs.text == rhs.text }

  static func < (lhs: TensorKind, rhs: TensorKind) -> Bool { lhs.text < rhs.text }

  func hash(into hasher: inout Hasher) { hasher.combine(text) }
}

extension TensorRule {
  /// Whether its axes stand in another order in native form.
  fileprivate var changesAxes: Bool {
    guard case .part(_, let terms) = native else { return false }
    let axes = terms.compactMap(\.axis)
    return axes != axes.sorted()
  }

  /// Whether it becomes a part of a native tensor.
  var isPart: Bool {
    if case .part = native { true } else { false }
  }
}

extension String {
  /// The text behind its last dot.
  var lastComponent: Substring {
    lastIndex(of: ".").map { self[index(after: $0)...] } ?? self[...]
  }
}
