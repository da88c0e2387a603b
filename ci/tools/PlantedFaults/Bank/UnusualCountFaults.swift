// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Adapters
import CheckpointGenerators
import Layouts
import Tensors

/// Faults that need more than 100 experts.
extension FaultBank {
  static let unusualCounts: [PlantedFault] = [
    PlantedFault(
      "digits-expert-hundreds-load", .numbers,
      "of an expert's number the last two digits are read on load", needs: [.singleExperts],
      cause: .fromHF(.expertOverwritten(0, by: 100)), smallest: "experts 101; contents constant 1",
      FaultyAdapter(nativeOut: { dict, call in
        let own = Array(call.own)
        return try dict.editing(.experts, call) { tensor in
          try tensor.permuting(axis: 0) { slot in
            guard own.indices.contains(slot) else { return slot }
            return own.lastIndex { $0 % 100 == own[slot] }
          }
        }
      })),
    PlantedFault(
      "digits-expert-hundreds-save", .numbers,
      "of an expert's number the first two digits are written on save", needs: [.singleExperts],
      cause: .toHF(.expertsMissing([100])), smallest: "experts 101",
      FaultyAdapter(onDiskOut: { dict, call in
        try dict.renaming(call) { key in key.with(expert: String(key.expertText?.prefix(2) ?? "")) }
      })),
    PlantedFault(
      "order-hundreds-both", .numbers,
      "experts are sorted as text of two digits or more in both directions", .selfConsistent,
      cause: .both(.expertOrder(.permutation([]))), smallest: "experts 101; contents tracer 0",
      both { $0.sorted { padded($0) < padded($1) } }),
  ]

  /// A number as formatted with at least two digits.
  private static func padded(_ number: Int) -> String { (number < 10 ? "0" : "") + "\(number)" }
}
