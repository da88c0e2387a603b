// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import CheckpointGenerators
import StrictJSON

/// The axes of configs with their values, for who declares what an adapter supports.
struct AxisList {
  func print(to console: Console) {
    for axis in ConfigAxis.allCases {
      console.print(axis.name)
      for value in axis.values { console.print("  \(value)") }
    }
    console.printDocument(
      "check", holds: true,
      [
        (
          "axes",
          .array(
            ConfigAxis.allCases.map { axis in
              [
                "name": .string(axis.name),
                "values": .array(axis.values.map { .string($0) }),
              ]
            })
        )
      ])
  }
}
