// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Layouts
import Tensors

/// The layout stated by index, once more and without the rule table.
///
/// `gate_and_up_projs[e, h, j]` is `gate_proj[e][j, h]` for `j < inter` and
/// `up_proj[e][j - inter, h]` behind that; `down_projs[e, i, h]` is `down_proj[e][h, i]`; three
/// names change; all else stays as it is. Moves are affine, so a move is right everywhere if it is
/// right at one corner and one step along each axis from there.
struct PlacementLaw {
  private let config: ModelConfig
  private let firstExpert: Int

  init(_ config: ModelConfig, _ parallelism: ExpertParallelism?) {
    self.config = config
    firstExpert = parallelism?.experts(of: config.expertCount).lowerBound ?? 0
  }

  func faults(of plan: ConversionPlan) -> [PlanFault] {
    plan.moves.compactMap { fault(of: $0, plan) }
  }

  private func fault(of move: TensorMove, _ plan: ConversionPlan) -> PlanFault? {
    let source = plan.sources[move.source]
    let destination = plan.destinations[move.destination]
    guard var statement = Statement(destination, config, firstExpert) else { return nil }
    let (start, strides) = move.sourceRegion.layout
    for offset in corners(of: move.destinationRegion) {
      let place = zip(move.destinationRegion.lower, offset).map { $0 + $1 }
      let expected = statement.origin(of: place)
      let found = zip(offset, move.permutation).reduce(start) { $0 + $1.0 * strides[$1.1] }
      if expected.name != source.name || expected.index != found {
        return PlanFault(
          .misplaced, destination.name, move.destinationRegion,
          "element \(place) should come from '\(expected.name)' element \(expected.index), "
            + "but comes from '\(source.name)' element \(found)")
      }
    }
    return nil
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

/// Where each element of one native tensor comes from.
private struct Statement {
  private enum Kind {
    case gateAndUp(isGated: Bool)
    case down
    case unchanged
  }

  private let kind: Kind
  /// What stands before the expert's number, or the whole name of a tensor without experts.
  private let base: String
  private let strides: [Int]
  private let hidden: Int
  private let inter: Int
  private let firstExpert: Int
  // Corners of one move nearly always have one name, and making names is the work here.
  private var last: (expert: Int, projection: String, name: TensorName)?

  /// Gives nil for LoRA factors, whose rank no config states.
  init?(_ native: TensorInfo, _ config: ModelConfig, _ firstExpert: Int) {
    let name = native.name.text
    hidden = config.hiddenSize
    inter = config.moeIntermediateSize
    self.firstExpert = firstExpert
    strides = native.shape.strides
    if name.hasSuffix(".mlp.experts.gate_and_up_projs") {
      kind = .gateAndUp(isGated: native.shape[2] == 2 * inter)
      base = String(name.dropLast("gate_and_up_projs".count))
    } else if name.hasSuffix(".mlp.experts.down_projs") {
      kind = .down
      base = String(name.dropLast("down_projs".count))
    } else {
      if native.name.isLoRA { return nil }
      kind = .unchanged
      base = Self.nameOnDisk(name)
    }
  }

  /// The name and row-major index on disk of the element at a place.
  mutating func origin(of place: [Int]) -> (name: TensorName, index: Int) {
    switch kind {
    case .gateAndUp(let isGated):
      let isGate = isGated && place[2] < inter
      let name = name(expert: place[0], isGate ? "gate_proj" : "up_proj")
      return (name, (place[2] % inter) * hidden + place[1])
    case .down:
      return (name(expert: place[0], "down_proj"), place[2] * inter + place[1])
    case .unchanged:
      return (TensorName(base), zip(place, strides).reduce(0) { $0 + $1.0 * $1.1 })
    }
  }

  private mutating func name(expert: Int, _ projection: String) -> TensorName {
    if let last, last.expert == expert, last.projection == projection { return last.name }
    let name = TensorName("\(base)\(expert + firstExpert).\(projection).weight")
    last = (expert, projection, name)
    return name
  }

  private static func nameOnDisk(_ native: String) -> String {
    let renames = [
      (".mlp.gate.e_score_correction_bias", ".mlp.expert_bias"),
      (".mlp.gate.weight", ".mlp.router.gate.weight"),
    ]
    for (suffix, replacement) in renames where native.hasSuffix(suffix) {
      return native.dropLast(suffix.count) + replacement
    }
    guard native.contains(".mlp.shared_experts.") else { return native }
    return native.replacing(".mlp.shared_experts.", with: ".mlp.shared_mlp.", maxReplacements: 1)
  }
}
