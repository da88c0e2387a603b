// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

package import Layouts
import Tensors

/// Names that tensors of a key's layer have on the other side.
extension LenientKey {
  /// The base with the layer's number as the layout writes it.
  func plainBase(_ layout: Layout) -> String? {
    layer.map { layout.start(ofLayer: $0, under: prefix) }
  }

  /// Whether the tensor is cut into native pieces, or is a piece.
  package func isCut(_ layout: Layout) -> Bool {
    tensor.map { !layout.tensors[$0].pieces.isEmpty } ?? false
  }
}

/// A tensor that is made of parts: a native group, low-rank factors of one, or one on disk that is cut into native
/// pieces.
enum NativeWhole: Hashable {
  case group(Int)
  case factors(lora: Int, isA: Bool)
  case pieces(rule: Int, starts: [Int])

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

  /// The tensor on disk of a rule that is cut, or nil of others and of sizes that do not fit.
  init?(cut rule: Int?, _ layout: Layout, _ values: LayoutValues) {
    guard let rule, !layout.tensors[rule].pieces.isEmpty,
      let pieces = layout.tensors[rule].pieces(values)
    else { return nil }
    self = .pieces(rule: rule, starts: pieces.map(\.start))
  }

  /// The name after the layer.
  func name(_ layout: Layout) -> String {
    switch self {
    case .group(let group): layout.groups[group].name
    case .factors(let lora, let isA): layout.factorName(lora, isA: isA)
    case .pieces(let rule, _): layout.tensors[rule].name.start
    }
  }

  /// The places of its parts.
  func places(_ layout: Layout) -> [PartPlace] {
    switch self {
    case .group(let group): PartPlace.all(of: layout.groups[group], layout)
    case .factors(let lora, let isA):
      PartPlace.factors(of: layout.groups[layout.lora[lora].group], isA: isA, layout)
    case .pieces(let rule, let starts): PartPlace.pieces(of: rule, starts: starts, layout)
    }
  }

  /// The name of a part on disk, or of a native piece, after the layer.
  func name(of place: PartPlace, _ layout: Layout) -> NamePattern {
    let name = layout.tensors[place.rule].name
    return switch self {
    case .group: name
    case .factors(_, let isA): name.ending(isA ? "lora_A.weight" : "lora_B.weight")
    case .pieces(let rule, _):
      NamePattern(start: layout.tensors[rule].pieces[place.piece ?? 0].name, end: nil)
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
