// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Tensors

/// The law that moves tile every destination, and every source that is not left out for a reason.
struct PlanCoverage {
  private let plan: ConversionPlan

  init(_ plan: ConversionPlan) {
    self.plan = plan
  }

  func faults() -> [PlanFault] {
    var written = [[Region]](repeating: [], count: plan.destinations.count)
    var read = [[Region]](repeating: [], count: plan.sources.count)
    for move in plan.moves {
      written[move.destination].append(move.destinationRegion)
      if !move.isRepeat { read[move.source].append(move.sourceRegion) }
    }
    let omitted = Set(plan.omissions.map(\.source))
    var faults: [PlanFault] = []
    for (destination, (info, regions)) in zip(plan.destinations, written).enumerated() {
      let found = Tiling(info, regions).faults(gap: .neverWritten, overlap: .writtenTwice)
      faults += found.filter {
        $0.kind != .neverWritten || !plan.padded.contains(destination)
      }
    }
    for (source, (info, regions)) in zip(plan.sources, read).enumerated() {
      let found = Tiling(info, regions).faults(gap: .neverRead, overlap: .readTwice)
      faults += found.filter { $0.kind != .neverRead || !omitted.contains(source) }
    }
    return faults
  }
}

/// Boxes that should tile a tensor.
private struct Tiling {
  private let info: TensorInfo
  private let boxes: [Region]
  private let view: [Int]

  init(_ info: TensorInfo, _ boxes: [Region]) {
    self.info = info
    self.boxes = boxes
    view = boxes.first?.view ?? info.shape.extents
  }

  func faults(gap: PlanFault.Kind, overlap: PlanFault.Kind) -> [PlanFault] {
    if boxes.count == 1, boxes[0].extents == view { return [] }
    if let other = boxes.first(where: { $0.view != view }) {
      return [
        PlanFault(
          .malformedMove, info.name, other, "moves see the tensor as \(view) and \(other.view)")
      ]
    }
    var faults: [PlanFault] = []
    sweep(axis: 0, Array(boxes.indices), lower: [], extents: []) { region, count in
      faults.append(
        PlanFault(
          count == 0 ? gap : overlap, info.name, region,
          count == 0 ? "no move concerns these elements" : "\(count) moves concern these elements"))
    }
    return faults
  }

  /// Cuts an axis where boxes begin or end, and looks into each slab with the boxes that span it.
  private func sweep(
    axis: Int, _ members: [Int], lower: [Int], extents: [Int],
    _ report: (Region, _ count: Int) -> Void
  ) {
    guard axis < view.count, !members.isEmpty else {
      let rest = view[axis...]
      let region = Region(
        view: view, lower: lower + rest.map { _ in 0 }, extents: extents + Array(rest))
      if members.count != 1, region.elementCount > 0 { report(region, members.count) }
      return
    }
    var cuts = [0, view[axis]]
    for box in members {
      cuts.append(boxes[box].lower[axis])
      cuts.append(boxes[box].upper[axis])
    }
    cuts = Array(Set(cuts)).sorted()
    let starting = members.sorted { boxes[$0].lower[axis] < boxes[$1].lower[axis] }
    var next = 0
    var active: [Int] = []
    for (start, end) in zip(cuts, cuts.dropFirst()) {
      active.removeAll { boxes[$0].upper[axis] <= start }
      while next < starting.count, boxes[starting[next]].lower[axis] == start {
        if boxes[starting[next]].extents[axis] > 0 { active.append(starting[next]) }
        next += 1
      }
      sweep(
        axis: axis + 1, active, lower: lower + [start], extents: extents + [end - start], report)
    }
  }
}
