// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Layouts
import Synchronization

extension CheckpointSpec {
  /// The simplest checkpoint of the usual layout: one layer with one expert, all sizes 1, the simplest
  /// value of every axis and no bit set.
  public static let plainest = plainest(of: .usual)

  /// The simplest checkpoint of a layout: one layer with one expert, all sizes as small as the layout
  /// has them, the simplest value of every axis that it has and no bit set.
  public static func plainest(of layout: Layout) -> CheckpointSpec {
    if let known = plain.withLock({ $0[layout] }) { return known }
    let values = AxisAssignment.plain(in: layout)
    let details = SpecDetails()
    let builder = ConfigBuilder(layout: layout, values: values, details: details)
    guard let config = builder.config() else {
      preconditionFailure("a config of the least counts and sizes is within all limits")
    }
    let spec = SpecBuilder(values: values, details: details, config: config).spec()
    plain.withLock { $0[layout] = spec }
    return spec
  }

  private static let plain = Mutex<[Layout: CheckpointSpec]>([:])
}

extension AxisAssignment {
  /// The simplest values of all axes that a layout has.
  static func plain(in layout: Layout) -> AxisAssignment {
    AxisAssignment(ConfigAxis.allCases.map { ($0, layout.values(of: $0).first ?? 0) })
  }
}
