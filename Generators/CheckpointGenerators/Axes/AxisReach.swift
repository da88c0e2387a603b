// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// Which values, pairs and triples of values checkpoints had, whatever of them is feasible: what
/// coverage is made of again, of any space.
public struct AxisReach: Sendable, Equatable {
  /// The number of checkpoints.
  public private(set) var cases = 0
  private(set) var valueCounts: [Int]
  private(set) var pairs: BitSet
  private(set) var triples: BitSet

  static let combinations = AxisCombinations(valueCounts: ConfigAxis.allCases.map(\.valueCount))

  /// What no checkpoint reaches.
  public init() {
    let count = Self.combinations.valueCount
    valueCounts = Array(repeating: 0, count: count)
    pairs = BitSet(count: count * count)
    triples = BitSet(count: count * count * count)
  }

  /// Makes what `valueCountList`, `pairBytes` and `tripleBytes` gave; nil of another list of axes.
  public init?(cases: Int, valueCountList: [Int], pairBytes: [UInt8], tripleBytes: [UInt8]) {
    let count = Self.combinations.valueCount
    guard cases >= 0, valueCountList.count == count, valueCountList.allSatisfy({ $0 >= 0 }),
      let pairs = BitSet(bytes: pairBytes, count: count * count),
      let triples = BitSet(bytes: tripleBytes, count: count * count * count)
    else { return nil }
    self.cases = cases
    valueCounts = valueCountList
    self.pairs = pairs
    self.triples = triples
  }

  /// How many checkpoints had each value, axis after axis.
  public var valueCountList: [Int] { valueCounts }
  /// The pairs as bits.
  public var pairBytes: [UInt8] { pairs.bytes }
  /// The triples as bits.
  public var tripleBytes: [UInt8] { triples.bytes }

  /// Counts a checkpoint by `AxisValues.bytes`; bytes of another number of axes are ignored.
  ///
  /// - Returns: How many pairs and triples no checkpoint had before.
  @discardableResult
  public mutating func add(_ values: [UInt8]) -> (newPairs: Int, newTriples: Int) {
    guard values.count == Self.combinations.axisCount else { return (0, 0) }
    cases += 1
    var (newPairs, newTriples) = (0, 0)
    let numbers = Self.combinations.numbers(values)
    for third in numbers.indices {
      valueCounts[numbers[third]] += 1
      for second in 0..<third {
        let pair = Self.combinations.place(numbers[second], numbers[third])
        if pairs.insertNew(pair) { newPairs += 1 }
        for first in 0..<second {
          let triple = Self.combinations.place(numbers[first], numbers[second], numbers[third])
          if triples.insertNew(triple) { newTriples += 1 }
        }
      }
    }
    return (newPairs, newTriples)
  }

  /// Whether a checkpoint had the values of two axes.
  public func hasPair(_ pair: [ConfigAxis: Int]) -> Bool {
    let numbers = pair.sorted { $0.key.rawValue < $1.key.rawValue }.map { axis, value in
      Self.combinations.values(of: Int(axis.rawValue)).lowerBound + value
    }
    return numbers.count == 2 && pairs.contains(Self.combinations.place(numbers[0], numbers[1]))
  }

  /// How many pairs and triples of a checkpoint no other had.
  public func newCombinations(_ values: [UInt8]) -> Int {
    guard values.count == Self.combinations.axisCount else { return 0 }
    let numbers = Self.combinations.numbers(values)
    var count = 0
    for third in numbers.indices {
      for second in 0..<third {
        let pair = Self.combinations.place(numbers[second], numbers[third])
        if !pairs.contains(pair) { count += 1 }
        for first in 0..<second {
          let triple = Self.combinations.place(numbers[first], numbers[second], numbers[third])
          if !triples.contains(triple) { count += 1 }
        }
      }
    }
    return count
  }

  /// Adds what other checkpoints reached.
  public mutating func formUnion(_ other: AxisReach) {
    cases += other.cases
    for number in valueCounts.indices { valueCounts[number] += other.valueCounts[number] }
    pairs.formUnion(other.pairs)
    triples.formUnion(other.triples)
  }
}

extension AxisCoverage {
  /// Coverage of a space by what checkpoints reached.
  ///
  /// - Complexity: O(values squared).
  public init(_ space: CheckpointSpace, reach: AxisReach) {
    self.init(space)
    self.reach(reach)
  }

  /// Makes this the coverage by what other checkpoints reached.
  public mutating func reach(_ reach: AxisReach) {
    cases = reach.cases
    valueCounts = reach.valueCounts
    pairsReached = reach.pairs
    triplesReached = reach.triples
  }

  /// Coverage of pairs of values of two axes, the earlier one first.
  public func pairs(of first: ConfigAxis, and second: ConfigAxis) -> Count {
    var (reached, possible) = (0, 0)
    for one in combinations.values(of: Int(first.rawValue)) {
      for other in combinations.values(of: Int(second.rawValue)) {
        let place = combinations.place(one, other)
        guard feasible.pairs.contains(place) else { continue }
        possible += 1
        if pairsReached.contains(place) { reached += 1 }
      }
    }
    return Count(reached: reached, feasible: possible)
  }

  /// The feasible pairs that no checkpoint had, as values of two axes, in the order of axes.
  public var unreachedPairs: [[ConfigAxis: Int]] {
    ConfigAxis.allCases.flatMap { first in
      ConfigAxis.allCases.filter { $0.rawValue > first.rawValue }.flatMap { second in
        unreachedPairs(of: first, and: second)
      }
    }
  }

  private func unreachedPairs(
    of first: ConfigAxis, and second: ConfigAxis
  ) -> [[ConfigAxis: Int]] {
    combinations.values(of: Int(first.rawValue)).enumerated().flatMap { value, number in
      combinations.values(of: Int(second.rawValue)).enumerated().compactMap { other, otherNumber in
        let place = combinations.place(number, otherNumber)
        guard feasible.pairs.contains(place), !pairsReached.contains(place) else { return nil }
        return [first: value, second: other]
      }
    }
  }
}
