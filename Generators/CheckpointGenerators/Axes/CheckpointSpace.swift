// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Adapters

/// Which checkpoints are generated.
public struct CheckpointSpace: Sendable {
  /// Axes that have one value only, by the position of that value.
  public var pinned: [ConfigAxis: Int]
  /// The config of all checkpoints, or nil for generated ones.
  public var config: ModelConfig?
  /// The number of faults in the catalogue of faults, which the spec's faults are positions in.
  public var faultKinds: Int

  /// Creates a space; without arguments it is that of all checkpoints.
  public init(
    pinned: [ConfigAxis: Int] = [:], config: ModelConfig? = nil, faultKinds: Int = 1
  ) {
    self.pinned = pinned
    self.config = config
    self.faultKinds = faultKinds
  }

  /// Why the space is empty, in words, or nil if it is not.
  public var conflict: String? {
    let resolver = AxisResolver(self)
    if let conflict = resolver.conflict { return conflict }
    return resolver.resolve(AxisAssignment()) == nil ? "no checkpoint has all pinned values" : nil
  }

  var sortedPins: [(axis: ConfigAxis, value: Int)] {
    pinned.map { ($0.key, $0.value) }.sorted { $0.axis.rawValue < $1.axis.rawValue }
  }
}
