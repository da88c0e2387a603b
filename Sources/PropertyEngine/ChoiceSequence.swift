// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// A test case as the choices that made it; small enough to store, edit and replay.
public struct ChoiceSequence: Sendable {
  /// The choices in the order in which they were drawn.
  public internal(set) var choices: ContiguousArray<Choice> = []

  /// The empty sequence.
  public init() {}

  init(_ choices: ContiguousArray<Choice>) { self.choices = choices }

  /// Number of choices.
  public var count: Int { choices.count }

  /// Whether the choice at `position` is forced or cannot be simpler.
  func isTrivial(_ position: Int) -> Bool {
    let choice = choices[position]
    return choice.isForced || choice.bits == choice.constraint.simplest
  }

  /// How many choices are not the simplest.
  public var nontrivialCount: Int { choices.indices.count { !isTrivial($0) } }

  /// Makes the choice at `position` the simplest.
  mutating func simplify(_ position: Int) {
    if !choices[position].isForced {
      choices[position].bits = choices[position].constraint.simplest
    }
  }

  /// The sequence with another pattern at a position.
  func with(_ bits: UInt64, at position: Int) -> ChoiceSequence {
    var result = self
    result.choices[position].bits = bits
    return result
  }

  /// Appends choices of another sequence.
  mutating func append(contentsOf range: Range<Int>, of other: ChoiceSequence) {
    choices += other.choices[range]
  }

  /// The sequence with the choices of `range` replaced.
  func replacing(_ range: Range<Int>, with other: ChoiceSequence, _ part: Range<Int>)
    -> ChoiceSequence
  {
    var result = self
    result.choices.replaceSubrange(range, with: other.choices[part])
    return result
  }

  /// The sequence without the choices of `range`.
  func removing(_ range: Range<Int>) -> ChoiceSequence {
    var result = self
    result.choices.removeSubrange(range.clamped(to: 0..<count))
    return result
  }

  /// Shortlex: fewer choices first, then earlier choices simpler.
  public func isSimpler(than other: ChoiceSequence) -> Bool {
    if count != other.count { return count < other.count }
    return comparison(0..<count, with: other, 0..<count) < 0
  }

  /// Whether the same values would be replayed.
  func hasSameValues(as other: ChoiceSequence) -> Bool {
    count == other.count && comparison(0..<count, with: other, 0..<count) == 0
  }

  /// Shortlex comparison of two ranges: negative if the first is simpler.
  func comparison(_ range: Range<Int>, with other: ChoiceSequence, _ otherRange: Range<Int>) -> Int
  {
    if range.count != otherRange.count { return range.count < otherRange.count ? -1 : 1 }
    for (a, b) in zip(range, otherRange) {
      let mine = choices[a]
      let theirs = other.choices[b]
      if mine.constraint.kind != theirs.constraint.kind {
        return mine.constraint.kind.rawValue < theirs.constraint.kind.rawValue ? -1 : 1
      }
      if mine.bits != theirs.bits {
        let (left, right) = (mine.order, theirs.order)
        if left != right { return left < right ? -1 : 1 }
      }
    }
    return 0
  }
}

extension ChoiceSequence: Equatable, CustomStringConvertible {
  /// Whether both replay the same values.
  public static func == (a: ChoiceSequence, b: ChoiceSequence) -> Bool { a.hasSameValues(as: b) }

  /// The values in order: integers as numbers, booleans as T and F, floats in hex.
  public var description: String {
    let parts = choices.map { choice in
      switch choice.constraint.kind {
      case .integer: return "\(choice.constraint.number(choice.bits))"
      case .boolean: return choice.bits == 1 ? "T" : "F"
      case .float: return "0x\(String(choice.bits, radix: 16))"
      }
    }
    return parts.joined(separator: ",")
  }
}
