// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import StrictJSON
import Testing

@Suite("Writing JSON")
struct JSONWriterTests {
  static let value: JSONValue = [
    "z": ["b": [1, "x", [], [:], nil], "a": ["k": true]],
    "é\"\\\u{8}\t\n\u{c}\r\u{1}\u{1f}\u{7f}/": "€😀\u{2028}",
    "\u{ff5e}": -1, "😀": [[]], "Z": "",
  ]

  @Test("The compact style writes what serde_json writes")
  func compact() {
    let expected =
      #"{"z":{"b":[1,"x",[],{},null],"a":{"k":true}},"#
      + #""é\"\\\b\t\n\f\r\u0001\u001f"# + "\u{7f}/\":\"€😀\u{2028}\","
      + "\"\u{ff5e}\":-1,\"😀\":[[]],\"Z\":\"\"}"
    #expect(Self.value.text(.compact) == expected)
  }

  @Test("The Python style writes what json.dumps with indent 2 and sorted keys writes")
  func python() {
    let expected = #"""
      {
        "Z": "",
        "z": {
          "a": {
            "k": true
          },
          "b": [
            1,
            "x",
            [],
            {},
            null
          ]
        },
        "\u00e9\"\\\b\t\n\f\r\u0001\u001f\u007f/": "\u20ac\ud83d\ude00\u2028",
        "\uff5e": -1,
        "\ud83d\ude00": [
          []
        ]
      }

      """#
    #expect(Self.value.text(.python) == expected)
  }

  @Test("What is written parses to an equal value, members sorted in the Python style")
  func roundTrip() throws {
    #expect(try JSONValue(parsing: Self.value.bytes(.compact)) == Self.value)
    let python = try JSONValue(parsing: Self.value.bytes(.python))
    #expect(python.objectValue?.keys.first == "Z")
    #expect(python["z"]?["b"] == Self.value["z"]?["b"])
  }

  @Test("An empty document is a pair of brackets")
  func empty() {
    #expect(JSONValue.object([:]).text(.python) == "{}\n")
    #expect(JSONValue.array([]).text(.compact) == "[]")
  }
}
