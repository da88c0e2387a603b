// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Layouts
import Tensors
import Testing

@testable import Adapters

@Suite("Regions and moves know their elements")
struct TensorMoveTests {
  @Test("A region fits a shape if its view has the elements and its box the view")
  func fits() {
    let shape: Shape = [4, 6]
    let fitting: [Region] = [
      Region(whole: [4, 6]), Region(whole: [24]), Region(whole: [2, 2, 6]),
      Region(view: [4, 6], lower: [3, 5], extents: [1, 1]),
      Region(view: [4, 6], lower: [4, 6], extents: [0, 0]),
    ]
    let others: [Region] = [
      Region(whole: [6, 5]), Region(whole: []), Region(whole: [.max, .max]),
      Region(view: [4, 6], lower: [1, 0], extents: [4, 6]),
      Region(view: [4, 6], lower: [0, 0], extents: [4, .max]),
      Region(view: [4, 6], lower: [.max, 0], extents: [1, 1]),
      Region(view: [4, 6], lower: [-1, 0], extents: [1, 1]),
      Region(view: [4, 6], lower: [0], extents: [1, 1]),
      Region(view: [4, 6], lower: [0, 0], extents: [1]),
    ]
    for region in fitting { #expect(region.isInside(shape), "\(region)") }
    for region in others { #expect(!region.isInside(shape), "\(region.view) \(region.lower)") }
  }

  @Test("Empty regions have no elements, however long their axes")
  func empty() {
    for extents in [[0], [1 << 62, 4, 0], [0, 1 << 62, 4], [.max, .max, 0]] {
      let region = Region(whole: extents)
      #expect(region.elementCount == 0)
      #expect(region.offset == 0)
    }
    #expect(Region(whole: []).elementCount == 1)
  }

  @Test("Intersections are those of the index sets")
  func intersections() {
    let boxes = (0..<4).flatMap { lower in
      (1...4 - lower).flatMap { extent in
        (0..<3).map { Region(view: [4, 3], lower: [lower, $0], extents: [extent, 3 - $0]) }
      }
    }
    func indices(_ region: Region) -> Set<[Int]> {
      Set(
        (region.lower[0]..<region.upper[0]).flatMap { row in
          (region.lower[1]..<region.upper[1]).map { [row, $0] }
        })
    }
    for one in boxes {
      for other in boxes {
        let common = one.intersection(other).map(indices) ?? []
        #expect(common == indices(one).intersection(indices(other)), "\(one) and \(other)")
      }
    }
    #expect(Region(whole: [12]).intersection(Region(whole: [4, 3])) == nil)
  }

  @Test("A move is consistent if both regions and the permutation have the same axes")
  func consistency() {
    func region(_ extents: [Int], lower: [Int]? = nil) -> Region {
      Region(view: extents, lower: lower ?? extents.map { _ in 0 }, extents: extents)
    }
    let moves: [(source: Region, destination: Region, permutation: [Int], isConsistent: Bool)] = [
      (region([2, 3]), region([3, 2]), [1, 0], true), (region([]), region([]), [], true),
      (region([2, 3]), region([2, 3]), [1, 0], false),
      (region([2, 3]), region([2, 3]), [0, 0], false),
      (region([2, 3]), region([2, 3]), [0, 2], false),
      (region([2, 3]), region([2, 3, 1]), [0, 1], false),
      (region([2, 3, 1]), region([2, 3]), [0, 1], false),
      (region([2, 3]), region([2, 3]), [0], false),
      (region([2, 3, 1], lower: [0, 0]), region([2, 3]), [0, 1], false),
      (region([2, 3]), region([2, 3, 1], lower: [0, 0]), [0, 1], false),
    ]
    for (source, destination, permutation, isConsistent) in moves {
      let move = TensorMove(
        source: 0, source, destination: 0, destination, permutation: permutation)
      #expect(
        move.isConsistent == isConsistent,
        "\(source.extents) to \(destination.extents) by \(permutation)")
    }
  }

  @Test("Regions are written as people write them")
  func descriptions() {
    let region = Region(view: [4, 9, 7], lower: [3, 0, 2], extents: [1, 9, 5])
    #expect(region.description == "[3, 0..<9, 2..<7]")
  }

  @Test("Boxes for streaming cut a view into row-major contiguous parts, in order")
  func contiguousBoxes() {
    let views = [
      [], [1], [5], [2, 3], [1, 4], [4, 1], [3, 1, 4], [2, 3, 4], [1, 1, 6], [2, 2, 2, 3], [0],
      [3, 0], [0, 4],
    ]
    for view in views {
      let total = view.reduce(1, *)
      for maxElements in 1...(total + 2) {
        var next = 0
        for box in Region.contiguousBoxes(of: view, maxElements: maxElements) {
          // Contiguous: from the first to the last element there are no others.
          let (offset, strides) = (box.offset, box.strides)
          let last = zip(box.extents, strides).reduce(offset) { $0 + ($1.0 - 1) * $1.1 }
          #expect(offset == next, "\(box) of \(view) in parts of \(maxElements)")
          #expect(last - offset + 1 == box.elementCount, "\(box) of \(view)")
          #expect(box.elementCount <= maxElements && box.elementCount > 0, "\(box) of \(view)")
          next += box.elementCount
        }
        #expect(next == total, "\(view) in parts of \(maxElements)")
      }
    }
  }

  @Test("A part of a move moves the same elements to the same places")
  func restriction() throws {
    let move = TensorMove(
      source: 0, Region(view: [1, 3, 4], lower: [0, 0, 0], extents: [1, 3, 4]), destination: 0,
      Region(view: [2, 4, 6], lower: [1, 0, 3], extents: [1, 4, 3]), permutation: [0, 2, 1])
    func pairs(_ move: TensorMove) -> Set<[Int]> {
      var result: Set<[Int]> = []
      let (from, sourceStrides) = (move.sourceRegion.offset, move.sourceRegion.strides)
      let (to, strides) = (move.destinationRegion.offset, move.destinationRegion.strides)
      let extents = move.destinationRegion.extents
      for index in 0..<move.destinationRegion.elementCount {
        var rest = index
        var (source, destination) = (from, to)
        for axis in extents.indices.reversed() {
          source += rest % extents[axis] * sourceStrides[move.permutation[axis]]
          destination += rest % extents[axis] * strides[axis]
          rest /= extents[axis]
        }
        result.insert([source, destination])
      }
      return result
    }
    let all = pairs(move)
    for lower in 0..<4 {
      for extent in 1...4 - lower {
        for column in 0..<6 {
          let box = Region(
            view: [2, 4, 6], lower: [1, lower, column], extents: [1, extent, 6 - column])
          let strides = box.strides
          let expected = all.filter { pair in
            let (row, at) = (pair[1] / strides[1] % 4, pair[1] % 6)
            return row >= lower && row < lower + extent && at >= column
          }
          let part = try #require(move.restricted(toDestination: box))
          #expect(part.isConsistent)
          let isRight = pairs(part) == expected
          #expect(isRight, "\(box)")
        }
      }
    }
    let elsewhere = Region(view: [2, 4, 6], lower: [0, 0, 0], extents: [1, 4, 6])
    #expect(move.restricted(toDestination: elsewhere) == nil)
  }
}
