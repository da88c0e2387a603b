// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// The values of some axes or all.
struct AxisAssignment: Sendable, Hashable {
  /// Of an axis that has no value yet.
  static let unassigned: UInt8 = 255
  /// Of an axis whose value is none of the table's.
  static let outside: UInt8 = 254

  private var storage = SIMD32<UInt8>(repeating: unassigned)

  init() {}

  init(_ values: [(ConfigAxis, UInt8)]) {
    for (axis, value) in values { self[axis] = value }
  }

  subscript(_ axis: ConfigAxis) -> UInt8 {
    get { storage[Int(axis.rawValue)] }
    set { storage[Int(axis.rawValue)] = newValue }
  }

  subscript(_ axis: UInt8) -> UInt8 { storage[Int(axis)] }

  func isAssigned(_ axis: ConfigAxis) -> Bool { self[axis] != Self.unassigned }

  /// One byte an axis.
  var bytes: [UInt8] { ConfigAxis.allCases.map { self[$0] } }
}
