// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import AdapterLaws
internal import CheckpointGenerators
internal import PropertyEngine

/// Counts what the cases of a run say, in the order of the cases.
struct CheckTally {
  private(set) var laws: [LawTally]
  /// On how many checkpoints each known divergence was seen.
  private(set) var known: [Int]
  /// Checkpoints on which any was seen.
  private(set) var casesWithKnown = 0
  /// Those of them that passed.
  private(set) var passedWithKnown = 0
  private var axes: AxisCoverage
  private let space: CheckpointSpace

  init(_ laws: [AdapterLaw], _ space: CheckpointSpace, knownCount: Int) {
    self.laws = laws.map { LawTally(LawSummary($0)) }
    self.space = space
    known = Array(repeating: 0, count: knownCount)
    let isWhole = space.pinned.isEmpty && space.allowed.isEmpty && space.config == nil
    axes = isWhole ? Self.wholeSpace : AxisCoverage(space)
  }

  /// Finding out what is feasible takes a while.
  private static let wholeSpace = AxisCoverage()

  /// Adds a case; one that was executed before says nothing new.
  mutating func add(_ observation: CaseObservation) {
    let bytes = observation.annotation
    guard !observation.isRepeated, bytes.count >= laws.count else { return }
    for (index, byte) in bytes.prefix(laws.count).enumerated() {
      laws[index].add(Judgement.Mark(rawValue: byte))
    }
    let others = bytes.dropFirst(laws.count)
    axes.add(Array(others.prefix(ConfigAxis.allCases.count)))
    addKnown(Array(others.dropFirst(ConfigAxis.allCases.count)), observation.status)
  }

  private mutating func addKnown(_ bytes: [UInt8], _ status: CaseStatus) {
    let seen = known.indices.filter { $0 / 8 < bytes.count && bytes[$0 / 8] >> ($0 % 8) & 1 == 1 }
    guard !seen.isEmpty else { return }
    for entry in seen { known[entry] += 1 }
    casesWithKnown += 1
    if status == .passed { passedWithKnown += 1 }
  }

  /// Where the checkpoints lie.
  var coverage: SpaceCoverage { SpaceCoverage(axes, space) }
}
