// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Synchronization

/// Numbers the values of all axes, and pairs and triples of values of different axes.
struct AxisCombinations: Sendable, Equatable {
  /// The number of axes.
  let axisCount: Int
  /// The number of values of all axes.
  let valueCount: Int
  /// The number of the first value of each axis.
  private let offsets: [Int]
  private let counts: [Int]

  /// Numbers the values of axes with so many values each.
  init(valueCounts: [Int]) {
    axisCount = valueCounts.count
    counts = valueCounts
    var offsets: [Int] = []
    var total = 0
    for count in valueCounts {
      offsets.append(total)
      total += count
    }
    self.offsets = offsets
    valueCount = total
  }

  /// The numbers of the values of a case, in the order of axes; values that no axis lists are left
  /// out.
  func numbers(_ values: [UInt8]) -> [Int] {
    zip(values, 0..<axisCount).compactMap { value, axis in
      Int(value) < counts[axis] ? offsets[axis] + Int(value) : nil
    }
  }

  /// The numbers of the values of an axis.
  func values(of axis: Int) -> Range<Int> { offsets[axis]..<offsets[axis] + counts[axis] }

  /// The place of a pair whose first value is of the earlier axis.
  func place(_ first: Int, _ second: Int) -> Int { first * valueCount + second }

  /// The place of a triple in the order of axes.
  func place(_ first: Int, _ second: Int, _ third: Int) -> Int {
    (first * valueCount + second) * valueCount + third
  }

  /// Hands over the places of all pairs and triples of the values of a case.
  func forEach(in values: [UInt8], pair: (Int) -> Void, triple: (Int) -> Void) {
    let numbers = numbers(values)
    for third in numbers.indices {
      for second in 0..<third {
        pair(place(numbers[second], numbers[third]))
        for first in 0..<second {
          triple(place(numbers[first], numbers[second], numbers[third]))
        }
      }
    }
  }
}

/// A set of small numbers, one bit each.
struct BitSet: Sendable, Equatable {
  private(set) var words: [UInt64]

  init(count: Int) {
    words = Array(repeating: 0, count: (count + 63) / 64)
  }

  /// The set with these bits, or nil if they are not those of so many numbers.
  init?(bytes: [UInt8], count: Int) {
    self.init(count: count)
    guard bytes.count == 8 * words.count else { return nil }
    for (place, byte) in bytes.enumerated() {
      words[place / 8] |= UInt64(byte) << UInt64(place % 8 * 8)
    }
  }

  /// The bits, the first number first.
  var bytes: [UInt8] {
    words.flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64($0 * 8)) } }
  }

  var count: Int { words.reduce(0) { $0 + $1.nonzeroBitCount } }

  func contains(_ number: Int) -> Bool { words[number >> 6] >> UInt64(number & 63) & 1 == 1 }

  mutating func insert(_ number: Int) { words[number >> 6] |= 1 << UInt64(number & 63) }

  /// Inserts a number and says whether it was not there.
  mutating func insertNew(_ number: Int) -> Bool {
    let bit = UInt64(1) << UInt64(number & 63)
    defer { words[number >> 6] |= bit }
    return words[number >> 6] & bit == 0
  }

  mutating func formUnion(_ other: BitSet) {
    for index in words.indices { words[index] |= other.words[index] }
  }

  func intersectionCount(_ other: BitSet) -> Int {
    zip(words, other.words).reduce(0) { $0 + ($1.0 & $1.1).nonzeroBitCount }
  }
}

/// The values, pairs and triples of values that some checkpoint has.
struct FeasibleCombinations: Sendable {
  /// Whether values, given as axes and positions, go together.
  typealias Judge = @Sendable ([(axis: Int, value: Int)]) -> Bool

  let singles: BitSet
  let pairs: BitSet
  private let combinations: AxisCombinations
  private let isFeasible: Judge
  /// Sets of axes, as bits, whose values depend on each other; triples of others are feasible if their
  /// pairs are.
  private let scopes: [UInt32]
  private let axes: [[Value]]
  private let memory = TripleMemory()

  private struct Value: Sendable {
    let axis: Int
    let value: Int
    let number: Int
  }

  /// Asks about all values and pairs.
  ///
  /// - Complexity: O(values squared).
  init(_ combinations: AxisCombinations, scopes: [UInt32], isFeasible: @escaping Judge) {
    self.combinations = combinations
    self.isFeasible = isFeasible
    self.scopes = scopes
    let size = combinations.valueCount
    var singles = BitSet(count: size)
    var pairs = BitSet(count: size * size)
    let axes = (0..<combinations.axisCount).map { axis in
      combinations.values(of: axis).enumerated().map {
        Value(axis: axis, value: $0, number: $1)
      }
    }
    for (index, axis) in axes.enumerated() {
      for second in axis where isFeasible([(second.axis, second.value)]) {
        singles.insert(second.number)
        for first in axes[..<index].joined()
        where singles.contains(first.number)
          && isFeasible([(first.axis, first.value), (second.axis, second.value)])
        {
          pairs.insert(combinations.place(first.number, second.number))
        }
      }
    }
    self.axes = axes
    self.singles = singles
    self.pairs = pairs
  }

  /// The feasible triples, which are found out once for all copies.
  ///
  /// - Complexity: O(values cubed) the first time.
  func triples() -> BitSet {
    memory.triples.withLock { known in
      let triples = known ?? feasibleTriples()
      known = triples
      return triples
    }
  }

  /// Asks about all triples whose pairs are feasible and whose axes depend on each other.
  private func feasibleTriples() -> BitSet {
    let size = combinations.valueCount
    var triples = BitSet(count: size * size * size)
    for third in axes.joined() where singles.contains(third.number) {
      for second in axes[..<third.axis].joined()
      where pairs.contains(combinations.place(second.number, third.number)) {
        let both: UInt32 = 1 << UInt32(second.axis) | 1 << UInt32(third.axis)
        let scopes = scopes.filter { $0 & both == both }
        for first in axes[..<second.axis].joined()
        where pairs.contains(combinations.place(first.number, second.number))
          && pairs.contains(combinations.place(first.number, third.number))
        {
          let depends = scopes.contains { $0 >> UInt32(first.axis) & 1 == 1 }
          if !depends
            || isFeasible([
              (first.axis, first.value), (second.axis, second.value), (third.axis, third.value),
            ])
          {
            triples.insert(combinations.place(first.number, second.number, third.number))
          }
        }
      }
    }
    return triples
  }
}

/// The triples once they are known.
private final class TripleMemory: Sendable {
  let triples = Mutex<BitSet?>(nil)
}
