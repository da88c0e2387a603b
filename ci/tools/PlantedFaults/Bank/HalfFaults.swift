// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Adapters
import CheckpointGenerators
import Layouts
import Tensors

/// Halves and rows of grouped tensors in wrong places.
extension FaultBank {
  static let halves: [PlantedFault] = exchanged + interleaved + offsets

  /// The axis of gate and up in a site's native tensors: that of the group, or the last one of a factor.
  private static func axis(_ site: FaultSite, _ call: FaultyAdapter.Call) -> Int? {
    site.isOfFactors ? 2 : call.layout.halvesAxis
  }

  /// The columns of gated experts' grouped tensors, permuted; `source` gets a column and the width.
  static func columns(
    of site: FaultSite = .gateAndUp,
    where isConcerned: @escaping @Sendable (FaultyAdapter.Call) -> Bool = { _ in true },
    _ source: @escaping @Sendable (_ column: Int, _ width: Int) -> Int?
  ) -> FaultyAdapter.Edit {
    { dict, call in
      guard call.isGated, isConcerned(call), let axis = axis(site, call) else { return dict }
      let width = call.setup.config.moeIntermediateSize
      return try dict.editing(site, call) { tensor in
        guard tensor.shape.rank == 3, tensor.shape[axis] == 2 * width else { return tensor }
        return try tensor.permuting(axis: axis) { source($0, width) }
      }
    }
  }

  /// One half of gated experts' grouped tensors, as if there were no other.
  static func half(_ place: Int, of site: FaultSite = .gateAndUp) -> FaultyAdapter.Edit {
    { dict, call in
      guard call.isGated, let axis = axis(site, call) else { return dict }
      let width = call.setup.config.moeIntermediateSize
      return try dict.editing(site, call) {
        try $0.selecting(axis: axis, (place * width..<(place + 1) * width).map { $0 })
      }
    }
  }

  @Sendable static func swapped(_ column: Int, _ width: Int) -> Int? {
    (column + width) % (2 * width)
  }

  private static let exchanged: [PlantedFault] = [
    PlantedFault(
      "halves-swapped-both", .halves, "up stands before gate in both directions", .selfConsistent,
      needs: [.halves], cause: .both(.halvesExchanged), smallest: "contents tracer 0",
      FaultyAdapter(nativeOut: columns(swapped), nativeIn: columns(swapped))),
    PlantedFault(
      "halves-swapped-load", .halves, "up stands before gate on load", needs: [.halves],
      cause: .fromHF(.halvesExchanged), smallest: "contents tracer 0",
      FaultyAdapter(nativeOut: columns(swapped))),
    PlantedFault(
      "halves-swapped-save", .halves, "the first half is saved as up", needs: [.halves],
      cause: .toHF(.halvesExchanged), smallest: "contents tracer 0",
      FaultyAdapter(nativeIn: columns(swapped))),
    PlantedFault(
      "halves-swapped-wide-both", .halves,
      "the halves are exchanged both ways where hidden is twice the intermediate size",
      .selfConsistent, needs: [.halves], cause: .both(.halvesExchanged),
      smallest: "hidden size 2; contents tracer 0",
      FaultyAdapter(
        bothWays: columns(
          where: { call in
            call.setup.config.hiddenSize == 2 * call.setup.config.moeIntermediateSize
          }, swapped))),
    PlantedFault(
      "halves-swapped-swigluoai-both", .halves,
      "up stands before gate in both directions with swigluoai", .selfConsistent,
      needs: [.gateOption], cause: .both(.halvesExchanged),
      smallest: "activation swigluoai; contents tracer 0",
      FaultyAdapter(
        bothWays: columns(
          where: { $0.setup.options.activation == .swigluoai }, swapped))),
    PlantedFault(
      "halves-swapped-last-expert", .halves, "up stands before gate in the last expert on load",
      needs: [.halves], cause: .fromHF(.halvesExchanged), smallest: "contents tracer 0",
      FaultyAdapter(nativeOut: { dict, call in
        guard call.isGated else { return dict }
        let swapped = try columns(swapped)(dict, call)
        return try StateDict(
          dict.map { name, tensor in
            guard call.has(name, .gateAndUp), let other = swapped[name],
              tensor.shape.rank == 3, tensor.shape[0] == call.own.count
            else { return (name, tensor) }
            let last = tensor.shape.elementCount / max(1, tensor.shape[0]) * (tensor.shape[0] - 1)
            return try (
              name,
              Tensor(tensor.dtype, tensor.shape) {
                $0 < last ? tensor.bits(at: $0) : other.bits(at: $0)
              }
            )
          })
      })),
    PlantedFault(
      "halves-gate-twice-load", .halves, "gate stands in the place of up on load", needs: [.halves],
      cause: .fromHF(.classReplaced(by: "{gate}"), .up), smallest: "contents tracer 0",
      FaultyAdapter(nativeOut: columns { $0 % $1 })),
    PlantedFault(
      "halves-gate-twice-save", .halves, "gate is saved in the place of up", needs: [.halves],
      cause: .toHF(.classReplaced(by: "{gate}"), .up), smallest: "contents tracer 0",
      FaultyAdapter(nativeIn: columns { $0 % $1 })),
    PlantedFault(
      "halves-up-lost-load", .halves, "gate alone is grouped on load", needs: [.halves],
      cause: .fromHF(.projectionMissing, .up), smallest: "", FaultyAdapter(nativeOut: half(0))),
  ]

  private static let interleaved: [PlantedFault] = [
    PlantedFault(
      "halves-interleaved-both", .halves, "rows of gate and up alternate in both directions",
      .selfConsistent, needs: [.halves], cause: .both(.halvesInterleaved, .gateAndUp),
      smallest: "MoE intermediate size 2; contents tracer 0",
      FaultyAdapter(
        nativeOut: columns { $0 % 2 * $1 + $0 / 2 },
        nativeIn: columns { $0 < $1 ? 2 * $0 : 2 * ($0 - $1) + 1 })),
    PlantedFault(
      "halves-interleaved-load", .halves, "rows of gate and up alternate on load", needs: [.halves],
      cause: .fromHF(.halvesInterleaved, .gateAndUp),
      smallest: "MoE intermediate size 2; contents tracer 0",
      FaultyAdapter(nativeOut: columns { $0 % 2 * $1 + $0 / 2 })),
    PlantedFault(
      "halves-interleaved-save", .halves, "every second row is saved as gate", needs: [.halves],
      cause: .toHF(.halvesInterleaved, .gateAndUp),
      smallest: "MoE intermediate size 2; contents tracer 0",
      FaultyAdapter(nativeIn: columns { $0 < $1 ? 2 * $0 : 2 * ($0 - $1) + 1 })),
  ]

  private static func downRows(
    _ source: @escaping @Sendable (_ row: Int, _ count: Int) -> Int?
  ) -> FaultyAdapter.Edit {
    { dict, call in
      try dict.editing(.down, call) { tensor in
        guard tensor.shape.rank == 3 else { return tensor }
        return try tensor.permuting(axis: 1) { source($0, tensor.shape[1]) }
      }
    }
  }

  /// Rows on disk, which are columns where the native form is transposed.
  private static let downRowsExchanged = FaultCause.either(
    [.rows, .columns].map { .both(.axisOrder($0, .exchanged(0, 1)), .down) })

  private static let offsets: [PlantedFault] = [
    PlantedFault(
      "offset-up-save", .halves, "up is saved from one column before its own", needs: [.halves],
      cause: .toHF(.classReplaced(by: "{gate}"), .up), smallest: "contents tracer 0",
      FaultyAdapter(nativeIn: columns { $0 < $1 ? $0 : $0 - 1 })),
    PlantedFault(
      "offset-gate-load", .halves, "gate and up stand one column too far on load", needs: [.halves],
      cause: .fromHF(.halvesShifted(by: 1)), smallest: "contents tracer 0",
      FaultyAdapter(nativeOut: columns { ($0 + 2 * $1 - 1) % (2 * $1) })),
    PlantedFault(
      "offset-odd-width-load", .halves, "the last row of gate is lost on load where rows are odd",
      needs: [.halves], cause: .fromHF(.zeros(isPartly: false), .gate),
      smallest: "contents constant 1",
      FaultyAdapter(nativeOut: columns { $1 % 2 == 1 && $0 == $1 - 1 ? nil : $0 })),
    PlantedFault(
      "offset-of-hidden-save", .halves, "up is saved from the column that hidden size says",
      needs: [.halves], cause: .toHF(.rearranged(example: ""), .up),
      smallest: "MoE intermediate size 2; contents tracer 0",
      FaultyAdapter(nativeIn: { dict, call in
        let hidden = call.setup.config.hiddenSize
        let edit = columns { column, width in
          guard column >= width else { return column }
          let place = hidden + column - width
          return place < 2 * width ? place : nil
        }
        return try edit(dict, call)
      })),
    PlantedFault(
      "rows-down-rotated-both", .halves, "rows of {down} are shifted by one in both directions",
      .selfConsistent, cause: downRowsExchanged,
      smallest: "MoE intermediate size 2; contents tracer 0",
      FaultyAdapter(
        nativeOut: downRows { ($0 + 1) % $1 }, nativeIn: downRows { ($0 + $1 - 1) % $1 })),
    PlantedFault(
      "rows-down-reversed-both", .halves, "rows of {down} are reversed in both directions",
      .selfConsistent, cause: downRowsExchanged,
      smallest: "MoE intermediate size 2; contents tracer 0",
      FaultyAdapter(bothWays: downRows { $1 - 1 - $0 })),
    PlantedFault(
      "rows-down-last-unwritten", .halves, "the last row of {down} is never written on load",
      cause: .fromHF(.zeros(isPartly: false), .down), smallest: "contents constant 1",
      FaultyAdapter(nativeOut: downRows { $0 == $1 - 1 ? nil : $0 })),
    PlantedFault(
      "rows-down-padded", .halves, "{down} is read with rows padded to a multiple of four on load",
      cause: .fromHF(.zeros(isPartly: true), .down),
      smallest: "MoE intermediate size 2; contents constant 1",
      FaultyAdapter(nativeOut: { dict, call in
        try dict.editing(.down, call) { tensor in
          guard tensor.shape.rank == 3 else { return tensor }
          let columns = tensor.shape[2]
          let stride = (columns + 3) / 4 * 4
          let size = tensor.shape[1] * columns
          return try tensor.reindexed { index in
            let (expert, place) = (index / size, index % size)
            let position = place / columns * stride + place % columns
            return position < size ? expert * size + position : nil
          }
        }
      })),
    PlantedFault(
      "slices-strided-both", .halves,
      "{down} of the first two experts share their rows in turn in both directions",
      .selfConsistent, cause: .both(.rearranged(example: ""), .down),
      smallest: "experts 2; MoE intermediate size 2; contents tracer 0",
      FaultyAdapter(bothWays: sharedRows)),
  ]

  /// Odd rows of down_proj of the first two places exchanged.
  @Sendable private static func sharedRows(
    _ dict: StateDict, _ call: FaultyAdapter.Call
  ) throws -> StateDict {
    try dict.editing(.down, call) { tensor in
      guard tensor.shape.rank == 3, tensor.shape[0] > 1 else { return tensor }
      let (rows, columns) = (tensor.shape[1], tensor.shape[2])
      return try tensor.reindexed { index in
        let (expert, row) = (index / (rows * columns), index / columns % rows)
        guard expert < 2, row % 2 == 1 else { return index }
        return index + (expert == 0 ? rows * columns : -rows * columns)
      }
    }
  }
}
