// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
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
    let empty = [Int](repeating: 0, count: grid.rows * grid.columns)
    var wrong = [[Int]](repeating: empty, count: shown)
    TensorMismatch.forEachDifference(tensor.expected, tensor.found, tensor.isCast) {
      position, _, _ in
      let (plane, inside) = position.quotientAndRemainder(dividingBy: height * width)
      if plane < shown { wrong[plane][grid.field(of: inside)] += 1 }
    }
    planes = wrong.enumerated().map { plane, counts in
      Plane(outer: outer.indices(at: plane), shares: grid.shares(counts))
    }
    omitted = count - shown
    title = "\(tensor.name) \(tensor.expected.shape): \(tensor.summary)"
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

/// Heat maps as text and as pictures.
extension HeatMap {
  /// The characters that fields are drawn with: for none, up to a quarter, a half, three quarters, and
  /// more.
  private static let characters = ["·", "░", "▒", "▓", "█"]

  /// The grids one below the other, each field one character.
  public func text() -> String {
    var lines: [String] = []
    for plane in planes {
      if let label = plane.label { lines.append(label) }
      lines += plane.shares.map { row in "  " + row.map(Self.character).joined() }
    }
    if omitted > 0 { lines.append("and \(omitted) more") }
    let legend = zip(Self.characters, ["none", "<25%", "<50%", "<75%", "to 100%"])
      .map { "\($0) \($1)" }.joined(separator: "  ")
    return (lines + ["wrong: \(legend)"]).joined(separator: "\n")
  }

  private static func character(_ share: Double) -> String {
    characters[share <= 0 ? 0 : min(4, 1 + Int(share * 4))]
  }

  /// The grids side by side as a picture that stands alone.
  ///
  /// Colours are the CSS variables `--heat-wrong`, `--heat-field` and `--heat-text`, each with a
  /// default that can be read on light and dark ground.
  public func svg() -> String {
    let (size, gap, head, perRow) = (10, 14, 14, 4)
    let rows = planes.first?.shares.count ?? 0
    let columns = planes.first?.shares.first?.count ?? 0
    let (width, height) = (max(columns * size, 72), rows * size)
    var body = ""
    for (position, plane) in planes.enumerated() {
      let (down, across) = position.quotientAndRemainder(dividingBy: perRow)
      let (x, y) = (across * (width + gap), down * (height + head + gap) + head)
      if let label = plane.label {
        body += "<text x=\"\(x)\" y=\"\(y - 3)\">\(label)</text>"
      }
      body +=
        "<rect class=\"field\" x=\"\(x)\" y=\"\(y)\" width=\"\(columns * size)\" height=\"\(height)\"/>"
      for (row, shares) in plane.shares.enumerated() {
        for (column, share) in shares.enumerated() where share > 0 {
          // One wrong element among many must be seen, so the weakest colour is not too weak.
          let hundredths = 25 + Int((share * 75).rounded(.down))
          let opacity = hundredths == 100 ? "1" : "0.\(hundredths)"
          body +=
            "<rect class=\"wrong\" x=\"\(x + column * size)\" y=\"\(y + row * size)\" "
            + "width=\"\(size)\" height=\"\(size)\" fill-opacity=\"\(opacity)\"/>"
        }
      }
    }
    let (down, across) = ((planes.count + perRow - 1) / perRow, min(planes.count, perRow))
    let (w, h) = (across * (width + gap) - gap, down * (height + head + gap) - gap)
    return """
      <svg xmlns="http://www.w3.org/2000/svg" role="img" class="heat-map" viewBox="0 0 \(w) \(h)" \
      width="\(w)" height="\(h)"><title>\(Self.escaped(title))</title><style>\
      .heat-map .field{fill:var(--heat-field,#8883)}\
      .heat-map .wrong{fill:var(--heat-wrong,#d9480f)}\
      .heat-map text{fill:var(--heat-text,#888);font:10px monospace}</style>\(body)</svg>
      """
  }

  private static func escaped(_ text: String) -> String {
    text.reduce(into: "") { result, character in
      switch character {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      default: result.append(character)
      }
    }
  }
}

extension HeatMap.Plane {
  /// Which part of the tensor the grid shows, or nil if that is all of it.
  fileprivate var label: String? {
    outer.isEmpty ? nil : "[" + outer.map { "\($0), " }.joined() + ":, :]"
  }
}
