// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import StrictJSON
import Testing

@Suite("JSON objects")
struct JSONObjectTests {
  @Test("Setting replaces in place, appends or removes", arguments: [3, 20])
  func setting(count: Int) {
    var object = JSONObject((0..<count).map { ("k\($0)", JSONValue($0)) })
    object["k1"] = "new"
    object["last"] = true
    object["k0"] = nil
    object["absent"] = nil
    let expectedKeys = (1..<count).map { "k\($0)" } + ["last"]
    #expect(object.keys == expectedKeys)
    #expect(object["k0"] == nil)
    #expect(object["k1"] == "new")
    #expect(object["k\(count - 1)"] == JSONValue(count - 1))
    #expect(object["last"] == true)
  }

  @Test("A null member is there, an absent one is not")
  func null() {
    let value: JSONValue = ["a": nil]
    #expect(value["a"] == .some(.null))
    #expect(value["b"] == .none)
    #expect(JSONValue.null["a"] == .none)
  }

  @Test("Equality includes the order of members, and equal objects have equal hashes")
  func equality() {
    let ab: JSONObject = ["a": 1, "b": 2]
    let ba: JSONObject = ["b": 2, "a": 1]
    #expect(ab != ba)
    #expect(ab == JSONObject([("a", 0), ("b", 2), ("a", 1)]))
    #expect(ab.hashValue == JSONObject([("a", 1), ("b", 2)]).hashValue)
  }
}
