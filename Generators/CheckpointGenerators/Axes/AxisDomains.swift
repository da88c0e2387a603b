// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts

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
    let layout = space.layout
    for axis in ConfigAxis.allCases { restrict(axis, to: mask(layout.values(of: axis))) }
    if let config = space.config { restrict(to: config) }
    for axis in ConfigAxis.allCases {
      guard let allowed = space.allowed[axis] else { continue }
      let mask = allowed.filter(axis.values.indices.contains).reduce(UInt32(0)) {
        $0 | 1 << UInt32($1)
      }
      if values[Int(axis.rawValue)] & mask == 0 {
        let labels = allowed.sorted().filter(axis.values.indices.contains).map { axis.values[$0] }
        conflict =
          conflict
          ?? "\(axis.name) is none of those allowed: "
          + (labels.isEmpty ? "there are none" : labels.joined(separator: ", "))
      }
      restrict(axis, to: mask)
    }
    for (axis, value) in space.sortedPins {
      let bit = axis.values.indices.contains(value) ? UInt32(1) << UInt32(value) : 0
      if bit == 0 {
        conflict = conflict ?? "\(axis.name) has no value \(value)"
      } else if values[Int(axis.rawValue)] & bit == 0 {
        conflict =
          conflict
          ?? "\(axis.name) \(axis.values[value]) is not \(space.allowed[axis] == nil ? owner(of: axis, value, space) : "allowed")"
      }
      restrict(axis, to: bit)
    }
  }

  func contains(_ value: UInt8, _ axis: ConfigAxis) -> Bool {
    value < 32 && values[Int(axis.rawValue)] >> UInt32(value) & 1 == 1
  }

  /// Axes of which some values are left out and more than one is left.
  var narrowed: [ConfigAxis] {
    ConfigAxis.allCases.filter { axis in
      let left = values[Int(axis.rawValue)].nonzeroBitCount
      return left > 1 && left < axis.valueCount
    }
  }

  private func mask(_ values: [UInt8]) -> UInt32 {
    values.reduce(0) { $0 | 1 << UInt32($1) }
  }

  /// Whose values of an axis do not include one.
  private func owner(of axis: ConfigAxis, _ value: Int, _ space: CheckpointSpace) -> String {
    space.layout.values(of: axis).contains(UInt8(value))
      ? "the config's" : "of layout \(space.layout.name)"
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
    restrict(.expertBias, to: config.hasRouterBias ? ~absent : absent)
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
