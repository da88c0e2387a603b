// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import AdapterLaws
internal import Campaigns
internal import CheckpointGenerators
internal import Layouts
import Synchronization

/// Finds the smallest checkpoint that shows a fault by trying all of them, without the shrinker.
///
/// All with up to two non-default values are tried, the simplest first. Where those show nothing, the
/// non-default values that the shrinker ended with are tried in all simpler combinations.
final class SmallestSearch: Sendable {
  private let layout: Layout
  private let nonDefaults: [NonDefaultValue]
  /// Checkpoints with one non-default value at most.
  private let plain: [CheckpointSpec]
  /// Those with two, once they are asked for; making them takes a while.
  private let pairs = Mutex<[CheckpointSpec]?>(nil)

  /// - Parameter hasFaults: Whether the kind of an invalid checkpoint's fault is a non-default value, too.
  init(hasFaults: Bool, in layout: Layout) {
    self.layout = layout
    nonDefaults = NonDefaultValue.all(
      faultKinds: hasFaults ? CheckpointFaultCatalogue.all.count : 0)
    plain = Self.specs(layout, [[]] + nonDefaults.map { [$0] })
  }

  private func pairsOfNonDefaults() -> [CheckpointSpec] {
    pairs.withLock { pairs in
      if let pairs { return pairs }
      let made = Self.specs(
        layout,
        nonDefaults.enumerated().flatMap { place, first in
          nonDefaults[(place + 1)...].filter { $0.axis != first.axis }.map { [first, $0] }
        })
      pairs = made
      return made
    }
  }

  private static func specs(_ layout: Layout, _ candidates: [[NonDefaultValue]]) -> [CheckpointSpec]
  {
    var seen: Set<CheckpointSpec> = []
    return candidates.sorted { NonDefaultValue.areSimpler($0, than: $1) }
      .compactMap { CheckpointSpec(layout, nonDefaults: $0) }.filter { seen.insert($0).inserted }
  }

  /// The smallest checkpoint that a run's laws fail on.
  ///
  /// - Parameter found: One that they fail on.
  func smallest(_ run: CheckRun, found: CheckpointSpec) -> CheckpointSpec? {
    if let spec = plain.first(where: { run.fails($0) }) { return spec }
    if let spec = pairsOfNonDefaults().first(where: { run.fails($0) }) { return spec }
    return Self.specs(layout, combinations(of: found.peculiarAxes)).first { run.fails($0) }
  }

  /// All combinations of three non-default values or more of some axes.
  private func combinations(of axes: [ConfigAxis]) -> [[NonDefaultValue]] {
    var result: [[NonDefaultValue]] = [[]]
    for axis in axes {
      let own = nonDefaults.filter { $0.axis == axis }
      result += result.flatMap { start in own.map { start + [$0] } }
    }
    return result.filter { $0.count > 2 }
  }
}
