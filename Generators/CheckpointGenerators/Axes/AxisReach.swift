// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// Which values, pairs and triples of values checkpoints had, whatever of them is feasible: what
/// coverage is made of again, of any space.
public struct AxisReach: Sendable, Equatable {
  /// The number of checkpoints.
  public private(set) var cases = 0
  let combinations: AxisCombinations
  private(set) var valueCounts: [Int]
  private(set) var pairs: BitSet
  private(set) var triples: BitSet

  private static let all = AxisCombinations(valueCounts: ConfigAxis.allCases.map(\.valueCount))

  /// What no checkpoint reaches.
  public init() { self.init(Self.all) }

  init(_ combinations: AxisCombinations) {
    self.combinations = combinations
    let count = combinations.valueCount
    valueCounts = Array(repeating: 0, count: count)
    pairs = BitSet(count: count * count)
    triples = BitSet(count: count * count * count)
  }

  /// Makes what `valueCountList`, `pairBytes` and `tripleBytes` gave; nil of another list of axes.
  public init?(cases: Int, valueCountList: [Int], pairBytes: [UInt8], tripleBytes: [UInt8]) {
    self.init()
    let count = combinations.valueCount
    guard cases >= 0, valueCountList.count == count, valueCountList.allSatisfy({ $0 >= 0 }),
      let pairs = BitSet(bytes: pairBytes, count: count * count),
      let triples = BitSet(bytes: tripleBytes, count: count * count * count)
    else { return nil }
    (self.cases, valueCounts, self.pairs, self.triples) = (cases, valueCountList, pairs, triples)
  }

  /// How many checkpoints had each value, axis after axis.
  public var valueCountList: [Int] { valueCounts }
  /// The pairs as bits.
  public var pairBytes: [UInt8] { pairs.bytes }
  /// The triples as bits.
  public var tripleBytes: [UInt8] { triples.bytes }

  /// Counts a checkpoint by `AxisValues.bytes`; bytes of another number of axes are ignored.
  ///
  /// - Complexity: O(axes cubed), some microseconds.
  /// - Returns: How many pairs and triples no checkpoint had before.
  @discardableResult
  public mutating func add(_ values: [UInt8]) -> (newPairs: Int, newTriples: Int) {
    guard values.count == combinations.axisCount else { return (0, 0) }
    cases += 1
    var (newPairs, newTriples) = (0, 0)
    for number in combinations.numbers(values) { valueCounts[number] += 1 }
    combinations.forEach(in: values) { pair in
      if pairs.insertNew(pair) { newPairs += 1 }
    } triple: { triple in
      if triples.insertNew(triple) { newTriples += 1 }
    }
    return (newPairs, newTriples)
  }

  /// Whether a checkpoint had the values of two axes.
  public func hasPair(_ pair: [ConfigAxis: Int]) -> Bool {
    let numbers = pair.sorted { $0.key.rawValue < $1.key.rawValue }.map { axis, value in
      combinations.values(of: Int(axis.rawValue)).lowerBound + value
    }
    return numbers.count == 2 && pairs.contains(combinations.place(numbers[0], numbers[1]))
  }

  /// How many pairs and triples of a checkpoint no other had.
  public func newCombinations(_ values: [UInt8]) -> Int {
    guard values.count == combinations.axisCount else { return 0 }
    var count = 0
    combinations.forEach(in: values) { pair in
      if !pairs.contains(pair) { count += 1 }
    } triple: { triple in
      if !triples.contains(triple) { count += 1 }
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
