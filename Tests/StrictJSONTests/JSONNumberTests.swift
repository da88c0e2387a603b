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

  @Test(
    "Whole numbers are whole however they are written",
    arguments: [
      ("0", 0), ("-0", 0), ("-0.0", 0), ("0e99999999999999999999", nil), ("0e9", 0), ("1.0", 1),
      ("1e3", 1000), ("1E+03", 1000), ("-12.50e1", -125), ("100e-2", 1), ("0.001e3", 1),
      ("71903645408.0", 71_903_645_408), ("9223372036854775807.000", Int.max),
      ("-9223372036854775808e0", Int.min), ("9223372036854775808.0", nil), ("1e19", nil),
      ("1.5", nil), ("1e-1", nil), ("15e-1", nil), ("1e999999999999", nil),
      ("1e-9223372036854775808", nil),
      ("0.1e18", 100_000_000_000_000_000),
    ] as [(String, Int?)])
  func whole(_ literal: String, _ expected: Int?) throws {
    #expect(try JSONValue(parsing: Array(literal.utf8)).wholeValue == expected)
  }

  @Test(
    "Python's numbers that are not finite are read where they are accepted, and are no numbers to use"
  )
  func nonFinite() throws {
    for word in ["NaN", "Infinity", "-Infinity"] {
      for text in [word, "[1,\(word)]", "{\"a\":\(word)}", "[{\"b\":[\(word),0]}]"] {
        let value = try JSONValue(parsing: Array(text.utf8), acceptsNonFinite: true)
        #expect(value.text(.compact) == text)
        #expect(throws: JSONError.self) { try JSONValue(parsing: Array(text.utf8)) }
      }
      let value = try JSONValue(parsing: Array(word.utf8), acceptsNonFinite: true)
      #expect(value.kind == .number)
      #expect(value.integerValue == nil && value.wholeValue == nil && value.doubleValue == nil)
    }
    for text in ["Nan", "nan", "Inf", "+Infinity", "-NaN", "InfinityX", "NaN1", "--Infinity"] {
      #expect(throws: JSONError.self, "\(text)") {
        try JSONValue(parsing: Array(text.utf8), acceptsNonFinite: true)
      }
    }
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
