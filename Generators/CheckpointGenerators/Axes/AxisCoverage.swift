// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// Which values of axes, and which pairs and triples of them, checkpoints had.
public struct AxisCoverage: Sendable {
  /// How many combinations were reached, of how many that can be.
  public struct Count: Sendable, Hashable {
    /// The feasible combinations that some checkpoint had.
    public let reached: Int
    /// The combinations that some valid checkpoint of the space has.
    public let feasible: Int
  }

  /// The number of checkpoints.
  public internal(set) var cases = 0
  let combinations: AxisCombinations
  let feasible: FeasibleCombinations
  var valueCounts: [Int]
  var pairsReached: BitSet
  var triplesReached: BitSet

  /// Coverage of a space by no checkpoint.
  ///
  /// - Complexity: O(values squared).
  public init(_ space: CheckpointSpace = CheckpointSpace()) {
    let counts = ConfigAxis.allCases.map(\.valueCount)
    let judge = CombinationJudge(space)
    self.init(valueCounts: counts) { judge.permits($0) }
  }

  init(valueCounts counts: [Int], isFeasible: @escaping FeasibleCombinations.Judge) {
    combinations = AxisCombinations(valueCounts: counts)
    feasible = FeasibleCombinations(combinations, isFeasible: isFeasible)
    let size = combinations.valueCount
    valueCounts = Array(repeating: 0, count: size)
    pairsReached = BitSet(count: size * size)
    triplesReached = BitSet(count: size * size * size)
  }

  /// Counts a checkpoint by `AxisValues.bytes`; bytes of another number of axes are ignored.
  ///
  /// - Complexity: O(axes cubed), some microseconds.
  public mutating func add(_ values: [UInt8]) {
    guard values.count == combinations.axisCount else { return }
    cases += 1
    let numbers = combinations.numbers(values)
    for third in numbers.indices {
      valueCounts[numbers[third]] += 1
      for second in 0..<third {
        pairsReached.insert(combinations.place(numbers[second], numbers[third]))
        for first in 0..<second {
          triplesReached.insert(
            combinations.place(numbers[first], numbers[second], numbers[third]))
        }
      }
    }
  }

  /// Adds the coverage of other checkpoints of the same space.
  public mutating func formUnion(_ other: AxisCoverage) {
    cases += other.cases
    for number in valueCounts.indices { valueCounts[number] += other.valueCounts[number] }
    pairsReached.formUnion(other.pairsReached)
    triplesReached.formUnion(other.triplesReached)
  }

  /// Coverage of single values.
  public var singles: Count {
    let reached = valueCounts.indices.count {
      valueCounts[$0] > 0 && feasible.singles.contains($0)
    }
    return Count(reached: reached, feasible: feasible.singles.count)
  }

  /// Coverage of pairs of values of two axes.
  public var pairs: Count {
    Count(
      reached: pairsReached.intersectionCount(feasible.pairs), feasible: feasible.pairs.count)
  }

  /// Coverage of triples of values of three axes.
  ///
  /// - Complexity: O(values cubed), about a tenth of a second for the whole space.
  public var triples: Count {
    let triples = feasible.triples()
    return Count(
      reached: triplesReached.intersectionCount(triples), feasible: triples.count)
  }

  /// How many checkpoints had each value of an axis, by label and in the order of the values.
  public func counts(of axis: ConfigAxis) -> [(label: String, count: Int)] {
    zip(axis.values, combinations.values(of: Int(axis.rawValue))).map { ($0, valueCounts[$1]) }
  }

  /// The first feasible pairs that no checkpoint had, in words and in the order of axes.
  public func missingPairs(limit: Int = 10) -> [String] {
    pairsInWords(limit: limit) { feasible.pairs.contains($0) && !pairsReached.contains($0) }
  }

  /// The first pairs that a checkpoint had although they are taken for infeasible.
  func contradictoryPairs(limit: Int = 10) -> [String] {
    pairsInWords(limit: limit) { pairsReached.contains($0) && !feasible.pairs.contains($0) }
  }

  private func pairsInWords(limit: Int, where isWanted: (Int) -> Bool) -> [String] {
    var result: [String] = []
    for first in ConfigAxis.allCases {
      for second in ConfigAxis.allCases where second.rawValue > first.rawValue {
        for (value, number) in combinations.values(of: Int(first.rawValue)).enumerated() {
          for (other, otherNumber) in combinations.values(of: Int(second.rawValue)).enumerated()
          where isWanted(combinations.place(number, otherNumber)) {
            guard result.count < limit else { return result }
            result.append(
              "\(first.name) \(first.values[value]), \(second.name) \(second.values[other])")
          }
        }
      }
    }
    return result
  }
}

/// Says which values of up to three axes go together in a space.
private struct CombinationJudge {
  private let feasibility: AxisFeasibility
  private let domains: AxisDomains
  private let narrowed: [ConfigAxis]

  init(_ space: CheckpointSpace) {
    feasibility = AxisFeasibility(space)
    domains = AxisDomains(space)
    narrowed = domains.narrowed
  }

  func permits(_ values: [(axis: Int, value: Int)]) -> Bool {
    var assignment = domains.fixed
    for (axis, value) in values {
      let axis = ConfigAxis.allCases[axis]
      guard domains.contains(UInt8(value), axis) else { return false }
      assignment[axis] = UInt8(value)
    }
    return values.allSatisfy { feasibility.permits(ConfigAxis.allCases[$0.axis], in: assignment) }
      && narrowed.allSatisfy { hasValue($0, beside: assignment) }
  }

  /// Whether an axis with values left out has one that goes with those assigned.
  private func hasValue(_ axis: ConfigAxis, beside assignment: AxisAssignment) -> Bool {
    if assignment.isAssigned(axis) { return true }
    var assignment = assignment
    return (0..<UInt8(axis.valueCount)).contains { value in
      assignment[axis] = value
      return domains.contains(value, axis) && feasibility.permits(axis, in: assignment)
    }
  }
}
