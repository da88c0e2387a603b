// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import StrictJSON

/// The names that expressions and conditions of a layout may use.
struct LayoutSymbols {
  var sizes: [String: Int] = [:]
  var flags: [String: Int] = [:]
}

/// Reads expressions such as `S * I` and conditions such as `S > 0 and not mlp_bias`.
struct ExpressionParser {
  /// What is wrong with a text, to be completed by the place of the text.
  struct Fault: Error {
    let expected: String
    let found: String
  }

  private let symbols: LayoutSymbols
  private let tokens: [Substring]
  private var position = 0

  private init(_ text: String, _ symbols: LayoutSymbols) throws(Fault) {
    self.symbols = symbols
    tokens = try Self.tokens(text[...])
  }

  /// Reads a number.
  static func expression(_ text: String, _ symbols: LayoutSymbols) throws(Fault) -> Expression {
    var parser = try ExpressionParser(text, symbols)
    let result = try parser.sum()
    try parser.end()
    return result
  }

  /// Reads a condition.
  static func condition(_ text: String, _ symbols: LayoutSymbols) throws(Fault) -> Condition {
    var parser = try ExpressionParser(text, symbols)
    let result = try parser.alternatives()
    try parser.end()
    return result
  }

  private static func tokens(_ text: Substring) throws(Fault) -> [Substring] {
    var rest = text
    var result: [Substring] = []
    while let first = rest.first {
      if first == " " {
        rest = rest.dropFirst()
        continue
      }
      let isWord = { (character: Character) in
        character == "_" || character.isASCII && (character.isLetter || character.isNumber)
      }
      let token: Substring
      if isWord(first) {
        token = rest.prefix(while: isWord)
      } else if ["==", "!=", "<=", ">="].contains(where: rest.hasPrefix) {
        token = rest.prefix(2)
      } else if "+-*/%()<>".contains(first) {
        token = rest.prefix(1)
      } else {
        throw Fault(
          expected: "names, numbers, and + - * / % ( ) == != < > <= >=", found: "'\(first)'")
      }
      result.append(token)
      rest = rest.dropFirst(token.count)
    }
    return result
  }

  private var next: Substring? { position < tokens.count ? tokens[position] : nil }

  private mutating func take(_ token: Substring) -> Bool {
    guard next == token else { return false }
    position += 1
    return true
  }

  private func end() throws(Fault) {
    if let next { throw Fault(expected: "an operator or the end", found: "'\(next)'") }
  }

  private mutating func alternatives() throws(Fault) -> Condition {
    var result = try requirements()
    while take("or") { result = .either(result, try requirements()) }
    return result
  }

  private mutating func requirements() throws(Fault) -> Condition {
    var result = try requirement()
    while take("and") { result = .both(result, try requirement()) }
    return result
  }

  private mutating func requirement() throws(Fault) -> Condition {
    if take("not") { return .not(try requirement()) }
    if let next, let flag = symbols.flags[String(next)] {
      position += 1
      return .flag(flag)
    }
    let left = try sum()
    guard let next, let comparison = Condition.Comparison(rawValue: String(next)) else {
      throw Fault(
        expected: "a comparison such as '> 0' after a number",
        found: next.map { "'\($0)'" } ?? "the end")
    }
    position += 1
    return .comparison(comparison, left, try sum())
  }

  private mutating func sum() throws(Fault) -> Expression {
    var result = try product()
    while let next, next == "+" || next == "-" {
      position += 1
      result = .binary(next == "+" ? .plus : .minus, result, try product())
    }
    return result
  }

  private mutating func product() throws(Fault) -> Expression {
    var result = try factor()
    while let next, let sign = Expression.Operator(rawValue: next.first ?? " "),
      "*/%".contains(next)
    {
      position += 1
      result = .binary(sign, result, try factor())
    }
    return result
  }

  private mutating func factor() throws(Fault) -> Expression {
    guard let next else { throw Fault(expected: "a number or a size", found: "the end") }
    position += 1
    if next == "(" {
      let result = try sum()
      guard take(")") else {
        throw Fault(expected: "')'", found: self.next.map { "'\($0)'" } ?? "the end")
      }
      return result
    }
    if let number = Int(next) { return .constant(number) }
    if let size = symbols.sizes[String(next)] { return .size(size) }
    if next == "L" { return .layer }
    let sizes = WordList(symbols.sizes.keys.sorted())
    throw Fault(
      expected: "a number or a size: \(sizes.expectation(for: String(next)))",
      found: "'\(next)'")
  }
}
