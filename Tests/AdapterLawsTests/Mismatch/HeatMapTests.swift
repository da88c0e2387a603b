// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Foundation
import Tensors
import Testing

@testable import AdapterLaws

@Suite("Heat maps")
struct HeatMapTests {
  /// A heat map of a tensor in which some positions are wrong.
  private func heatMap(
    _ shape: Shape, rows: Int = 16, columns: Int = 32, planes: Int = 16,
    _ isWrong: (Int) -> Bool
  ) throws -> HeatMap {
    let expected = try Tensor(.u8, shape) { _ in 1 }
    let found = try Tensor(.u8, shape) { isWrong($0) ? 2 : 1 }
    let tensor = try #require(TensorMismatch("a<b", expected: expected, found: found))
    return try #require(HeatMap(tensor, rows: rows, columns: columns, planes: planes))
  }

  @Test("Small tensors are drawn element by element")
  func small() throws {
    let map = try heatMap([2, 2, 3]) { $0 == 1 || $0 == 11 }
    #expect(map.planes.map(\.outer) == [[0], [1]])
    #expect(
      map.text() == """
        [0, :, :]
          ·█·
          ···
        [1, :, :]
          ···
          ··█
        wrong: · none  ░ <25%  ▒ <50%  ▓ <75%  █ to 100%
        """)
  }

  @Test("Large ones by fields, of which each has the share of its own elements")
  func coarse() throws {
    // Columns 0..<4, 4..<7 and 7..<10 of one row; the last field is wrong in one of three.
    let map = try heatMap([1, 10], columns: 3) { $0 < 2 || $0 == 9 }
    #expect(map.planes[0].shares == [[0.5, 0, 1.0 / 3]])
    let wide = try heatMap([100, 1000]) { _ in true }
    #expect(
      wide.planes[0].shares == [[Double]](repeating: [Double](repeating: 1, count: 32), count: 16))
  }

  @Test("Vectors, scalars, and more planes than fit")
  func shapes() throws {
    #expect(try heatMap([3]) { $0 == 2 }.planes[0].shares == [[0, 0, 1]])
    #expect(try heatMap([]) { _ in true }.planes[0].shares == [[1]])
    let map = try heatMap([2, 3, 1, 1], planes: 4) { $0 == 5 }
    #expect(map.planes.map(\.outer) == [[0, 0], [0, 1], [0, 2], [1, 0]])
    #expect(map.omitted == 2)
    #expect(map.text().contains("and 2 more"))
  }

  @Test("The picture is well-formed and says what it shows")
  func svg() throws {
    let svg = try heatMap([5, 2, 3]) { $0 < 7 }.svg()
    #expect(svg.contains("role=\"img\""))
    #expect(svg.contains("<title>a&lt;b [5, 2, 3]: 7 of 30 elements"))
    #expect(svg.contains("var(--heat-wrong,"))
    #expect(svg.ranges(of: "class=\"wrong\"").count == 7)
    for tag in ["svg", "title", "style", "text"] {
      #expect(svg.ranges(of: "<\(tag)").count == svg.ranges(of: "</\(tag)>").count, "\(tag)")
    }
  }
}
