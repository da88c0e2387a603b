// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Adapters
import CheckpointGenerators
import Layouts
import Tensors

/// Changes that look like faults and that no law may notice.
extension FaultBank {
  static let equivalents: [PlantedFault] = [
    PlantedFault(
      "same-cast-through-float64", .other, "experts are cast by way of float64",
      .equivalent("float64 holds every number of the other types, so nothing is rounded twice"),
      needs: [.groups],
      FaultyAdapter(onDiskIn: { dict, call in
        try dict.editing(.experts, call) { tensor in
          tensor.dtype == call.setup.options.targetDType || !tensor.dtype.isFloatingPoint
            ? tensor : try tensor.cast(to: .f64)
        }
      })),
    PlantedFault(
      "same-vectors-reshaped", .other,
      "matrices of one row or column are reshaped in place of a transpose",
      .equivalent("a transpose of a vector leaves its elements in their order"),
      needs: [.transposed(.down)],
      FaultyAdapter(nativeOut: { dict, call in
        try dict.editing(.down, call) { tensor in
          tensor.shape.rank == 3 && (tensor.shape[1] == 1 || tensor.shape[2] == 1)
            ? try tensor.transposed().reshaped(tensor.shape) : tensor
        }
      })),
    PlantedFault(
      "same-one-rank-as-none", .other, "a group of one rank counts as no group",
      .equivalent("the only rank owns all experts"), needs: [],
      FaultyAdapter(
        fromHF: { session, dict, call in
          try session.fromHF(dict, call.rank?.size == 1 ? nil : call.rank)
        },
        toHF: { session, dict, call in
          try session.toHF(
            dict, excluding: call.excluding, call.rank?.size == 1 ? nil : call.rank)
        })),
    PlantedFault(
      "same-pattern-in-group", .other, "the pattern is put into a group before it is compiled",
      .equivalent("a group changes neither what a pattern matches nor where"), needs: [],
      FaultyAdapter(toHF: { session, dict, call in
        try session.toHF(
          dict, excluding: call.excluding.isEmpty ? "" : "(?:\(call.excluding))", call.rank)
      })),
  ]
}
