// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Testing

@testable import Layouts

@Suite("Expressions and conditions")
struct ExpressionTests {
  private let symbols = LayoutSymbols(sizes: ["E": 0, "H": 1, "Z": 2], flags: ["on": 0, "off": 1])
  private let values = LayoutValues(sizes: [3, 8, 0], flags: [true, false])

  @Test(
    "Numbers, with the precedence and the direction of arithmetic",
    arguments: [
      ("7", 7), ("E", 3), ("2 + 3 * 4", 14), ("(2 + 3) * 4", 20), ("10 - 4 - 3", 3),
      ("24 / 4 / 3", 2),
      ("24 / 4 * 3", 18), ("17 % 5", 2), ("2 * H + E", 19), ("H-E", 5), ("( H )", 8),
      ("17 % 5 * 2", 4),
      ("Z * H", 0), ("E - H", -5), ("((E))", 3),
    ])
  func numbers(_ text: String, _ expected: Int) throws {
    #expect(try ExpressionParser.expression(text, symbols).value(values) == expected)
  }

  @Test(
    "What is not whole, overflows, or has no layer has no value",
    arguments: [
      "7 / 2", "H / Z", "H % Z", "H / (Z - 1)", "9223372036854775807 + 1",
      "9223372036854775807 * 2", "0 - 9223372036854775807 - 2", "L", "H + L", "E + 7 / 2",
    ])
  func valueless(_ text: String) throws {
    #expect(try ExpressionParser.expression(text, symbols).value(values) == nil)
  }

  @Test("The number of the layer")
  func layer() throws {
    let parity = try ExpressionParser.condition("L % 2 == 1 and L >= 3", symbols)
    let layers = (0..<8).filter { layer in
      parity.holds(LayoutValues(sizes: values.sizes, flags: values.flags, layer: layer))
    }
    #expect(layers == [3, 5, 7])
    #expect(parity.mentionsLayer)
    #expect(!parity.holds(values))
  }

  @Test(
    "Conditions: not binds closer than and, and closer than or; a comparison without a value is false",
    arguments: [
      ("on", true), ("off", false), ("not off", true), ("not not on", true), ("E == 3", true),
      ("E != 3", false),
      ("E < 3", false), ("E <= 3", true), ("E > 2", true), ("E >= 4", false),
      ("on or off and off", true),
      ("off and off or on", true), ("not on or on", true), ("not off and off", false),
      ("E + 1 == H / 2", true),
      ("H / Z > 0", false), ("not H / Z > 0", true), ("7 / 2 == 7 / 2", false),
      ("E%2==1 and on", true),
    ])
  func conditions(_ text: String, _ expected: Bool) throws {
    #expect(try ExpressionParser.condition(text, symbols).holds(values) == expected)
  }

  @Test(
    "Anything else says what was expected",
    arguments: [
      ("", "a number or a size", "the end"), ("E E", "an operator or the end", "'E'"),
      ("* 2", "a number or a size: one of E, H, Z", "'*'"),
      ("2 + X", "a number or a size: one of E, H, Z", "'X'"),
      ("99999999999999999999", "a number or a size: one of E, H, Z", "'99999999999999999999'"),
      ("(E", "')'", "the end"),
      ("E $ H", "names, numbers, and + - * / % ( ) == != < > <= >=", "'$'"),
    ])
  func faults(_ text: String, _ expected: String, _ found: String) throws {
    let fault = try #require(throws: ExpressionParser.Fault.self) {
      try ExpressionParser.expression(text, symbols)
    }
    #expect(fault.expected == expected)
    #expect(fault.found == found)
  }

  @Test("The sizes that an expression mentions")
  func mentioned() throws {
    let expression = try ExpressionParser.expression("2 * E + H / E", symbols)
    #expect(expression.mentionedSizes == [0, 1])
    #expect(expression.singleSize == nil)
    #expect(try ExpressionParser.expression("H", symbols).singleSize == 1)
  }
}
