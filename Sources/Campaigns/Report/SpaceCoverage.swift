// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import CheckpointGenerators

/// Which parts of the space of checkpoints a run has reached.
public struct SpaceCoverage: Sendable, Equatable {
  /// One axis: how many checkpoints had each of its values.
  public struct Axis: Sendable, Equatable {
    /// A value of an axis.
    public struct Value: Sendable, Equatable {
      /// The name of the value.
      public var label: String
      /// How many checkpoints had it.
      public var count: Int
      /// Whether any checkpoint of the space has it.
      public var isFeasible: Bool
    }

    /// The name of the axis.
    public var name: String
    /// The values, the simplest first.
    public var values: [Value]
  }

  /// Values of single axes.
  public var values = AxisCoverage.Count()
  /// Values of two axes together.
  public var pairs = AxisCoverage.Count()
  /// Values of three axes together.
  public var triples = AxisCoverage.Count()
  /// Pairs that exist and were not reached, in words, the first few.
  public var missingPairs: [String] = []
  /// The axes, the most important first.
  public var axes: [Axis] = []

  /// Describes coverage without an axis.
  public init() {}

  init(_ coverage: AxisCoverage, _ space: CheckpointSpace) {
    values = coverage.singles
    pairs = coverage.pairs
    triples = coverage.triples
    missingPairs = coverage.missingPairs(limit: 100)
    // Asking about each value takes a while where none is out of reach.
    let total = ConfigAxis.allCases.reduce(0) { $0 + $1.values.count }
    let isWhole = coverage.singles.feasible == total
    axes = ConfigAxis.allCases.map { axis in
      let values = coverage.counts(of: axis).enumerated().map { position, value in
        var pinned = space
        pinned.pinned[axis] = position
        return Axis.Value(
          label: value.label, count: value.count,
          isFeasible: isWhole || value.count > 0 || pinned.conflict == nil)
      }
      return Axis(name: axis.name, values: values)
    }
  }

  /// The shares with their names.
  public var shares: [(name: String, share: AxisCoverage.Count)] {
    [("values", values), ("pairs of values", pairs), ("triples of values", triples)]
  }
}

extension AxisCoverage.Count {
  /// The part reached in thousandths, rounded down, so that 1000 means all.
  public var permille: Int {
    feasible == 0 ? 1000 : Int(Double(reached) * 1000 / Double(feasible))
  }

  /// The part reached in percent, such as `98.7%`.
  public var text: String { "\(permille / 10).\(permille % 10)%" }
}
