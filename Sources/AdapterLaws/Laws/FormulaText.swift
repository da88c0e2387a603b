// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Layouts
import Tensors

/// The index formulas of a layout as laws state them, such as `down[e, i, h] == down[e][h, i]`.
struct FormulaText {
  private let layout: Layout

  init(_ layout: Layout) {
    self.layout = layout
  }

  /// Where elements are.
  var elements: String {
    let formulas = layout.groups.map(formula).unique
    guard !formulas.isEmpty else { return "everything stays in place, bit for bit" }
    return formulas.joined(separator: ", ") + ", and all else stays in place, bit for bit"
  }

  /// What is cast.
  var types: String {
    if let others = layout.castsAll {
      let texts = others.sorted { $0.key.rawValue < $1.key.rawValue }.map {
        ", \($0.value) where \($0.key) is asked for"
      }
      return "every tensor of floating-point numbers takes the target type on load"
        + texts.joined()
    }
    let isForced = layout.tensors.contains { $0.loadedType != nil }
    return "grouped experts take the target type on load; nothing else is "
      + (isForced ? "cast but what the layout gives a type" : "ever cast")
  }

  /// The shapes of grouped tensors.
  var shapes: String {
    let shapes = layout.groups.map(shape).unique
    return shapes.isEmpty
      ? "every tensor keeps its shape" : "grouped experts are \(Enumeration.words(shapes))"
  }

  private func parts(_ group: NativeGroup) -> [(rule: TensorRule, terms: [IndexTerm])] {
    group.parts.compactMap { position in
      let rule = layout.tensors[position]
      guard case .part(_, let terms) = rule.native else { return nil }
      return (rule, terms)
    }
  }

  /// Such as `gate_and_up[e, h, j] == gate[e][j, h] and up[e][j - inter, h]`.
  private func formula(_ group: NativeGroup) -> String {
    let parts = parts(group)
    let letters = (parts.first?.terms.indices ?? 0..<0).map { letter(of: $0, parts) }
    let sides = parts.map { rule, terms in
      var indices = [String](repeating: "", count: rule.axes.count)
      for (term, letter) in zip(terms, letters) {
        if let axis = term.axis { indices[axis] = Self.inverse(term, letter, text(term.offset)) }
      }
      let expert = rule.name.hasExpert ? "[e]" : ""
      return "\(Self.short(rule.word))\(expert)[\(indices.joined(separator: ", "))]"
    }
    let name = Self.short(String(group.name.lastComponent))
    return "\(name)[\(letters.joined(separator: ", "))] == \(sides.joined(separator: " and "))"
  }

  /// The letter of a native axis: the one on disk where there is one alone, else `j`.
  private func letter(of axis: Int, _ parts: [(rule: TensorRule, terms: [IndexTerm])]) -> String {
    let letters = Set(
      parts.map { rule, terms in terms[axis].axis.map { rule.axes[$0].letter } ?? "e" })
    let isPlain = parts.allSatisfy { $1[axis].coefficient == 1 && $1[axis].offset == .constant(0) }
    return letters.count == 1 && isPlain ? letters.first.flatMap(\.self) ?? "j" : "j"
  }

  /// The index on disk by the native one.
  private static func inverse(_ term: IndexTerm, _ letter: String, _ offset: String) -> String {
    if term.exchangesHalves { return "(\(letter) + \(offset)) % (2 * \(offset))" }
    let difference = offset == "0" ? letter : "\(letter) - \(offset)"
    guard term.coefficient > 1 else { return difference }
    return (offset == "0" ? difference : "(\(difference))") + " / \(term.coefficient)"
  }

  private func shape(_ group: NativeGroup) -> String {
    let parts = parts(group)
    let extents = (parts.first?.terms.indices ?? 0..<0).map { axis in
      let letter = letter(of: axis, parts)
      let own = parts.map { rule, terms in
        terms[axis].axis.map { text(rule.axes[$0].extent) } ?? "experts"
      }
      guard letter == "j", parts.count > 1 else { return own[0] }
      return own.unique.count == 1 ? "\(own.count) * \(own[0])" : own.joined(separator: " + ")
    }
    return "[\(extents.joined(separator: ", "))]"
  }

  /// A number in words, with gates if experts may have some.
  private func text(_ expression: Expression) -> String {
    switch expression {
    case .constant(let number): return "\(number)"
    case .layer: return "layer"
    case .size(let position):
      let rule = layout.sizes[position]
      if rule.source == .gated { return "1" }
      return SizeSymbol(rawValue: rule.symbol)?.word ?? rule.field
    case .binary(let sign, let left, let right):
      let (left, right) = (text(left), text(right))
      if sign == .times, left == "1" { return right }
      return "\(left) \(sign.rawValue) \(right)"
    }
  }

  /// A name without what says that it is a projection.
  private static func short(_ name: String) -> String {
    for ending in ["_projs", "_proj"] where name.hasSuffix(ending) {
      return String(name.dropLast(ending.count))
    }
    return name
  }
}

extension SizeSymbol {
  /// The size in formulas, or nil for its field.
  fileprivate var word: String? {
    switch self {
    case .experts: "experts"
    case .hidden: "hidden"
    case .intermediate: "inter"
    default: nil
    }
  }
}
