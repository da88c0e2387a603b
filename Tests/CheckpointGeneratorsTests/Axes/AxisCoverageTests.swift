// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Testing

@testable import CheckpointGenerators

@Suite("Coverage of axes")
struct AxisCoverageTests {
  private static let counts = [2, 3, 2, 4]

  /// A toy rule with a pair and a triple.
  private static func isFeasible(_ values: [(axis: Int, value: Int)]) -> Bool {
    func has(_ axis: Int, _ value: Int) -> Bool { values.contains { $0 == (axis, value) } }
    return !(has(0, 1) && has(1, 2)) && !(has(0, 0) && has(2, 1) && has(3, 3))
  }

  @Test("Counts are those of a count by hand over all combinations")
  func bruteForce() {
    let cases: [[UInt8]] = [
      [0, 0, 0, 0], [1, 1, 1, 3], [0, 2, 1, 1], [1, 0, 254, 2], [0, 0, 0, 0], [0, 1, 1, 2],
    ]
    var coverage = AxisCoverage(valueCounts: Self.counts) { Self.isFeasible($0) }
    for values in cases { coverage.add(values) }
    #expect(coverage.cases == 6)
    for (size, count) in [(1, coverage.singles), (2, coverage.pairs), (3, coverage.triples)] {
      let feasible = combinations(of: size).filter(Self.isFeasible)
      let reached = feasible.count { combination in
        cases.contains { values in
          combination.allSatisfy { Int(values[$0.axis]) == $0.value }
        }
      }
      #expect(count.feasible == feasible.count, "\(size) axes")
      #expect(count.reached == reached, "\(size) axes")
    }
  }

  /// All values of every choice of so many axes.
  private func combinations(of size: Int) -> [[(axis: Int, value: Int)]] {
    var result: [[(axis: Int, value: Int)]] = [[]]
    for _ in 0..<size {
      result = result.flatMap { start in
        ((start.last?.axis ?? -1) + 1..<Self.counts.count).flatMap { axis in
          (0..<Self.counts[axis]).map { start + [(axis, $0)] }
        }
      }
    }
    return result
  }

  @Test("Coverage of two halves of the cases together is coverage of all")
  func union() {
    let cases: [[UInt8]] = [[0, 0, 0, 0], [1, 1, 1, 3], [0, 2, 1, 1], [1, 0, 0, 2]]
    var whole = AxisCoverage(valueCounts: Self.counts) { Self.isFeasible($0) }
    var first = whole
    var second = whole
    for (index, values) in cases.enumerated() {
      whole.add(values)
      index < 2 ? first.add(values) : second.add(values)
    }
    first.formUnion(second)
    #expect(first.cases == whole.cases)
    #expect(first.singles == whole.singles)
    #expect(first.pairs == whole.pairs)
    #expect(first.triples == whole.triples)
  }

  @Test("Missing pairs are named in the order of axes, and the values of an axis counted")
  func words() {
    var coverage = AxisCoverage()
    #expect(coverage.cases == 0)
    #expect(
      coverage.missingPairs(limit: 2) == [
        "experts 1, decoder layers 1", "experts 1, decoder layers 2",
      ])
    coverage.add(AxisValues(.plainest).bytes)
    coverage.add([0, 0])
    #expect(coverage.cases == 1)
    #expect(coverage.missingPairs(limit: 1) == ["experts 1, decoder layers 2"])
    #expect(coverage.counts(of: .tiedEmbeddings).map(\.count) == [1, 0])
    #expect(coverage.counts(of: .tiedEmbeddings).map(\.label) == ["untied", "tied"])
    #expect(coverage.singles.reached == ConfigAxis.allCases.count)
  }

  @Test("A pinned axis takes only its own combinations into account")
  func pinned() {
    let all = AxisCoverage().pairs.feasible
    let pinned = AxisCoverage(CheckpointSpace(pinned: [.experts: 0, .lora: 0]))
    #expect(pinned.pairs.feasible < all)
    #expect(pinned.singles.feasible < AxisCoverage().singles.feasible)
    #expect(!pinned.missingPairs(limit: .max).contains { $0.contains("ParamWrapper,") })
  }

  @Test("No checkpoint has a pair that is taken for infeasible")
  func contradictions() {
    var coverage = AxisCoverage()
    for spec in specs(count: 1000, seed: 3) { coverage.add(AxisValues(spec).bytes) }
    #expect(coverage.contradictoryPairs() == [])
    #expect(coverage.singles.reached == coverage.singles.feasible)
    #expect(coverage.pairs.reached * 100 > coverage.pairs.feasible * 95)
  }
}
