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

  @Test("What differs between two values is marked, as far inside as possible")
  func marks() {
    var tree = ValueTree([[1, 2], [3, 4]])
    tree.mark(against: ValueTree([[1, 9], [3, 4]]))
    #expect(
      tree.lines().joined(separator: "\n") == """
        [
          [
            1
            2  // or any other generated value
          ]
          [3, 4]
        ]
        """)
    var whole = ValueTree([1, 2])
    whole.mark(against: ValueTree([3, 4]))
    #expect(whole.lines() == ["[1, 2]  // or any other generated value"])
  }
}
