// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters

/// The values that are left of each axis by pins and a config.
struct AxisDomains: Sendable {
  /// The values of each axis, as bits.
  private var values: [UInt32] = ConfigAxis.allCases.map {
    (UInt32(1) << UInt32($0.valueCount)) - 1
  }
  /// Axes that have one value.
  private(set) var fixed = AxisAssignment()
  /// What is wrong with the first axis that has no value left, or nil if there is none.
  private(set) var conflict: String?

  init(_ space: CheckpointSpace) {
    if let config = space.config { restrict(to: config) }
    for (axis, value) in space.sortedPins {
      let bit = axis.values.indices.contains(value) ? UInt32(1) << UInt32(value) : 0
      if bit == 0 {
        conflict = conflict ?? "\(axis.name) has no value \(value)"
      } else if values[Int(axis.rawValue)] & bit == 0 {
        conflict = conflict ?? "\(axis.name) \(axis.values[value]) is not the config's"
      }
      restrict(axis, to: bit)
    }
  }

  func contains(_ value: UInt8, _ axis: ConfigAxis) -> Bool {
    value < 32 && values[Int(axis.rawValue)] >> UInt32(value) & 1 == 1
  }

  private mutating func restrict(_ axis: ConfigAxis, to mask: UInt32) {
    let left = values[Int(axis.rawValue)] & mask
    values[Int(axis.rawValue)] = left
    if left.nonzeroBitCount == 1 { fixed[axis] = UInt8(left.trailingZeroBitCount) }
  }

  private mutating func restrict(to config: ModelConfig) {
    let classes = AxisValues(config).assignment
    for axis in ConfigAxis.allCases where classes.isAssigned(axis) {
      restrict(axis, to: classes[axis])
    }
    let absent = UInt32(1) << UInt32(ExpertBiasClass.absent.axisValue)
    restrict(.expertBias, to: config.hasExpertBias ? ~absent : absent)
    let type = OtherTypeClass.allCases.first { $0.dtype == config.dtype }
    restrict(.otherDType, to: type?.axisValue ?? AxisAssignment.outside)
  }

  private mutating func restrict(_ axis: ConfigAxis, to value: UInt8) {
    if value < 32 {
      restrict(axis, to: UInt32(1) << UInt32(value))
    } else {
      values[Int(axis.rawValue)] = 0
      fixed[axis] = AxisAssignment.outside
    }
  }
}
