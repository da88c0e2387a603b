// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Adapters
import CheckpointGenerators
import Layouts
import Tensors

/// Matrices that are not transposed, transposed too often or reshaped instead.
extension FaultBank {
  static let transposes: [PlantedFault] = square + rectangular + reshaped + others

  /// Tensors of a site, transposed where they are square.
  private static func squares(_ site: FaultSite) -> FaultyAdapter.Edit {
    { dict, call in
      try dict.editing(site, call) { tensor in
        let rank = tensor.shape.rank
        guard rank > 1, tensor.shape[rank - 1] == tensor.shape[rank - 2] else { return tensor }
        return try tensor.transposed()
      }
    }
  }

  /// The parts of a grouped tensor, each transposed where it is square.
  private static func squareParts(_ parts: ClosedRange<Int>) -> FaultyAdapter.Edit {
    { dict, call in
      let (hidden, inter) = (call.setup.config.hiddenSize, call.setup.config.moeIntermediateSize)
      guard hidden == inter, call.layout.halvesAxis == 2 else { return dict }
      return try dict.editing(.gateAndUp, call) { tensor in
        guard tensor.shape.rank == 3, tensor.shape[1] == hidden, tensor.shape[2] % inter == 0 else {
          return tensor
        }
        let (rows, columns) = (hidden, tensor.shape[2])
        return try tensor.reindexed { index in
          let (row, column) = (index / columns % rows, index % columns)
          let part = column / inter
          guard parts.contains(part) else { return index }
          let expert = index / (rows * columns)
          return (expert * rows + column % inter) * columns + part * inter + row
        }
      }
    }
  }

  private static let square: [PlantedFault] = [
    PlantedFault(
      "transpose-square-down-both", .transposes,
      "a square {down} is not transposed in either direction", .selfConsistent,
      needs: [.transposed(.down)], cause: .both(.notTransposed(isSquare: true), .down),
      smallest: "hidden size 2; MoE intermediate size 2; contents tracer 0",
      FaultyAdapter(nativeOut: squares(.down), nativeIn: squares(.down))),
    PlantedFault(
      "transpose-square-down-load", .transposes, "a square {down} is not transposed on load",
      needs: [.transposed(.down)], cause: .fromHF(.notTransposed(isSquare: true), .down),
      smallest: "hidden size 2; MoE intermediate size 2; contents tracer 0",
      FaultyAdapter(nativeOut: squares(.down))),
    PlantedFault(
      "transpose-square-down-save", .transposes, "a square {down} is not transposed on save",
      needs: [.transposed(.down)], cause: .toHF(.notTransposed(isSquare: true), .down),
      smallest: "hidden size 2; MoE intermediate size 2; contents tracer 0",
      FaultyAdapter(nativeIn: squares(.down))),
    PlantedFault(
      "transpose-square-gate-up-both", .transposes,
      "square {gate and up} are not transposed in either direction", .selfConsistent,
      needs: [.halves, .transposed(.gateAndUp)],
      cause: .both(.notTransposed(isSquare: true), .gateAndUp),
      smallest: "hidden size 2; MoE intermediate size 2; contents tracer 0",
      FaultyAdapter(nativeOut: squareParts(0...1), nativeIn: squareParts(0...1))),
    PlantedFault(
      "transpose-square-up-load", .transposes,
      "a square {up} is transposed twice on load where there is a gate",
      needs: [.halves, .transposed(.gateAndUp)],
      cause: .fromHF(.notTransposed(isSquare: true), .up),
      smallest: "hidden size 2; MoE intermediate size 2; contents tracer 0",
      FaultyAdapter(nativeOut: squareParts(1...1))),
    PlantedFault(
      "transpose-square-gate-save", .transposes, "a square {gate} is not transposed on save",
      needs: [.halves, .transposed(.gateAndUp)],
      cause: .toHF(.notTransposed(isSquare: true), .gate),
      smallest: "hidden size 2; MoE intermediate size 2; contents tracer 0",
      FaultyAdapter(nativeIn: { dict, call in
        call.isGated ? try squareParts(0...0)(dict, call) : dict
      })),
    PlantedFault(
      "transpose-square-router-both", .transposes,
      "a square router is transposed like the experts in both directions", .selfConsistent,
      cause: .both(.transposed(isSquare: true), .router),
      smallest: "experts 2; hidden size 2; contents tracer 0",
      FaultyAdapter(nativeOut: squares(.router), nativeIn: squares(.router))),
    PlantedFault(
      "transpose-square-attention-both", .transposes,
      "a square {output} is transposed in both directions", .selfConsistent,
      cause: .both(.transposed(isSquare: true), .output),
      smallest: "hidden size 2; heads 1 and 1 of keys, of size 2; contents tracer 0",
      FaultyAdapter(nativeOut: squares(.output), nativeIn: squares(.output))),
    PlantedFault(
      "transpose-square-last-layer-load", .transposes,
      "a square {down} of the last layer is not transposed on load", needs: [.transposed(.down)],
      cause: .fromHF(.notTransposed(isSquare: true), .down),
      smallest: "hidden size 2; MoE intermediate size 2; contents tracer 0",
      FaultyAdapter(nativeOut: { dict, call in
        let last = call.setup.config.hiddenLayerCount - 1
        let other = try squares(.down)(dict, call)
        return try StateDict(
          dict.map { name, tensor in
            (name, call.layer(name) == last ? other[name] ?? tensor : tensor)
          })
      })),
  ]

  private static func transposed(_ site: FaultSite) -> FaultyAdapter.Edit {
    { dict, call in try dict.editing(site, call) { try $0.transposed() } }
  }

  private static let rectangular: [PlantedFault] = [
    PlantedFault(
      "transpose-missing-down-load", .transposes, "{down} is not transposed on load",
      needs: [.transposed(.down)], cause: .fromHF(.notTransposed(isSquare: false), .down),
      smallest: "MoE intermediate size 2", FaultyAdapter(nativeOut: transposed(.down))),
    PlantedFault(
      "transpose-missing-down-save", .transposes, "{down} is not transposed on save",
      needs: [.transposed(.down)], cause: .toHF(.notTransposed(isSquare: false), .down),
      smallest: "MoE intermediate size 2", FaultyAdapter(onDiskOut: transposed(.down))),
    PlantedFault(
      "transpose-missing-down-both", .transposes, "{down} is not transposed in either direction",
      .selfConsistent, needs: [.transposed(.down)],
      cause: .fromHF(.notTransposed(isSquare: false), .down), smallest: "MoE intermediate size 2",
      FaultyAdapter(nativeOut: transposed(.down), nativeIn: transposed(.down))),
    PlantedFault(
      "transpose-missing-gate-up-both", .transposes,
      "{gate and up} are not transposed in either direction", .selfConsistent,
      needs: [.transposed(.gateAndUp)], cause: .fromHF(.notTransposed(isSquare: false), .gateAndUp),
      smallest: "",
      FaultyAdapter(nativeOut: transposed(.gateAndUp), nativeIn: transposed(.gateAndUp))),
    PlantedFault(
      "transpose-missing-non-gated-both", .transposes,
      "{up} of experts without gate is not transposed in either direction", .selfConsistent,
      needs: [.gateOption], cause: .fromHF(.notTransposed(isSquare: false), .up),
      smallest: "MoE intermediate size 2; activation relu2",
      FaultyAdapter(bothWays: { dict, call in
        call.isGated ? dict : try transposed(.gateAndUp)(dict, call)
      })),
    PlantedFault(
      "transpose-missing-up-save", .transposes, "{up} is not transposed on save",
      needs: [.transposed(.up)], cause: .toHF(.notTransposed(isSquare: false), .up),
      smallest: "MoE intermediate size 2", FaultyAdapter(onDiskOut: transposed(.up))),
  ]

  /// Transposed parts laid out in memory as if they were not.
  private static func reshaping(_ site: FaultSite, isBack: Bool) -> FaultyAdapter.Edit {
    { dict, call in
      let inter = call.setup.config.moeIntermediateSize
      let isOfHalves = site.words == FaultSite.gateAndUp.words
      return try dict.editing(site, call) { tensor in
        guard tensor.shape.rank == 3 else { return tensor }
        let (rows, columns) = (tensor.shape[1], tensor.shape[2])
        let width = isOfHalves ? inter : columns
        guard width > 0, columns % width == 0 else { return tensor }
        return try tensor.reindexed { index in
          let (expert, row, column) = (
            index / (rows * columns), index / columns % rows, index % columns
          )
          let (part, place) = (column / width, column % width)
          // The element at a place of the part's memory on disk, [width, rows].
          let position = isBack ? place * rows + row : row * width + place
          let (r, c) =
            isBack
            ? (position / width, position % width) : (position % rows, position / rows)
          return (expert * rows + r) * columns + part * width + c
        }
      }
    }
  }

  private static let reshaped: [PlantedFault] = [
    PlantedFault(
      "reshape-down-load", .transposes, "{down} is reshaped in place of a transpose on load",
      needs: [.transposed(.down)], cause: .fromHF(.reshapedInsteadOfTransposed, .down),
      smallest: "hidden size 2; MoE intermediate size 2; contents tracer 0",
      FaultyAdapter(nativeOut: reshaping(.down, isBack: false))),
    PlantedFault(
      "reshape-down-both", .transposes,
      "{down} is reshaped in place of a transpose in both directions", .selfConsistent,
      needs: [.transposed(.down)], cause: .both(.reshapedInsteadOfTransposed, .down),
      smallest: "hidden size 2; MoE intermediate size 2; contents tracer 0",
      FaultyAdapter(
        nativeOut: reshaping(.down, isBack: false), nativeIn: reshaping(.down, isBack: true))),
    PlantedFault(
      "reshape-gate-up-both", .transposes,
      "{gate and up} are reshaped in place of a transpose in both directions", .selfConsistent,
      needs: [.halves, .transposed(.gateAndUp)],
      cause: .both(.reshapedInsteadOfTransposed, .gateAndUp),
      smallest: "hidden size 2; MoE intermediate size 2; contents tracer 0",
      FaultyAdapter(
        nativeOut: reshaping(.gateAndUp, isBack: false),
        nativeIn: reshaping(.gateAndUp, isBack: true)
      )),
  ]

  private static let others: [PlantedFault] = [
    PlantedFault(
      "transpose-shared-down-both", .transposes,
      "{down} of shared experts is transposed like the experts' in both directions",
      .selfConsistent, needs: [.has(.shared)],
      cause: .fromHF(.transposed(isSquare: false), .sharedDown), smallest: "shared experts 2",
      FaultyAdapter(
        nativeOut: transposed(.sharedDown),
        nativeIn: transposed(.sharedDown))),
    PlantedFault(
      "transpose-experts-last-both", .transposes,
      "experts of {down} are stacked along the last axis in both directions", .selfConsistent,
      cause: .fromHF(.axesPermuted([1, 0, 2]), .down), smallest: "MoE intermediate size 2",
      FaultyAdapter(
        nativeOut: { dict, call in
          try dict.editing(.down, call) { tensor in
            guard tensor.shape.rank == 3 else { return tensor }
            let (experts, inner) = (tensor.shape[0], tensor.shape[1] * tensor.shape[2])
            return try tensor.reindexed([tensor.shape[1], tensor.shape[2], experts]) {
              $0 % experts * inner + $0 / experts
            }
          }
        },
        nativeIn: { dict, call in
          try dict.editing(.down, call) { tensor in
            guard tensor.shape.rank == 3 else { return tensor }
            let (experts, inner) = (tensor.shape[2], tensor.shape[0] * tensor.shape[1])
            return try tensor.reindexed([experts, tensor.shape[0], tensor.shape[1]]) {
              $0 % inner * experts + $0 / inner
            }
          }
        })),
    PlantedFault(
      "flatten-bias-load", .transposes, "the router's bias gets an axis of 1 on load",
      needs: [.has(.routerBias)],
      cause: .fromHF(.wrongShape(expected: "[1]", found: "[1, 1]"), .routerBias), smallest: "",
      FaultyAdapter(nativeOut: { dict, call in
        try dict.editing(.routerBias, call) {
          try $0.reshaped(Shape([1] + $0.shape.extents))
        }
      })),
  ]
}
