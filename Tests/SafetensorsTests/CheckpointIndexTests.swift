// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Safetensors
import StrictJSON
import Tensors
import Testing

@Suite("Indexes of checkpoints")
struct CheckpointIndexTests {
  @Test("The index of transformers is read whole")
  func reads() throws {
    let index = try parse(try Fixtures.bytes("tiny-hyv3/model.safetensors.index.json"))
    #expect(index.metadata == ["total_parameters": 2224, "total_size": 4480])
    #expect(index.totalSize == 4480)
    #expect(index.weightMap.count == 64)
    #expect(index.weightMap.first?.name == "lm_head.weight")
    #expect(index.shardNames.first == "model-00001-of-00003.safetensors")
    #expect(index.shardNames.count == 3)
  }

  @Test("The index of transformers is written byte for byte")
  func writes() throws {
    let bytes = try Fixtures.bytes("tiny-hyv3/model.safetensors.index.json")
    #expect(firstDifference(try parse(bytes).json, bytes) == nil)
  }

  @Test("An absent total size and unknown members are no errors")
  func lenient() throws {
    let index = try parse(#"{"x":[1],"weight_map":{"a":"m.safetensors"},"metadata":{"k":[]}}"#)
    #expect(index.totalSize == nil)
    #expect(index.metadata == ["k": []])
    #expect(index.weightMap.map(\.fileName) == ["m.safetensors"])
  }

  @Test(
    "Malformed indexes give code, byte and path",
    arguments: [
      ("", .invalidJSON, 0), ("[]", .invalidMember, 0), ("{}", .missingMember, 1),
      (#"{"metadata":{}}"#, .missingMember, 14), (#"{"weight_map":{}}"#, .missingMember, 16),
      (#"{"metadata":[],"weight_map":{}}"#, .invalidMember, 12),
      (#"{"metadata":{"total_size":1.5},"weight_map":{}}"#, .invalidMember, 26),
      (#"{"metadata":{"total_size":-1},"weight_map":{}}"#, .invalidMember, 26),
      (#"{"metadata":{"total_size":"1"},"weight_map":{}}"#, .invalidMember, 26),
      (#"{"metadata":{},"weight_map":{"a":1}}"#, .invalidMember, 33),
      (
        #"{"metadata":{},"weight_map":{"a":"x.safetensors","a":"x.safetensors"}}"#, .duplicateKey,
        49
      ),
      (#"{"metadata":{},"weight_map":{}}x"#, .invalidJSON, 31),
    ] as [(String, SafetensorsError.Code, Int)])
  func malformed(_ text: String, _ code: SafetensorsError.Code, _ offset: Int) {
    let error = #expect(throws: SafetensorsError.self) { try parse(text) }
    #expect(error?.code == code)
    #expect(error?.byteOffset == offset)
  }

  @Test("All shard names that are not plain file names of weights are listed")
  func shardNames() {
    let names = ["../x.safetensors", "", "a/b.safetensors", "..", "n\0.safetensors", "pytorch.bin"]
    let map = JSONObject(
      names.enumerated().map { ("t\($0)", .string($1)) } + [("ok", "ok.safetensors")])
    let value: JSONValue = ["metadata": [:], "weight_map": .object(map)]
    let error = #expect(throws: SafetensorsError.self) { try parse(value.bytes(.compact)) }
    #expect(error?.code == .invalidFileName)
    #expect(error?.keys == names.sorted { TensorName($0) < TensorName($1) })
  }

  private func parse(_ text: String) throws(SafetensorsError) -> CheckpointIndex {
    try parse(Array(text.utf8))
  }

  private func parse(_ bytes: [UInt8]) throws(SafetensorsError) -> CheckpointIndex {
    // Bytes have no padding that could be read uninitialized.
    try CheckpointIndex(parsing: unsafe bytes.span.bytes, path: "index.json")
  }
}
