// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// Why a mutant that nothing notices is no fault of the harness, or is one.
public struct Explanation: Sendable {
  /// What kind of reason it is.
  public enum Kind: String, CaseIterable, Sendable {
    case equivalent
    case speed
    case wording
    case unreachable
    case gap

    var heading: String {
      switch self {
      case .equivalent: "The same behaviour"
      case .speed: "Only speed"
      case .wording: "Only the wording of an error"
      case .unreachable: "A second line of defence, after a check that catches it first"
      case .gap: "Gaps"
      }
    }
  }

  let kind: Kind
  let text: String
}

/// The reviewed explanations, by the keys of their mutants.
public struct Explanations: Sendable {
  /// What is wrong with a file of explanations.
  public struct Malformed: Error, CustomStringConvertible {
    let line: Int
    let expected: String
    /// The text shown to people.
    public var description: String { "line \(line) of the explanations: expected \(expected)" }
  }

  private(set) var byKey: [String: Explanation] = [:]

  /// Reads explanations: a line with a key, or several, and an indented line `kind: reason`.
  public init(_ text: String) throws(Malformed) {
    var keys: [String] = []
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
    {
      let number = index + 1
      if line.isEmpty || line.hasPrefix("#") { continue }
      guard line.hasPrefix("  ") else {
        keys.append(String(line))
        continue
      }
      let parts = line.split(separator: ":", maxSplits: 1).map { $0.trimmed }
      guard parts.count == 2, let kind = Explanation.Kind(rawValue: parts[0]), !parts[1].isEmpty
      else {
        let kinds = Explanation.Kind.allCases.map(\.rawValue).joined(separator: ", ")
        throw Malformed(line: number, expected: "one of \(kinds), a colon and a reason")
      }
      guard !keys.isEmpty else { throw Malformed(line: number, expected: "a mutant's key before") }
      for key in keys {
        let known = byKey.updateValue(Explanation(kind: kind, text: parts[1]), forKey: key)
        guard known == nil else { throw Malformed(line: number, expected: "each key once: \(key)") }
      }
      keys = []
    }
    guard keys.isEmpty else {
      throw Malformed(line: text.split(separator: "\n").count, expected: "a reason for \(keys[0])")
    }
  }
}

extension Substring {
  fileprivate var trimmed: String {
    String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
  }
}
