// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
public import Layouts

/// One thing that sets a checkpoint apart from the plainest: a value of an axis, with one choice
/// among what that leaves open, or a fault.
public struct NonDefaultValue: Sendable, Hashable {
  /// The axis, or nil for a fault.
  public let axis: ConfigAxis?
  fileprivate let value: Int
  fileprivate let detail: Int

  /// All non-default values with small details, those of more important axes first.
  ///
  /// - Parameter faultKinds: How many kinds of faults there are; 0 leaves faults out.
  public static func all(faultKinds: Int) -> [NonDefaultValue] {
    let ofAxes = ConfigAxis.allCases.flatMap { axis in
      (0..<axis.valueCount).flatMap { value in
        details(of: axis, value).map { NonDefaultValue(axis: axis, value: value, detail: $0) }
      }
    }
    let faults = (0..<faultKinds).flatMap { kind in
      (0..<3).map { NonDefaultValue(axis: nil, value: kind, detail: $0) }
    }
    return ofAxes.filter { $0.value > 0 || $0.detail > 0 } + faults
  }

  private static func details(of axis: ConfigAxis, _ value: Int) -> [Int] {
    switch axis {
    // The smallest details that make one expert more each of a range of five.
    case .experts: [0, 115, 162, 199, 230]
    // Patterns of a constant, then digits of a tracer; others have a seed, which is no detail.
    case .contents: value == 0 ? Array(0..<32) : value == 1 ? Array(0..<4) : [0]
    case .heads: Array(0..<8)
    case .hiddenSize, .intermediateSize: Array(0..<5)
    case .decoderLayers, .densePrefix, .expertParallelism, .rankPosition, .loraRank, .exclusion,
      .keyOrder:
      Array(0..<3)
    default: [0]
    }
  }

  /// Where it stands in the order of importance, then how simple it is.
  var place: [Int] { [axis.map { Int($0.rawValue) } ?? ConfigAxis.allCases.count, value, detail] }
}

extension CheckpointSpec {
  /// The checkpoint of a layout that is plain but for some non-default values of different axes; nil if those
  /// do not go together.
  public init?(_ layout: Layout = .usual, nonDefaults: [NonDefaultValue]) {
    var wanted = AxisAssignment.plain(in: layout)
    var details = SpecDetails()
    for nonDefault in nonDefaults {
      if let axis = nonDefault.axis {
        wanted[axis] = UInt8(truncatingIfNeeded: nonDefault.value)
        details[axis] = nonDefault.detail
      } else {
        details.faults.append(
          CheckpointFault(kind: nonDefault.value, site: UInt64(nonDefault.detail)))
      }
    }
    if details.faults.isEmpty { details.faults = [CheckpointFault(kind: 0, site: 0)] }
    let resolver = AxisResolver(CheckpointSpace(layout: layout))
    guard resolver.resolve(wanted) == wanted,
      let config = ConfigBuilder(layout: layout, values: wanted, details: details).config()
    else { return nil }
    self = SpecBuilder(values: wanted, details: details, config: config).spec()
  }

  /// The axes on which the checkpoint is not plain, as far as its description says.
  public var peculiarAxes: [ConfigAxis] {
    let plainest = CheckpointSpec.plainest(of: config.layout)
    let (own, plain) = (AxisValues(self), AxisValues(plainest))
    return ConfigAxis.allCases.filter { axis in
      switch axis {
      case .heads:
        config.headSize != 1 || config.attentionHeadCount != 1 || own[axis] != plain[axis]
      case .contents: contents != plainest.contents
      default: own[axis] != plain[axis]
      }
    }
  }
}

extension NonDefaultValue {
  /// Whether some non-default values make a simpler checkpoint than others: fewer, then less important.
  public static func areSimpler(_ some: [NonDefaultValue], than others: [NonDefaultValue]) -> Bool {
    guard some.count == others.count else { return some.count < others.count }
    for (one, other) in zip(some, others) where one != other {
      // What sets in at a less important axis is simpler; on one axis the smaller value is.
      return one.axis == other.axis
        ? one.place.lexicographicallyPrecedes(other.place)
        : other.place.lexicographicallyPrecedes(one.place)
    }
    return false
  }
}
