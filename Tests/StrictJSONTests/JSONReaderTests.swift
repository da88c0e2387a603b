// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import StrictJSON
import Testing

@Suite("Parsing JSON")
struct JSONReaderTests {
  @Test("Values of every type are parsed")
  func values() throws {
    let value = try parse(
      #" { "n": null , "t":true,"f":false, "i":-12, "a":[1, [], {}], "s":"x"} "#)
    let expected: JSONValue = [
      "n": nil, "t": true, "f": false, "i": -12, "a": [1, [], [:]], "s": "x",
    ]
    #expect(value == expected)
  }

  @Test("Members keep the order of the text")
  func order() throws {
    let object = try #require(try parse(#"{"b":1,"a":2,"":3}"#).objectValue)
    #expect(object.keys == ["b", "a", ""])
  }

  @Test("Escapes mean what RFC 8259 says")
  func escapes() throws {
    let value = try parse(#""\"\\\/\b\f\n\r\t\u0041\u00e9\u20AC\ud83d\ude00\u0000""#)
    let text = try #require(value.stringValue)
    #expect(Array(text.utf8) == Array("\"\\/\u{8}\u{c}\n\r\tAé€😀\0".utf8))
  }

  @Test("Keys that differ only in Unicode normalization are different keys")
  func normalization() throws {
    let object = try #require(try parse("{\"\u{e9}\":1,\"e\u{301}\":2}").objectValue)
    #expect(object.count == 2)
    #expect(object["\u{e9}"] == 1)
    #expect(object["e\u{301}"] == 2)
    #expect(JSONValue.string("\u{e9}") != JSONValue.string("e\u{301}"))
  }

  @Test("Nesting up to the limit is parsed")
  func depth() throws {
    let text = String(repeating: "[", count: 64) + String(repeating: "]", count: 64)
    #expect(try parse(text).kind == .array)
  }

  @Test("Every proper prefix of an object is an error at or before its end")
  func truncation() {
    let text = Array(#"{"k\u00e9\n":[1.5e+3,-0,true,false,null,"\ud83d\ude00"],"b":{"c":""}}"#.utf8)
    for length in 0..<text.count {
      do throws(JSONError) {
        _ = try JSONValue(parsing: Array(text[..<length]))
        Issue.record("accepted the first \(length) bytes")
      } catch {
        #expect(error.byteOffset <= length, "\(length): \(error)")
      }
    }
  }

  @Test("No change of one byte crashes the parser, and what it accepts it writes and rereads")
  func byteMutations() {
    let text = Array(#"{"k\u00e9":[1.5e3,-0,true,null,"\ud83d\ude00é"],"b":{"c":"\\"}}"#.utf8)
    for position in text.indices {
      for byte in UInt8.min...UInt8.max {
        var mutated = text
        mutated[position] = byte
        guard let value = try? JSONValue(parsing: mutated) else { continue }
        let again = try? JSONValue(parsing: value.bytes(.compact))
        #expect(again == value, "byte \(byte) at \(position)")
      }
    }
  }

  @Test("Values can be read one by one without a tree")
  func pull() throws {
    let bytes = Array(#"{"a":[1,2],"b":{"c":"d"}}"#.utf8)
    // Bytes have no padding that could be read uninitialized.
    var reader = JSONReader(unsafe bytes.span.bytes)
    var log: [String] = []
    try reader.beginObject()
    while let key = try reader.nextKey() {
      log.append("\(key)@\(reader.tokenOffset)")
      if key == "a" {
        try reader.beginArray()
        while try reader.nextElement() {
          log.append("\(try reader.readInteger())@\(reader.tokenOffset) \(reader.path)")
        }
      } else {
        log.append(try reader.readValue().text(.compact))
      }
    }
    try reader.finish()
    #expect(log == ["a@1", "1@6 $.a[0]", "2@8 $.a[1]", "b@11", #"{"c":"d"}"#])
  }

  private func parse(_ text: String) throws(JSONError) -> JSONValue {
    try JSONValue(parsing: Array(text.utf8))
  }
}
