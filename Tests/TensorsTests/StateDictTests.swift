// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Tensors
import Testing

@Suite("State dicts")
struct StateDictTests {
  private func tensor(_ value: UInt64) throws -> Tensor {
    try Tensor(.u8, [2]) { value + UInt64($0) }
  }

  private func stateDict(_ pairs: KeyValuePairs<TensorName, UInt64>) throws -> StateDict {
    try StateDict(pairs.map { (name, value) in (name, try tensor(value)) })
  }

  @Test("Tensors keep the order in which they came")
  func order() throws {
    let names: [TensorName] = ["z", "a.10", "a.2", ""]
    var dict = StateDict()
    #expect(dict.isEmpty)
    for (index, name) in names.enumerated() {
      try dict.insert(tensor(UInt64(index)), named: name)
    }
    #expect(Array(dict.names) == names)
    #expect(dict.map(\.name) == names)
    #expect(dict.count == 4)
    #expect(dict.infos == names.map { TensorInfo($0, .u8, [2]) })
    #expect(dict.infos[0].description == "z U8 [2]")
    for (index, element) in dict.enumerated() {
      #expect(element.tensor.bits(at: 0) == UInt64(index))
      #expect(dict[element.name] == element.tensor)
    }
    #expect(dict["a"] == nil)
  }

  @Test("A name occurs once, compared by bytes")
  func duplicates() throws {
    var dict = try stateDict(["\u{e9}": 1, "e\u{301}": 2])
    #expect(dict.count == 2)
    #expect(throws: TensorError.duplicateName("\u{e9}")) {
      try dict.insert(tensor(3), named: "\u{e9}")
    }
    #expect(dict["\u{e9}"]?.bits(at: 0) == 1)
    #expect(throws: TensorError.duplicateName("a")) {
      try stateDict(["a": 1, "b": 1, "a": 1])
    }
  }

  @Test("Equality covers names, order and bits")
  func equality() throws {
    let dict = try stateDict(["a": 1, "b": 2])
    #expect(try dict == stateDict(["a": 1, "b": 2]))
    #expect(try dict != stateDict(["b": 2, "a": 1]))
    #expect(try dict != stateDict(["a": 1, "b": 3]))
    #expect(try dict != stateDict(["a": 1, "c": 2]))
    #expect(try dict != stateDict(["a": 1]))
  }

  @Test("Filtering keeps the order of what stays and leaves the original alone")
  func filtering() throws {
    let dict = try stateDict(["c": 1, "a": 2, "b": 3])
    let rest = dict.filter { $0 != "a" }
    #expect(Array(rest.names) == ["c", "b"])
    #expect(rest["b"]?.bits(at: 1) == 4)
    #expect(dict.count == 3)
  }
}
