// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Layouts
import Tensors

/// Names that tensors of a key's layer have on the other side.
extension LenientKey {
  /// The base with the layer's number as the layout writes it.
  func plainBase(_ layout: Layout) -> String? {
    layer.map { layout.start(ofLayer: $0, under: prefix) }
  }
}

/// A native tensor that is made of parts: a group, or low-rank factors of one.
enum NativeWhole: Hashable {
  case group(Int)
  case factors(lora: Int, isA: Bool)

  /// The native tensor that a tensor on disk is a part of, or nil.
  init?(onDisk key: LenientKey, _ layout: Layout) {
    switch key.subject {
    case .tensor(let tensor):
      guard case .part(let group, _) = layout.tensors[tensor].native else { return nil }
      self = .group(group)
    case .factor(let tensor, let isA):
      guard case .part(let group, _) = layout.tensors[tensor].native,
        let lora = layout.lora.firstIndex(where: { $0.group == group })
      else { return nil }
      self = .factors(lora: lora, isA: isA)
    default: return nil
    }
  }

  /// The native tensor that a native key names, or nil.
  init?(native key: LenientKey) {
    switch key.subject {
    case .group(let group): self = .group(group)
    case .groupFactor(let lora, let isA): self = .factors(lora: lora, isA: isA)
    default: return nil
    }
  }

  private func group(_ layout: Layout) -> NativeGroup {
    switch self {
    case .group(let group): layout.groups[group]
    case .factors(let lora, _): layout.groups[layout.lora[lora].group]
    }
  }

  /// The name after the layer.
  func name(_ layout: Layout) -> String {
    switch self {
    case .group(let group): layout.groups[group].name
    case .factors(let lora, let isA): layout.factorName(lora, isA: isA)
    }
  }

  /// The places of its parts.
  func places(_ layout: Layout) -> [PartPlace] {
    switch self {
    case .group: PartPlace.all(of: group(layout), layout)
    case .factors(_, let isA): PartPlace.factors(of: group(layout), isA: isA, layout)
    }
  }

  /// The name of a part on disk, after the layer.
  func name(of place: PartPlace, _ layout: Layout) -> NamePattern {
    let name = layout.tensors[place.rule].name
    return switch self {
    case .group: name
    case .factors(_, let isA): name.ending(isA ? "lora_A.weight" : "lora_B.weight")
    }
  }

  /// Whether loading casts it.
  func isCast(_ layout: Layout) -> Bool {
    if case .group(let group) = self { layout.groups[group].isCast } else { false }
  }

  /// Whether ranks share out its experts.
  var isOfRanks: Bool {
    if case .group = self { true } else { false }
  }
}
