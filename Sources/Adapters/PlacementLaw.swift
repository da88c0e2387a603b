// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Layouts
import Tensors

/// The law that every element is where the layout's index formula puts it.
///
/// The formulas are evaluated element by element. Moves are affine, so a move is right everywhere if it is
/// right at one corner and one step along each axis from there.
struct PlacementLaw {
  private let formulas: IndexFormulas

  init(_ config: ModelConfig, _ parallelism: ExpertParallelism?) {
    formulas = IndexFormulas(config, parallelism)
  }

  func faults(of plan: ConversionPlan) -> [PlanFault] {
    plan.moves.compactMap { fault(of: $0, plan) }
  }

  private func fault(of move: TensorMove, _ plan: ConversionPlan) -> PlanFault? {
    let source = plan.sources[move.source]
    let destination = plan.destinations[move.destination]
    guard var formula = IndexFormula(destination, formulas) else { return nil }
    let (start, strides) = move.sourceRegion.layout
    let native = destination.shape.strides
    for offset in corners(of: move.destinationRegion) {
      let inView = zip(move.destinationRegion.lower, offset).map { $0 + $1 }
      let element = zip(inView, move.destinationRegion.strides).reduce(0) { $0 + $1.0 * $1.1 }
      let place = Self.place(of: element, native)
      let expected = formula.origin(of: place)
      let found = zip(offset, move.permutation).reduce(start) { $0 + $1.0 * strides[$1.1] }
      if expected?.name != source.name || expected?.index != found {
        let origin = expected.map { "'\($0.name)' element \($0.index)" } ?? "nowhere"
        return PlanFault(
          .misplaced, destination.name, move.destinationRegion,
          "element \(place) should come from \(origin), but comes from '\(source.name)' "
            + "element \(found)")
      }
    }
    return nil
  }

  /// The indices of an element in a tensor of some strides.
  private static func place(of element: Int, _ strides: [Int]) -> [Int] {
    var rest = element
    return strides.map { stride in
      guard stride > 0 else { return 0 }
      let (index, remainder) = rest.quotientAndRemainder(dividingBy: stride)
      rest = remainder
      return index
    }
  }

  /// The lower corner of a box, and one step along each axis from there to the far side.
  private func corners(of region: Region) -> [[Int]] {
    guard region.elementCount > 0 else { return [] }
    let origin = [Int](repeating: 0, count: region.extents.count)
    return [origin]
      + region.extents.indices.filter { region.extents[$0] > 1 }.map { axis in
        var corner = origin
        corner[axis] = region.extents[axis] - 1
        return corner
      }
  }
}
