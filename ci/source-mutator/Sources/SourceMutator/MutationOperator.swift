// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// A kind of small mistake in source text.
public enum MutationOperator: String, CaseIterable, Sendable {
  case arithmetic
  case comparison
  case logic
  case negation
  case conditionTrue = "condition true"
  case conditionFalse = "condition false"
  case integer
  case boolean
  case range
  case fallback
  case twin
  case text
  case removal

  /// What it changes.
  public var statement: String {
    switch self {
    case .arithmetic: "`+` and `-`, `*` and `/`, `%` and `/`, in their forms with `&` and `=` too"
    case .comparison: "`<` and `<=`, `>` and `>=`, `==` and `!=`"
    case .logic: "`&&` and `||`"
    case .negation: "`!` left out"
    case .conditionTrue: "a condition that always holds"
    case .conditionFalse: "a branch that is never taken; a guard that always leaves"
    case .integer: "0 for 1, 1 for 0, one more for any other"
    case .boolean: "`true` and `false`"
    case .range: "a range one longer or one shorter"
    case .fallback: "`a ?? b` that is always `b`"
    case .twin: "a name for its opposite or sibling, such as rows and columns, gate and up"
    case .text: "another text in place of one that is no message"
    case .removal: "a statement left out"
    }
  }

  static let swaps: [String: (MutationOperator, String)] = [
    "+": (.arithmetic, "-"), "-": (.arithmetic, "+"), "*": (.arithmetic, "/"),
    "/": (.arithmetic, "*"), "%": (.arithmetic, "/"), "&+": (.arithmetic, "&-"),
    "&-": (.arithmetic, "&+"), "&*": (.arithmetic, "&+"), "<<": (.arithmetic, ">>"),
    ">>": (.arithmetic, "<<"), "&<<": (.arithmetic, "&>>"), "&>>": (.arithmetic, "&<<"),
    "&": (.arithmetic, "|"), "|": (.arithmetic, "&"), "+=": (.arithmetic, "-="),
    "-=": (.arithmetic, "+="), "*=": (.arithmetic, "/="), "/=": (.arithmetic, "*="),
    "<": (.comparison, "<="), "<=": (.comparison, "<"), ">": (.comparison, ">="),
    ">=": (.comparison, ">"), "==": (.comparison, "!="), "!=": (.comparison, "=="),
    "===": (.comparison, "!=="), "&&": (.logic, "||"), "||": (.logic, "&&"),
  ]

  /// Names that are easily taken for each other.
  static let twins: [String: String] = {
    let pairs = [
      ("min", "max"), ("first", "last"), ("firstIndex", "lastIndex"),
      ("lowerBound", "upperBound"), ("hasPrefix", "hasSuffix"), ("dropFirst", "dropLast"),
      ("startIndex", "endIndex"), ("lower", "extents"), ("hidden", "intermediate"),
      ("gate", "up"), ("rows", "columns"), ("fromHF", "toHF"), ("dense", "sparse"),
      ("hf", "native"), ("whole", "start"), ("inGroup", "onDisk"),
      ("hiddenSize", "moeIntermediateSize"), ("hiddenLayerCount", "storedLayerCount"),
      ("attentionHeadCount", "keyValueHeadCount"), ("sourceRegion", "destinationRegion"),
      ("rank", "size"), ("modern", "legacy"), ("expertCount", "sharedExpertCount"),
      ("dropping", "keeping"), ("queries", "keys"), ("sparse", "dense"), ("schema", "natives"),
    ]
    return Dictionary(
      pairs.flatMap { [($0, $1), ($1, $0)] }, uniquingKeysWith: { first, _ in first })
  }()
}
