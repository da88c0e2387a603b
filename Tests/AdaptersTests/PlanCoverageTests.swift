// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Layouts
import Tensors
import Testing

@testable import Adapters

@Suite("Coverage accepts tilings and finds every gap and overlap")
struct PlanCoverageTests {
  private struct Generator: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return state ^ (state >> 29)
    }
  }

  /// Cuts a box at random places until chance ends it.
  private func tiles(_ box: Region, _ generator: inout Generator) -> [Region] {
    let axes = box.extents.indices.filter { box.extents[$0] > 1 }
    guard let axis = axes.randomElement(using: &generator),
      Int.random(in: 0..<5, using: &generator) > 0
    else { return [box] }
    let cut = Int.random(in: 1..<box.extents[axis], using: &generator)
    var (lower, extents) = (box.lower, box.extents)
    extents[axis] = cut
    let first = Region(view: box.view, lower: lower, extents: extents)
    lower[axis] += cut
    extents[axis] = box.extents[axis] - cut
    let second = Region(view: box.view, lower: lower, extents: extents)
    return tiles(first, &generator) + tiles(second, &generator)
  }

  /// A plan that copies boxes of one tensor to the same places of another.
  private func plan(_ view: [Int], _ boxes: [Region]) throws -> ConversionPlan {
    let info = TensorInfo("tensor", .bf16, try Shape(view))
    return ConversionPlan(
      direction: .fromHF, sources: [info], destinations: [info],
      moves: boxes.map {
        TensorMove(
          source: 0, $0, destination: 0, $0, permutation: Array(0..<view.count))
      }, omissions: [])
  }

  /// How often each element is reported, by brute force.
  private func elements(_ regions: [Region], _ view: [Int]) -> [Int] {
    var counts = [Int](repeating: 0, count: view.reduce(1, *))
    for region in regions {
      for index in 0..<region.elementCount {
        var rest = index
        var place = 0
        var stride = 1
        for axis in view.indices.reversed() {
          place += (region.lower[axis] + rest % region.extents[axis]) * stride
          rest /= region.extents[axis]
          stride *= view[axis]
        }
        counts[place] += 1
      }
    }
    return counts
  }

  @Test("Random tilings hold; with one box less or one larger they do not, and where is said")
  func tilings() throws {
    var generator = Generator(state: 7)
    var cut = 0
    for round in 0..<120 {
      let view = (0..<Int.random(in: 1...4, using: &generator)).map { _ in
        Int.random(in: 1...6, using: &generator)
      }
      var boxes = tiles(Region(whole: view), &generator)
      boxes.shuffle(using: &generator)
      let whole = try PlanCoverage(plan(view, boxes)).faults()
      #expect(whole.prefix(3) == [], "round \(round), \(boxes.count) boxes of \(view)")
      guard boxes.count > 1 else { continue }
      cut += 1

      let position = Int.random(in: boxes.indices, using: &generator)
      let box = boxes[position]
      var fewer = boxes
      fewer.remove(at: position)
      let gaps = elements([box], view)
      try expect(fewer, view, gaps: gaps, doubles: nil, "round \(round) without \(box)")

      // One more index along an axis, where there is room.
      guard let axis = view.indices.first(where: { box.upper[$0] < view[$0] }) else { continue }
      var (extents, lower) = (box.extents, box.lower)
      lower[axis] += extents[axis]
      extents[axis] = 1
      let added = Region(view: view, lower: lower, extents: extents)
      extents[axis] = box.extents[axis] + 1
      var larger = boxes
      larger[position] = Region(view: view, lower: box.lower, extents: extents)
      let doubles = elements([added], view)
      try expect(larger, view, gaps: nil, doubles: doubles, "round \(round) with \(added)")
    }
    #expect(cut > 60, "\(cut) tilings of several boxes")
  }

  private func expect(
    _ boxes: [Region], _ view: [Int], gaps: [Int]?, doubles: [Int]?, _ name: String
  ) throws {
    let faults = try PlanCoverage(plan(view, boxes)).faults()
    let none = [Int](repeating: 0, count: view.reduce(1, *))
    for (kinds, expected) in [
      ([PlanFault.Kind.neverWritten, .neverRead], gaps),
      ([PlanFault.Kind.writtenTwice, .readTwice], doubles),
    ] {
      for kind in kinds {
        let found = elements(faults.filter { $0.kind == kind }.map(\.region), view)
        let isRight = found == expected ?? none
        #expect(isRight, "\(kind): \(name)")
      }
    }
  }

  @Test("Repeats read what others read; views that differ are malformed")
  func repeatsAndViews() throws {
    let whole = Region(whole: [2, 3])
    var repeated = try plan([2, 3], [whole])
    repeated.moves[0].isRepeat = true
    #expect(PlanCoverage(repeated).faults().map(\.kind) == [.neverRead])

    let half = Region(view: [6], lower: [0], extents: [3])
    let other = Region(view: [2, 3], lower: [1, 0], extents: [1, 3])
    let mixed = try plan([6], [half, other])
    #expect(PlanCoverage(mixed).faults().map(\.kind) == [.malformedMove, .malformedMove])
  }
}
