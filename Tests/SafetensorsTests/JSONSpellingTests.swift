// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import StrictJSON
import Testing

@Suite("JSON as Python spells it")
struct JSONSpellingTests {
  @Test("A document of json.dumps is written byte for byte")
  func document() throws {
    let bytes = try Fixtures.bytes("python-json.json")
    let written = try JSONValue(parsing: bytes).bytes(.python)
    #expect(firstDifference(written, bytes) == nil)
  }

  @Test("Doubles are spelled as in the document")
  func doubles() throws {
    let doubles = try #require(try Fixtures.json("python-json.json")["doubles"]?.objectValue)
    #expect(doubles.count > 600)
    for (bits, value) in doubles.members {
      let double = Double(bitPattern: try #require(UInt64(bits, radix: 16)))
      #expect(JSONValue(double) == value, "\(bits)")
      #expect(value.doubleValue?.bitPattern == double.bitPattern, "\(bits)")
    }
  }
}
