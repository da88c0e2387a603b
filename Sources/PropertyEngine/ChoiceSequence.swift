// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// A test case as the choices that made it; small enough to store, edit and replay.
public struct ChoiceSequence: Sendable {
  /// The choices in the order in which they were drawn.
  public internal(set) var choices: ContiguousArray<Choice>
  /// Contents of the symbol choices, by their `bits`.
  var blobs: [[UInt32]]

  /// The empty sequence.
  public init() {
    choices = []
    blobs = []
  }

  init(choices: ContiguousArray<Choice>, blobs: [[UInt32]]) {
    self.choices = choices
    self.blobs = blobs
  }

  /// Number of choices.
  public var count: Int { choices.count }

  func content(of choice: Choice) -> [UInt32] {
    choice.bits < UInt64(blobs.count) ? blobs[Int(choice.bits)] : []
  }

  /// Whether the choice at `position` is forced or cannot be simpler.
  func isTrivial(_ position: Int) -> Bool {
    let choice = choices[position]
    if choice.isForced { return true }
    if choice.constraint.kind == .symbols {
      let content = content(of: choice)
      return UInt64(content.count) == choice.constraint.lower && content.allSatisfy { $0 == 0 }
    }
    return choice.bits == choice.constraint.simplest
  }

  /// How many choices are not the simplest.
  public var nontrivialCount: Int { choices.indices.count { !isTrivial($0) } }

  /// Makes the choice at `position` the simplest.
  mutating func simplify(_ position: Int) {
    let constraint = choices[position].constraint
    if choices[position].isForced { return }
    if constraint.kind == .symbols {
      setContent([UInt32](repeating: 0, count: Int(constraint.lower)), at: position)
    } else {
      choices[position].bits = constraint.simplest
    }
  }

  /// The sequence with another pattern at a position.
  func with(_ bits: UInt64, at position: Int) -> ChoiceSequence {
    var result = self
    result.choices[position].bits = bits
    return result
  }

  mutating func setContent(_ content: [UInt32], at position: Int) {
    choices[position].bits = UInt64(blobs.count)
    blobs.append(content)
  }

  /// Appends choices of another sequence.
  mutating func append(contentsOf range: Range<Int>, of other: ChoiceSequence) {
    for choice in other.choices[range] {
      choices.append(choice)
      if choice.constraint.kind == .symbols {
        setContent(other.content(of: choice), at: choices.count - 1)
      }
    }
  }

  /// The sequence with the choices of `range` replaced.
  func replacing(_ range: Range<Int>, with other: ChoiceSequence, _ part: Range<Int>)
    -> ChoiceSequence
  {
    var result = ChoiceSequence(choices: [], blobs: [])
    result.append(contentsOf: 0..<range.lowerBound, of: self)
    result.append(contentsOf: part, of: other)
    result.append(contentsOf: range.upperBound..<count, of: self)
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
      if mine.constraint.kind == .symbols {
        let left = content(of: mine)
        let right = other.content(of: theirs)
        if left.count != right.count { return left.count < right.count ? -1 : 1 }
        for (x, y) in zip(left, right) where x != y { return x < y ? -1 : 1 }
      } else if mine.bits != theirs.bits {
        let left = mine.order
        let right = theirs.order
        if left != right { return left < right ? -1 : 1 }
      }
    }
    return 0
  }
}

extension ChoiceSequence: Equatable, CustomStringConvertible {
  /// Whether both replay the same values.
  public static func == (a: ChoiceSequence, b: ChoiceSequence) -> Bool { a.hasSameValues(as: b) }

  /// The values in order: integers as numbers, booleans as T and F, floats in hex, symbols quoted.
  public var description: String {
    let parts = choices.map { choice in
      switch choice.constraint.kind {
      case .integer: return "\(choice.constraint.number(choice.bits))"
      case .boolean: return choice.bits == 1 ? "T" : "F"
      case .float: return "0x\(String(choice.bits, radix: 16))"
      case .symbols:
        return "<\(content(of: choice).map { String($0) }.joined(separator: " "))>"
      }
    }
    return parts.joined(separator: ",")
  }
}
