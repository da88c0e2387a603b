// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Testing

@testable import PropertyTesting

@Suite("Values as texts") struct ValueTreeTests {
  private struct Point: Sendable {
    var x = 1
    var name = "a\n"
  }
  private enum Shape {
    case none
    case circle(Double)
    case box(width: Int, Int)
  }

  @Test("Values of all sorts have short texts that do not depend on hashing")
  func texts() {
    let texts: [(Any, String)] = [
      (5, "5"), ("a\"b", #""a\"b""#), ([1, 2], "[1, 2]"), ([Int](), "[]"),
      (Point(), #"Point(x: 1, name: "a\n")"#), (Shape.none, ".none"),
      (Shape.circle(-0.0), ".circle(-0.0)"), (Shape.box(width: 1, 2), ".box(width: 1, 2)"),
      ((1, b: true), "(1, b: true)"), (Int?.some(3) as Any, "3"), (Int?.none as Any, "nil"),
      (Float(bitPattern: 0x7F80_0001), "nan(0x7f800001)"),
      (Set([30, 1, 2]), "[1, 2, 30]"), (["b": 2, "a": 1], #"["a": 1, "b": 2]"#),
      ([String: Int](), "[:]"),
    ]
    for (value, text) in texts { #expect(ValueTree(value).line == text) }
  }

  @Test("Large and deep values are cut")
  func cut() {
    #expect(ValueTree(Array(0..<500)).line.hasSuffix("199, … 300 more]"))
    final class Knot { var knot: Knot? }
    let knot = Knot()
    knot.knot = knot
    defer { knot.knot = nil }
    #expect(ValueTree(knot).line.contains("…"))
  }

  @Test("A value that is too long for a line has one part on each")
  func lines() {
    let tree = ValueTree([Array(1000..<1020), [3, 4]])
    #expect(
      tree.lines(limit: 10).joined(separator: "\n")
        == """
        [
          [
        \((1000..<1020).map { "    \($0)" }.joined(separator: "\n"))
          ]
          [3, 4]
        ]
        """)
    #expect(ValueTree([1, 2]).lines() == ["[1, 2]"])
  }
}
