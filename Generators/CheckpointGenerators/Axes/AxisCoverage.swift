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

    /// Creates a count.
    public init(reached: Int = 0, feasible: Int = 0) {
      (self.reached, self.feasible) = (reached, feasible)
    }
  }

  /// What checkpoints reached.
  public var reach: AxisReach
  let feasible: FeasibleCombinations

  /// Coverage of a space by what checkpoints reached, or by none.
  ///
  /// - Complexity: O(values squared).
  public init(_ space: CheckpointSpace = CheckpointSpace(), reach: AxisReach = AxisReach()) {
    let resolver = AxisResolver(space)
    self.init(reach, scopes: resolver.scopes) { resolver.permits($0) }
  }

  init(valueCounts counts: [Int], isFeasible: @escaping FeasibleCombinations.Judge) {
    let reach = AxisReach(AxisCombinations(valueCounts: counts))
    self.init(reach, scopes: [.max], isFeasible: isFeasible)
  }

  private init(
    _ reach: AxisReach, scopes: [UInt32], isFeasible: @escaping FeasibleCombinations.Judge
  ) {
    self.reach = reach
    feasible = FeasibleCombinations(reach.combinations, scopes: scopes, isFeasible: isFeasible)
  }

  private var combinations: AxisCombinations { reach.combinations }

  /// The number of checkpoints.
  public var cases: Int { reach.cases }

  /// Counts a checkpoint by `AxisValues.bytes`; bytes of another number of axes are ignored.
  public mutating func add(_ values: [UInt8]) { reach.add(values) }

  /// Adds the coverage of other checkpoints of the same space.
  public mutating func formUnion(_ other: AxisCoverage) { reach.formUnion(other.reach) }

  /// Coverage of single values.
  public var singles: Count {
    let reached = reach.valueCounts.indices.count {
      reach.valueCounts[$0] > 0 && feasible.singles.contains($0)
    }
    return Count(reached: reached, feasible: feasible.singles.count)
  }

  /// Coverage of pairs of values of two axes.
  public var pairs: Count {
    Count(
      reached: reach.pairs.intersectionCount(feasible.pairs), feasible: feasible.pairs.count)
  }

  /// Coverage of triples of values of three axes.
  ///
  /// - Complexity: O(values cubed), about a tenth of a second for the whole space.
  public var triples: Count {
    let triples = feasible.triples()
    return Count(
      reached: reach.triples.intersectionCount(triples), feasible: triples.count)
  }

  /// How many checkpoints had each value of an axis, by label and in the order of the values.
  public func counts(of axis: ConfigAxis) -> [(label: String, count: Int)] {
    zip(axis.values, combinations.values(of: Int(axis.rawValue))).map {
      ($0, reach.valueCounts[$1])
    }
  }

  /// The feasible pairs that no checkpoint had, as values of two axes, in the order of axes.
  public var unreachedPairs: [[ConfigAxis: Int]] {
    pairs { feasible.pairs.contains($0) && !reach.pairs.contains($0) }
      .map { [$0.first: $0.value, $0.second: $0.other] }
  }

  /// The first feasible pairs that no checkpoint had, in words and in the order of axes.
  public func missingPairs(limit: Int = 10) -> [String] {
    pairsInWords(limit: limit) { feasible.pairs.contains($0) && !reach.pairs.contains($0) }
  }

  /// The first pairs that a checkpoint had although they are taken for infeasible.
  func contradictoryPairs(limit: Int = 10) -> [String] {
    pairsInWords(limit: limit) { reach.pairs.contains($0) && !feasible.pairs.contains($0) }
  }

  private func pairsInWords(limit: Int, where isWanted: (Int) -> Bool) -> [String] {
    pairs(limit: limit, where: isWanted).map {
      "\($0.first.name) \($0.first.values[$0.value]), \($0.second.name) \($0.second.values[$0.other])"
    }
  }

  private typealias Pair = (first: ConfigAxis, value: Int, second: ConfigAxis, other: Int)

  private func pairs(limit: Int = .max, where isWanted: (Int) -> Bool) -> [Pair] {
    var result: [Pair] = []
    for first in ConfigAxis.allCases {
      for second in ConfigAxis.allCases where second.rawValue > first.rawValue {
        for (value, number) in combinations.values(of: Int(first.rawValue)).enumerated() {
          for (other, otherNumber) in combinations.values(of: Int(second.rawValue)).enumerated()
          where isWanted(combinations.place(number, otherNumber)) {
            guard result.count < limit else { return result }
            result.append((first, value, second, other))
          }
        }
      }
    }
    return result
  }
}
