// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Tensors

/// One output laid over the output that was expected, part by part.
struct Alignment {
  /// How the shapes differ.
  enum Fit: Hashable {
    case same
    /// The found axes stand in this order of the expected ones.
    case permuted([Int])
    /// The found tensor has another number of experts.
    case slots
    /// The same number of elements in another shape.
    case reshaped
    case different
  }

  let expected: TracedMap.Output
  let found: TracedMap.Output
  let fit: Fit
  private(set) var landings: [Landing] = []

  init(_ expected: TracedMap.Output, _ found: TracedMap.Output, _ book: AddressBook) {
    self.expected = expected
    self.found = found
    var origins = found.origins
    if expected.shape == found.shape {
      fit = .same
    } else if let (axes, permuted) = Self.permuted(expected, found) {
      fit = .permuted(axes)
      origins = permuted
    } else if Self.differsInSlots(expected.shape, found.shape) {
      fit = .slots
    } else if expected.shape.elementCount == found.shape.elementCount, !origins.isEmpty {
      fit = .reshaped
    } else {
      fit = .different
      return
    }
    addLandings(origins, book)
  }

  /// Cuts the expected output into the tensors on disk that make it up.
  private mutating func addLandings(_ origins: [Origin], _ book: AddressBook) {
    let slotCount = expected.shape.rank == 3 ? max(1, expected.shape[0]) : 1
    let slotSize = expected.shape.elementCount / slotCount
    guard slotSize > 0 else { return }
    var firstExpert: Int?
    for slot in 0..<(origins.count / slotSize) {
      // A surplus slot is read as the first one is.
      let template = slot < slotCount ? slot : 0
      for (target, cells) in parts(of: template, slotSize, book) {
        var expert = book.subjects[target].expert
        if template == 0 { firstExpert = firstExpert ?? expert }
        if slot != template { expert = firstExpert.map { $0 + slot } }
        let offset = (slot - template) * slotSize
        landings.append(
          Landing(
            target, expert: expert, output: expected.name,
            cells.enumerated().map { element, cell in
              // Elements of a fused tensor that belong elsewhere are judged there.
              cell < 0 ? book.origin(target, element) : origins[cell + offset]
            }, book))
      }
    }
  }

  /// The places in the expected output of each element of each tensor in a slot.
  private func parts(
    of slot: Int, _ slotSize: Int, _ book: AddressBook
  ) -> [(target: Int, cells: [Int])] {
    var order: [Int] = []
    var cells: [Int: [Int]] = [:]
    for position in slot * slotSize..<(slot + 1) * slotSize {
      guard let (target, element) = book.locate(expected.origins[position]) else { continue }
      if cells[target] == nil {
        order.append(target)
        cells[target] = [Int](repeating: -1, count: book.schema[target].shape.elementCount)
      }
      cells[target]?[element] = position
    }
    return order.map { ($0, cells[$0] ?? []) }
  }

  private static func differsInSlots(_ expected: Shape, _ found: Shape) -> Bool {
    expected.rank == 3 && found.rank == 3 && expected[1] == found[1] && expected[2] == found[2]
      && expected[0] > 0
  }

  /// The order of axes under which the found elements best fit the expected shape.
  private static func permuted(
    _ expected: TracedMap.Output, _ found: TracedMap.Output
  ) -> (axes: [Int], origins: [Origin])? {
    guard expected.shape.rank == found.shape.rank, 2...3 ~= found.shape.rank,
      expected.shape.elementCount == found.shape.elementCount
    else { return nil }
    let candidates =
      found.shape.rank == 2
      ? [[1, 0]] : [[0, 2, 1], [2, 1, 0], [1, 0, 2], [1, 2, 0], [2, 0, 1]]
    var best: (axes: [Int], origins: [Origin], right: Int)?
    for axes in candidates where axes.map({ found.shape[$0] }) == expected.shape.extents {
      let origins = permute(found, axes, expected.shape)
      let right = zip(origins, expected.origins).count { $0 == $1 }
      if best.map({ right > $0.right }) ?? true { best = (axes, origins, right) }
    }
    return best.map { ($0.axes, $0.origins) }
  }

  private static func permute(
    _ found: TracedMap.Output, _ axes: [Int], _ shape: Shape
  ) -> [Origin] {
    let strides = found.shape.strides
    return (0..<shape.elementCount).map { position in
      let indices = shape.indices(at: position)
      return found.origins[zip(indices, axes).reduce(0) { $0 + $1.0 * strides[$1.1] }]
    }
  }
}
