// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import CheckpointGenerators
import ExternalAdapters
import PropertyEngine
import Safetensors
import Tensors
import Testing

@Suite("A frame")
struct ProtocolFrameTests {
  private func decode(_ bytes: [UInt8]) throws -> ProtocolFrame {
    let tensor = try Tensor(.u8, Shape([bytes.count]), bytes: bytes)
    let storage = try TensorStorage.copying(tensor.bytes)
    return try ProtocolFrame(decoding: storage)
  }

  private func encoded(_ spec: CheckpointSpec) throws -> [UInt8] {
    let frame = ProtocolFrame(
      ["id": "7", "ok": "true", "text": "quotes \" and \u{1} and é"],
      try Checkpoint(spec).stateDict())
    return try frame.encoded()
  }

  @Test("comes out as it went in, with the order of its tensors")
  func roundTrip() throws {
    for spec in Sample.specs(30) {
      let bytes = try encoded(spec)
      let size = bytes[..<8].reversed().reduce(0) { $0 << 8 | Int($1) }
      #expect(size == bytes.count - 8)
      let frame = try decode(Array(bytes[8...]))
      let expected = try Checkpoint(spec).stateDict()
      #expect(Array(frame.tensors.names) == Array(expected.names))
      let isEqual = frame.tensors == expected
      #expect(isEqual)
      #expect(frame.metadata["text"] == "quotes \" and \u{1} and é")
    }
  }

  @Test("that is cut off anywhere is a fault and no crash")
  func truncations() throws {
    let bytes = try encoded(Sample.plainest).dropFirst(8)
    for count in 0..<bytes.count {
      #expect(throws: ProtocolFault.self, "\(count) bytes") {
        try decode(Array(bytes.prefix(count)))
      }
    }
  }

  @Test("with changed bytes is read or is a fault, but no crash")
  func mutations() throws {
    var random = RandomStream(seed: 11)
    let original = Array(try encoded(Sample.plainest).dropFirst(8))
    var readable = 0
    for _ in 0..<3000 {
      var bytes = original
      for _ in 0...Int.random(in: 0..<4, using: &random) {
        let place = Int.random(in: 0..<bytes.count, using: &random)
        bytes[place] = UInt8.random(in: 0...255, using: &random)
      }
      if (try? decode(bytes)) != nil { readable += 1 }
    }
    #expect(readable < 3000)
  }

  @Test(
    "has each tensor's name in 'keys' once",
    arguments: [
      (#"["a","b","b"]"#, "'b' twice"), (#"["a"]"#, "'b' left out"),
      (#"["a","b","c"]"#, "found none for 'c'"), (#"{"a":1}"#, "expected a list in 'keys'"),
      (#"["a",1]"#, "expected strings in 'keys'"), (#"["a","#, "expected JSON in 'keys'"),
    ])
  func keys(text: String, part: String) throws {
    let tensor = try Tensor(.u8, Shape([1]), bytes: [1])
    let bytes = try SafetensorsFile.serialize(
      StateDict([(TensorName("a"), tensor), (TensorName("b"), tensor)]), metadata: ["keys": text])
    let fault = #expect(throws: ProtocolFault.self) { try decode(bytes) }
    #expect(fault?.description.contains(part) == true, "\(String(describing: fault))")
  }
}
