// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Synchronization

/// The values, pairs and triples of values that some checkpoint has.
struct FeasibleCombinations: Sendable {
  /// Whether values, given as axes and positions, go together.
  typealias Judge = @Sendable ([(axis: Int, value: Int)]) -> Bool

  let singles: BitSet
  let pairs: BitSet
  private let combinations: AxisCombinations
  private let isFeasible: Judge
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
  init(_ combinations: AxisCombinations, isFeasible: @escaping Judge) {
    self.combinations = combinations
    self.isFeasible = isFeasible
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

  /// Asks about all triples whose pairs are feasible.
  private func feasibleTriples() -> BitSet {
    let size = combinations.valueCount
    var triples = BitSet(count: size * size * size)
    for third in axes.joined() where singles.contains(third.number) {
      for second in axes[..<third.axis].joined()
      where pairs.contains(combinations.place(second.number, third.number)) {
        for first in axes[..<second.axis].joined()
        where pairs.contains(combinations.place(first.number, second.number))
          && pairs.contains(combinations.place(first.number, third.number))
          && isFeasible([
            (first.axis, first.value), (second.axis, second.value), (third.axis, third.value),
          ])
        {
          triples.insert(combinations.place(first.number, second.number, third.number))
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
