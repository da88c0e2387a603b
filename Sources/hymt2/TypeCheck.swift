// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Campaigns
import StrictJSON
import Tensors

/// Whether tensors have the element types of the layout: a warning where they do not, if values can be used.
struct TypeCheck {
  private let deviations: [TypeDeviation]
  private let isStrict: Bool

  init(_ planner: AdapterPlanner, _ infos: [TensorInfo], isStrict: Bool) {
    deviations = planner.typeDeviations(infos)
    self.isStrict = isStrict
  }

  var holds: Bool { deviations.allSatisfy { $0.isUsable && !isStrict } }

  func print(to console: Console) {
    if deviations.isEmpty { console.printVerdict(true, "every tensor has its element type") }
    for deviation in deviations {
      let count = deviation.names.count
      console.printVerdict(
        deviation.isUsable && !isStrict ? nil : false,
        "\(count == 1 ? "1 tensor has" : "\(grouped(count)) tensors have") another element type: "
          + "expected \(deviation.expected), found \(deviation.found)")
      for line in NameCensus(deviation.names).lines() { console.print("  \(line)") }
    }
  }

  /// How a verification ended whose laws held or not.
  func status(holds: Bool) -> JSONValue {
    holds ? deviations.isEmpty ? "held" : "other types" : "failed"
  }

  var json: JSONValue {
    .array(
      deviations.map {
        [
          "expected": .string($0.expected.rawValue), "found": .string($0.found.rawValue),
          "count": JSONValue($0.names.count),
          "tensors": .array(NameCensus($0.names).lines(atMost: .max).map { .string($0) }),
        ]
      })
  }
}
