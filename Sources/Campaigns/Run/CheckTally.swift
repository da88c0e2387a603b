// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import AdapterLaws
internal import CheckpointGenerators
internal import PropertyEngine

/// Counts what the cases of a run say, in the order of the cases.
struct CheckTally {
  private(set) var laws: [LawTally]
  private var axes: AxisCoverage
  private let space: CheckpointSpace

  init(_ laws: [AdapterLaw], _ space: CheckpointSpace) {
    self.laws = laws.map { LawTally(LawSummary($0)) }
    self.space = space
    let isWhole = space.pinned.isEmpty && space.config == nil
    axes = isWhole ? Self.wholeSpace : AxisCoverage(space)
  }

  /// Finding out what is feasible takes a while.
  private static let wholeSpace = AxisCoverage()

  /// Adds a case; one that was executed before says nothing new.
  mutating func add(_ observation: CaseObservation) {
    let bytes = observation.annotation
    guard !observation.isRepeated, bytes.count >= laws.count else { return }
    for (index, byte) in bytes.prefix(laws.count).enumerated() {
      switch Judgement.Mark(rawValue: byte) {
      case .holds: laws[index].held += 1
      case .broken: laws[index].broken += 1
      case .doesNotApply: laws[index].notApplicable += 1
      case .unjudged, nil: break
      }
    }
    axes.add(Array(bytes.dropFirst(laws.count)))
  }

  /// Where the checkpoints lie.
  var coverage: SpaceCoverage { SpaceCoverage(axes, space) }
}
