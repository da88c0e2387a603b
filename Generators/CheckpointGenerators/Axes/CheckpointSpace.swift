// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
public import Layouts

/// Which checkpoints are generated.
public struct CheckpointSpace: Sendable {
  /// Axes that have one value only, by the position of that value.
  public var pinned: [ConfigAxis: Int]
  /// Axes that have some values only, by their positions.
  ///
  /// The same choices make the same checkpoint as in the space without this, if that checkpoint has
  /// allowed values; choices for any other make one that has.
  public var allowed: [ConfigAxis: Set<Int>] = [:]
  /// The config of all checkpoints, or nil for generated ones.
  public var config: ModelConfig?
  /// The layout of generated configs.
  private var layoutOfGenerated: Layout
  /// The number of faults in the catalogue of faults, which the spec's faults are positions in.
  public var faultKinds: Int

  /// Creates a space; without arguments it is that of all checkpoints of the usual layout.
  public init(
    layout: Layout = .usual, pinned: [ConfigAxis: Int] = [:], config: ModelConfig? = nil,
    faultKinds: Int = 1
  ) {
    layoutOfGenerated = layout
    self.pinned = pinned
    self.config = config
    self.faultKinds = faultKinds
  }

  /// The layout of all checkpoints: the config's, if there is one.
  public var layout: Layout {
    get { config?.layout ?? layoutOfGenerated }
    set { layoutOfGenerated = newValue }
  }

  /// Why the space is empty, in words, or nil if it is not.
  public var conflict: String? {
    let resolver = AxisResolver(self)
    if let conflict = resolver.conflict { return conflict }
    return resolver.resolve(AxisAssignment()) == nil ? Self.nothingLeft : nil
  }

  private static let nothingLeft = "no checkpoint has values of the axes that go together"

  /// Whether the values of a checkpoint are allowed; if not, the first axis whose value is not.
  public func disallowedAxis(_ values: AxisValues) -> ConfigAxis? {
    ConfigAxis.allCases.first { axis in
      guard let allowed = allowed[axis] else { return false }
      return values[axis].map { !allowed.contains($0) } ?? true
    }
  }

  /// The same space with all values of all axes that are not pinned.
  public var unrestricted: CheckpointSpace {
    var space = self
    space.allowed = [:]
    return space
  }

  var sortedPins: [(axis: ConfigAxis, value: Int)] {
    pinned.map { ($0.key, $0.value) }.sorted { $0.axis.rawValue < $1.axis.rawValue }
  }
}

extension CheckpointSpace {
  /// Leaves only checkpoints that have what a config decides beside its numbers: which layers are
  /// dense and how many predict further tokens, how the intermediate size relates to the hidden size,
  /// shared experts, heads, norms, biases, embeddings, and types.
  ///
  /// What the adapter supports of that must have been left out before.
  public mutating func keepRelations(of config: ModelConfig) {
    let values = AxisValues(config)
    for axis in Self.related {
      if let value = values[axis] { keep([value], of: axis) }
    }
    let biases = ExpertBiasClass.allCases.filter { ($0 != .absent) == config.hasRouterBias }
    keep(Set(biases.map { Int($0.axisValue) }), of: .expertBias)
    if let type = OtherTypeClass.allCases.first(where: { $0.dtype == config.dtype }) {
      keep([Int(type.axisValue)], of: .otherDType)
    }
  }

  private static let related: [ConfigAxis] = [
    .densePrefix, .mtpLayers, .intermediateSize, .sharedExperts, .heads, .queryKeyNorm, .biases,
    .tiedEmbeddings,
  ]

  private mutating func keep(_ values: Set<Int>, of axis: ConfigAxis) {
    allowed[axis] = allowed[axis].map { $0.intersection(values) } ?? values
  }
}

extension Layout {
  /// The layout of checkpoints for which no other is asked.
  public static let usual: Layout = {
    guard let layout = Layout.known("hy_v3") else {
      preconditionFailure("the table of Hy3 is part of the program")
    }
    return layout
  }()
}
