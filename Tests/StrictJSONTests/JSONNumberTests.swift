// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import StrictJSON
import Testing

@Suite("JSON numbers")
struct JSONNumberTests {
  @Test(
    "Only integer literals that fit are integers",
    arguments: [
      ("0", 0), ("-1", -1), ("9223372036854775807", Int.max), ("-9223372036854775808", Int.min),
      ("9223372036854775808", nil), ("-9223372036854775809", nil), ("1.0", nil), ("1e3", nil),
      ("1E0", nil), ("-0", nil), ("99999999999999999999999999", nil),
    ] as [(String, Int?)])
  func integers(_ literal: String, _ expected: Int?) throws {
    let value = try JSONValue(parsing: Array(literal.utf8))
    #expect(value.integerValue == expected)
    #expect(value.text(.compact) == literal)
  }

  @Test("Doubles are the nearest, and nil beyond the largest")
  func doubles() throws {
    for (literal, expected) in [
      ("0.1", 0.1), ("-0", -0.0), ("1e3", 1000), ("5e-324", .leastNonzeroMagnitude), ("1e-400", 0),
      ("9007199254740993", 9_007_199_254_740_992), ("1e400", nil), ("-1e400", nil),
    ] as [(String, Double?)] {
      let value = try JSONValue(parsing: Array(literal.utf8)).doubleValue
      #expect(value?.bitPattern == expected?.bitPattern, "\(literal)")
    }
  }

  @Test("Doubles are spelled as Python's repr spells them")
  func pythonSpelling() {
    for (value, literal) in [
      (1e16, "1e+16"), (9_999_999_999_999_998, "9999999999999998.0"), (1e-5, "1e-05"),
      (0.0001, "0.0001"), (11_158_840, "11158840.0"), (9_007_199_254_740_994, "9007199254740994.0"),
      (123_456_789_012_345_680, "1.2345678901234568e+17"), (.leastNonzeroMagnitude, "5e-324"),
      (-0.0, "-0.0"),
      (1e22, "1e+22"), (-9_999_999_999_999_998, "-9999999999999998.0"), (2.826, "2.826"),
      (1.797_693_134_862_315_7e308, "1.7976931348623157e+308"),
    ] as [(Double, String)] {
      #expect(JSONNumber(value)?.literal == literal)
    }
    #expect(JSONNumber(Double.nan) == nil)
    #expect(JSONValue(-Double.infinity) == .null)
  }
}
