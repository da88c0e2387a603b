// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

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
    guard let statement = statement(for: destination) else { return nil }
    for offset in corners(of: move.destinationRegion) {
      let place = zip(move.destinationRegion.lower, offset).map { $0 + $1 }
      let expected = statement(place)
      let found = sourceIndex(move, offset)
      if expected.name != source.name.text || expected.index != found {
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

  /// The row-major index in the source of an element at an offset in the destination region.
  private func sourceIndex(_ move: TensorMove, _ offset: [Int]) -> Int {
    let (start, strides) = move.sourceRegion.layout
    return zip(offset, move.permutation).reduce(start) { $0 + $1.0 * strides[$1.1] }
  }

  private typealias Statement = ([Int]) -> (name: String, index: Int)

  /// Where each element of a native tensor comes from, or nil for LoRA factors.
  private func statement(for native: TensorInfo) -> Statement? {
    let name = native.name.text
    let inter = config.moeIntermediateSize
    let hidden = config.hiddenSize
    if name.hasSuffix(".mlp.experts.gate_and_up_projs") {
      let base = name.dropLast("gate_and_up_projs".count)
      return { place in
        let isGate = config.isGated(columns: native.shape[2]) && place[2] < inter
        let row = place[2] % inter
        let projection = isGate ? "gate_proj" : "up_proj"
        return (
          "\(base)\(place[0] + firstExpert).\(projection).weight", row * hidden + place[1]
        )
      }
    }
    if name.hasSuffix(".mlp.experts.down_projs") {
      let base = name.dropLast("down_projs".count)
      return { place in
        ("\(base)\(place[0] + firstExpert).down_proj.weight", place[2] * inter + place[1])
      }
    }
    if native.name.isLoRA { return nil }
    let strides = native.shape.strides
    let onDisk = Self.nameOnDisk(name)
    return { place in (onDisk, zip(place, strides).reduce(0) { $0 + $1.0 * $1.1 }) }
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

extension ModelConfig {
  /// Whether a grouped tensor of so many columns holds gate projections too.
  fileprivate func isGated(columns: Int) -> Bool { columns == 2 * moeIntermediateSize }
}
