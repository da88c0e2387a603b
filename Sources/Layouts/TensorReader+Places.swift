// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import StrictJSON
import Tensors
import Yams

/// Shapes and native places.
extension TensorReader {
  /// The axes of a tensor on disk.
  func shape(_ node: TableNode) throws(LayoutError) -> [TensorRule.Axis] {
    guard node.isSequence else { throw node.error(expected: "a list of dimensions") }
    var axes: [TensorRule.Axis] = []
    for element in node.elements() {
      guard element.isMapping else {
        let extent = try element.expression(symbols)
        let text = try element.text()
        let isSymbol = extent.singleSize != nil && text.count == 1
        axes.append(TensorRule.Axis(letter: isSymbol ? text.lowercased() : nil, extent: extent))
        continue
      }
      let members = try element.members()
      guard members.count == 1, let (letter, value) = members.first, letter.count == 1,
        letter.first?.isLowercase == true
      else { throw element.error(expected: "one lower-case letter and an extent") }
      axes.append(TensorRule.Axis(letter: letter, extent: try value.expression(symbols)))
    }
    return axes
  }

  /// The native tensors of `{name: rows}`, in which `{a,b}` stands for two of as many rows.
  func pieces(_ node: TableNode) throws(LayoutError) -> [NativePiece] {
    var result: [NativePiece] = []
    for (key, value) in try node.members() {
      let rows = try value.expression(symbols)
      for name in try value.expanding(key) { result.append(NativePiece(name: name, rows: rows)) }
    }
    guard result.count > 1, Set(result.map(\.name)).count == result.count else {
      throw node.error(expected: "two native names or more, each with its rows")
    }
    return result
  }

  /// The native place that a text such as `name[e, i, h]` states, or nil of a name alone.
  func place(
    _ text: String, _ axes: [TensorRule.Axis], _ name: NamePattern, isCast: Bool, _ node: TableNode
  ) throws(LayoutError) -> Place? {
    guard let bracket = text.firstIndex(of: "[") else { return nil }
    guard text.last == "]" else { throw node.error(expected: "']' at the end", found: "'\(text)'") }
    let formulas = text[text.index(after: bracket)...].dropLast().split(separator: ",")
    // An expert's number is on no axis.
    var letters: [String: Int?] = [:]
    if name.hasExpert { letters.updateValue(nil, forKey: "e") }
    for (axis, letter) in axes.enumerated() {
      guard let letter = letter.letter else { continue }
      guard letters.updateValue(axis, forKey: letter) == nil else {
        throw node.error(
          expected: "letters of their own for dimensions, such as 'j: H'", found: "\(letter) twice")
      }
    }
    var terms: [IndexTerm] = []
    for formula in formulas { terms.append(try term(String(formula), letters, node)) }
    let used = terms.compactMap(\.axis)
    guard Set(used).count == used.count, used.count == axes.count,
      terms.count == axes.count + (name.hasExpert ? 1 : 0)
    else {
      throw node.error(
        expected: "each index of the shape once\(name.hasExpert ? ", and e" : "")",
        found: "'\(text)'")
    }
    return Place(name: String(text[..<bracket]), terms: terms, isCast: isCast, node: node)
  }

  /// Reads `coefficient * letter + offset`, its summands in any order.
  private func term(
    _ formula: String, _ letters: [String: Int?], _ node: TableNode
  ) throws(LayoutError) -> IndexTerm {
    let expected =
      "a sum such as 'I + i' or '2 * i + 1' with one of the letters "
      + letters.keys.sorted().joined(separator: ", ")
    var (axis, coefficient): (Int??, Int) = (nil, 1)
    var offsets: [String] = []
    let whole = formula.filter { $0 != " " }.split(separator: "%", maxSplits: 1)
    let sum = whole.count == 2 ? String(whole[0].dropFirst().dropLast()) : formula
    for summand in sum.split(separator: "+") {
      let factors = summand.split(separator: "*").map { $0.filter { $0 != " " } }
      if let letter = factors.last, let found = letters[letter], axis == nil {
        axis = .some(found)
        guard factors.count <= 2, let factor = factors.count == 2 ? Int(factors[0]) : 1, factor > 0
        else { throw node.error(expected: expected, found: "'\(formula.filter { $0 != " " })'") }
        coefficient = factor
      } else {
        offsets.append(String(summand))
      }
    }
    guard let axis else {
      throw node.error(expected: expected, found: "'\(formula.filter { $0 != " " })'")
    }
    let text = offsets.isEmpty ? "0" : offsets.joined(separator: "+")
    let offset = try node.expression(in: text, symbols, of: formula)
    if whole.count == 2 {
      let modulus = try node.expression(in: String(whole[1]), symbols, of: formula)
      guard whole[0].first == "(", coefficient == 1,
        modulus == .binary(.times, .constant(2), offset)
      else {
        throw node.error(
          expected: "halves exchanged, such as '(I + j) % (2 * I)'",
          found: "'\(formula.filter { $0 != " " })'")
      }
    }
    return IndexTerm(
      axis: axis, coefficient: coefficient, offset: offset, exchangesHalves: whole.count == 2)
  }

  /// Joins the tensors of one native name and kind of layers.
  mutating func makeGroups() throws(LayoutError) {
    for (tensor, place) in places {
      guard let kinds = tensors[tensor].kinds else {
        throw place.node.error(
          expected: "index formulas of tensors in layers only", found: "others")
      }
      let known = groups.firstIndex { $0.name == place.name && $0.kinds == kinds }
      let expertAxis = place.terms.firstIndex { term in
        guard let axis = term.axis else { return true }
        return tensors[tensor].axes[axis].letter == "e"
      }
      tensors[tensor].native = .part(group: known ?? groups.count, place.terms)
      guard let known else {
        groups.append(
          NativeGroup(
            name: place.name, kinds: kinds, parts: [tensor], isCast: place.isCast,
            expertAxis: expertAxis))
        continue
      }
      let group = groups[known]
      let others = places.first { $0.tensor == group.parts[0] }
      guard others?.place.terms.count == place.terms.count, group.expertAxis == expertAxis,
        group.isCast == place.isCast,
        tensors[group.parts[0]].name.hasExpert == tensors[tensor].name.hasExpert
      else {
        throw place.node.error(
          expected:
            "as many indices, the same one for experts, and the same cast as in the other "
            + "parts of '\(place.name)', and all of single experts or none", found: "others")
      }
      groups[known].parts.append(tensor)
    }
  }
}

extension TensorRule {
  /// The last component of the name, with what tells dense and shared networks apart.
  var defaultWord: String {
    var components = (name.end ?? name.start).split(separator: ".")
    if components.count > 1, components.last == "weight" { components.removeLast() }
    switch role {
    case .router: return "router"
    case .sharedExpert, .dense:
      // The module is what the word in front of it says.
      let own = components.last == "bias" ? components.suffix(2) : components.suffix(1)
      return (role == .dense ? "dense " : "shared ") + own.joined(separator: " ")
    default:
      return components.last == "bias" && components.count > 1
        ? components.suffix(2).joined(separator: " ") : components.last.map { String($0) } ?? ""
    }
  }
}

extension NamePattern {
  /// Takes apart a text in which `{e}` stands for the number.
  init(_ text: String) {
    guard let mark = text.firstRange(of: "{e}") else {
      self.init(start: text, end: nil)
      return
    }
    self.init(start: String(text[..<mark.lowerBound]), end: String(text[mark.upperBound...]))
  }
}

extension Condition {
  func and(_ other: Condition) -> Condition {
    self == .always ? other : .both(self, other)
  }
}

extension TableNode {
  func role() throws(LayoutError) -> TensorRole {
    let text = try text()
    guard let role = TensorRole(rawValue: text) else {
      let roles = TensorRole.allCases.filter { $0 != .expert }.map(\.rawValue)
      throw error(expected: WordList(roles).expectation(for: text))
    }
    return role
  }

  /// The texts that alternatives in braces stand for, such as `{gate,up}_proj`.
  func expanding(_ text: String) throws(LayoutError) -> [String] {
    guard let open = text.firstIndex(where: { $0 == "{" }) else { return [text] }
    guard let close = text[open...].firstIndex(of: "}") else {
      throw error(expected: "'}' after '{'", found: "'\(text)'")
    }
    let inside = text[text.index(after: open)..<close]
    let tails = try expanding(String(text[text.index(after: close)...]))
    // The number of an expert is no alternative.
    guard inside.contains(",") || inside == "e" else {
      throw error(
        expected: "{e}, a layer block's {L} at the end, or alternatives such as {gate,up}",
        found: "'{\(inside)}'")
    }
    let choices =
      inside == "e"
      ? ["{e}"] : inside.split(separator: ",", omittingEmptySubsequences: false).map { String($0) }
    return choices.flatMap { choice in tails.map { text[..<open] + choice + $0 } }
  }
}
