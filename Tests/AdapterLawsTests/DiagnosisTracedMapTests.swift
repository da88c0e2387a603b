// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import CheckpointGenerators
import PlantedFaults
import Tensors
import Testing

@testable import AdapterLaws

@Suite("TracedMap")
struct DiagnosisTracedMapTests {
  private let sources = [
    TensorInfo("a", .bf16, [2, 3]), TensorInfo("none", .f32, [0]), TensorInfo("b", .f32, [70]),
  ]

  private func trace(
    _ convert: ([Tensor]) throws -> KeyValuePairs<TensorName, Tensor>
  ) throws -> TracedMap {
    try TracedMap(sources: sources) { contents in
      try convert(
        TensorContents.stateDict(sources, contents: contents).map(\.tensor)
      ).map { (name: $0.key, tensor: $0.value) }
    }
  }

  @Test("Every element has its own address, and the address its place")
  func identity() throws {
    let map = try trace { ["a": $0[0], "b": $0[2]] }
    #expect(map["a"]?.origins == (0..<6).map { .element($0) })
    #expect(map["b"]?.origins == (6..<76).map { .element($0) })
  }

  @Test("Addresses survive casts and moves")
  func moves() throws {
    let map = try trace { ["b": try $0[2].cast(to: .f8E4M3).permuting(axis: 0) { 69 - $0 }] }
    #expect(map["b"]?.origins == (6..<76).reversed().map { .element($0) })
  }

  @Test("What no source holds is told from addresses")
  func strangers() throws {
    let one = try Tensor(.bf16, [1]) { _ in 0x3f80 }
    let zero = try Tensor(.bf16, [1]) { _ in 0 }
    let map = try trace { tensors in
      ["one": one, "zero": zero, "mixed": try tensors[0].mappingBits { ~$0 }]
    }
    #expect(map["one"]?.origins == [.constant(0x3f80)])
    #expect(map["zero"]?.origins == [.zero])
    #expect(map["mixed"]?.origins.contains { $0.address != nil } == false)
  }

  @Test("Outputs that differ from run to run are told")
  func repetition() throws {
    var run = 0
    let map = try trace { tensors in
      run += 1
      return run == 2 ? ["other": tensors[0]] : ["a": tensors[0]]
    }
    #expect(!map.isRepeatable)
    #expect(map["a"]?.origins.allSatisfy { $0 == .unknown } == true)
  }
}
