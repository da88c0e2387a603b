// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import StrictJSON
import Testing

@Suite("Errors of JSON texts")
struct JSONErrorTests {
  struct Case: CustomTestStringConvertible {
    let text: [UInt8]
    let code: JSONError.Code
    let offset: Int
    let path: String

    init(_ text: String, _ code: JSONError.Code, _ offset: Int, _ path: String = "$") {
      self.init(Array(text.utf8), code, offset, path)
    }

    init(_ text: [UInt8], _ code: JSONError.Code, _ offset: Int, _ path: String = "$") {
      self.text = text
      self.code = code
      self.offset = offset
      self.path = path
    }

    var testDescription: String { String(decoding: text.prefix(40), as: UTF8.self) }
  }

  static let cases: [Case] = [
    Case("", .unexpectedEnd, 0),
    Case("  ", .unexpectedEnd, 2),
    Case("\u{feff}{}", .byteOrderMark, 0),
    Case("{}x", .trailingBytes, 2),
    Case("1 2", .trailingBytes, 2),
    Case("{}\0", .trailingBytes, 2),
    Case("nul", .unexpectedEnd, 3),
    Case("nulL", .unexpectedByte, 0),
    Case("True", .unexpectedByte, 0),
    Case("[NaN]", .unexpectedByte, 1, "$[0]"),
    Case("[Infinity]", .unexpectedByte, 1, "$[0]"),
    Case("-Infinity", .invalidNumber, 1),
    Case("'a'", .unexpectedByte, 0),
    Case("{a:1}", .unexpectedByte, 1),
    Case("[1,]", .trailingComma, 2, "$[0]"),
    Case(#"{"a":1, }"#, .trailingComma, 6, "$.a"),
    Case("[,1]", .unexpectedByte, 1, "$[0]"),
    Case("[1 2]", .unexpectedByte, 3, "$[0]"),
    Case(#"{"a" 1}"#, .unexpectedByte, 5, "$.a"),
    Case(#"{"a":1"#, .unexpectedEnd, 6, "$.a"),
    Case("[1}", .unexpectedByte, 2, "$[0]"),
    Case("[/**/1]", .unexpectedByte, 1, "$[0]"),
    Case("\u{a0}1", .unexpectedByte, 0),
    Case("01", .invalidNumber, 1),
    Case("-", .unexpectedEnd, 1),
    Case("-01", .invalidNumber, 2),
    Case("1.", .unexpectedEnd, 2),
    Case("[1.]", .invalidNumber, 3, "$[0]"),
    Case("[.5]", .unexpectedByte, 1, "$[0]"),
    Case("[+1]", .unexpectedByte, 1, "$[0]"),
    Case("[1e]", .invalidNumber, 3, "$[0]"),
    Case("[1e+]", .invalidNumber, 4, "$[0]"),
    Case("[0x10]", .unexpectedByte, 2, "$[0]"),
    Case(#"["abc"#, .unexpectedEnd, 5, "$[0]"),
    Case(#"["abc\"#, .unexpectedEnd, 6, "$[0]"),
    Case("\"a\nb\"", .controlCharacter, 2),
    Case("\"\0\"", .controlCharacter, 1),
    Case("\"\u{1f}\"", .controlCharacter, 1),
    Case(#""a\x41""#, .invalidEscape, 2),
    Case(#""\u12g4""#, .invalidEscape, 1),
    Case(#""\u12""#, .invalidEscape, 1),
    Case(#""a\ud800""#, .loneSurrogate, 2),
    Case(#""\ud800\u0041""#, .loneSurrogate, 1),
    Case(#""\ud800\n""#, .loneSurrogate, 1),
    Case(#""\udc00\ud800""#, .loneSurrogate, 1),
    Case([0x22, 0x61, 0xff, 0x22], .invalidUTF8, 2),
    Case([0x22, 0xc0, 0x80, 0x22], .invalidUTF8, 1),
    Case([0x22, 0xed, 0xa0, 0x80, 0x22], .invalidUTF8, 1),
    Case([0x22, 0xf4, 0x90, 0x80, 0x80, 0x22], .invalidUTF8, 1),
    Case([0x22, 0xe2, 0x82, 0x22], .invalidUTF8, 1),
    Case(#"{"a":1,"a":1}"#, .duplicateKey, 7),
    Case(#"{"x":{"a":1,"b":2,"\u0061":3}}"#, .duplicateKey, 18, "$.x"),
    Case(#"{"w":{"a.b":[0,{"\"":nan}]}}"#, .unexpectedByte, 21, #"$.w["a.b"][1]["\""]"#),
    Case(String(repeating: "[", count: 65), .tooDeep, 64),
    Case(String(repeating: #"{"a":"#, count: 65), .tooDeep, 320),
  ]

  @Test("A malformed text gives the code, the byte and the path of its fault", arguments: cases)
  func malformed(_ example: Case) {
    let error = #expect(throws: JSONError.self) { try JSONValue(parsing: example.text) }
    #expect(error?.code == example.code)
    #expect(error?.byteOffset == example.offset)
    if example.code != .tooDeep { #expect(error?.path == example.path) }
  }

  @Test("A key that occurs twice is found among many")
  func duplicateAmongMany() {
    let members = (0..<1000).map { #""k\#($0)":0"# }
    let text = "{" + (members + [#""k500":0"#]).joined(separator: ",\n") + "}"
    let error = #expect(throws: JSONError.self) { try JSONValue(parsing: Array(text.utf8)) }
    #expect(error?.code == .duplicateKey)
    #expect(error?.line == 1001)
    #expect(error?.column == 1)
    #expect(error?.found == #"the key "k500" twice"#)
  }

  @Test("A message says place, path, expected and found")
  func message() {
    let error = #expect(throws: JSONError.self) {
      try JSONValue(parsing: Array("{\n  \"a\": [tru]}".utf8))
    }
    #expect(
      error?.description == "line 2, column 9 (byte 10), at $.a[0]: expected 'true', found 'tru'")
  }
}
