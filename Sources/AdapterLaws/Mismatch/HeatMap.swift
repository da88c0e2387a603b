// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Tensors

/// The share of wrong elements in the fields of coarse grids over the last two axes of a tensor.
public struct HeatMap: Sendable {
  /// One grid, for one index along the axes before the last two.
  public struct Plane: Sendable, Hashable {
    /// The index along the axes before the last two.
    public let outer: [Int]
    /// The share of wrong elements of each field, of one, row by row.
    public let shares: [[Double]]
  }

  /// The grids, one for each outer index up to a limit.
  public let planes: [Plane]
  /// The number of outer indices without a grid.
  public let omitted: Int
  /// What the grids show.
  public let title: String

  /// Counts the wrong elements of a tensor; nil where element types or shapes differ.
  ///
  /// - Complexity: O(elements).
  public init?(
    _ tensor: TensorMismatch, rows: Int = 16, columns: Int = 32, planes limit: Int = 16
  ) {
    guard tensor.count > 0 else { return nil }
    let extents = tensor.expected.shape.extents
    let height = extents.count > 1 ? extents[extents.count - 2] : 1
    let width = extents.last ?? 1
    let grid = Grid(height: height, width: width, rows: rows, columns: columns)
    let outer = Array(extents.dropLast(2))
    let count = outer.reduce(1, *)
    let shown = min(count, limit)
    var wrong = [[Int]](repeating: grid.empty, count: shown)
    TensorMismatch.forEachDifference(tensor.expected, tensor.found, tensor.isCast) {
      position, _, _ in
      let (plane, inside) = position.quotientAndRemainder(dividingBy: height * width)
      if plane < shown { wrong[plane][grid.field(of: inside)] += 1 }
    }
    planes = wrong.enumerated().map { plane, counts in
      Plane(outer: Self.index(plane, outer), shares: grid.shares(counts))
    }
    omitted = count - shown
    title = "\(tensor.name) \(tensor.expected.shape): \(tensor.summary)"
  }

  private static func index(_ position: Int, _ extents: [Int]) -> [Int] {
    var rest = position
    let reversed = extents.reversed().map { extent in
      defer { rest /= extent }
      return rest % extent
    }
    return reversed.reversed()
  }
}

/// A division of a matrix into fields of nearly equal size.
private struct Grid {
  let height: Int
  let width: Int
  let rows: Int
  let columns: Int

  init(height: Int, width: Int, rows: Int, columns: Int) {
    self.height = height
    self.width = width
    self.rows = min(rows, height)
    self.columns = min(columns, width)
  }

  var empty: [Int] { [Int](repeating: 0, count: rows * columns) }

  func field(of position: Int) -> Int {
    let (row, column) = position.quotientAndRemainder(dividingBy: width)
    return row * rows / height * columns + column * columns / width
  }

  func shares(_ counts: [Int]) -> [[Double]] {
    (0..<rows).map { row in
      (0..<columns).map { column in
        let size = size(row, rows, height) * size(column, columns, width)
        return Double(counts[row * columns + column]) / Double(size)
      }
    }
  }

  /// How many of `total` positions fall into one of `parts`: those with `position * parts / total`
  /// equal to `part`.
  private func size(_ part: Int, _ parts: Int, _ total: Int) -> Int {
    func start(_ part: Int) -> Int { (part * total + parts - 1) / parts }
    return start(part + 1) - start(part)
  }
}
