// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts

extension CheckpointSpec {
  /// The simplest checkpoint: one layer with one expert, all sizes 1, the simplest value of every
  /// axis and no bit set.
  public static let plainest: CheckpointSpec = {
    let values = AxisAssignment(ConfigAxis.allCases.map { ($0, 0) })
    let details = SpecDetails()
    guard let config = ConfigBuilder(values: values, details: details).config() else {
      preconditionFailure("a config whose counts and sizes are 1 is within all limits")
    }
    return SpecBuilder(values: values, details: details, config: config).spec()
  }()
}
