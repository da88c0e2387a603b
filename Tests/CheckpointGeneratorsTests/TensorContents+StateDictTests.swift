// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import CheckpointGenerators
import Tensors
import Testing

@Suite("Contents of state dicts")
struct StateDictContentsTests {
  private static let infos = [
    TensorInfo("b", .bf16, [3, 5]), TensorInfo("a", .f64, []), TensorInfo("empty", .i8, [0, 4]),
    TensorInfo("c", .bool, [65]), TensorInfo("d", .f8E4M3, [64]), TensorInfo("e", .f32, [16]),
  ]
  private static let starts: [UInt64] = [0, 15, 16, 16, 81, 145]

  @Test("Tensors are those made alone, at running addresses", arguments: kinds)
  func runningAddresses(kind: TensorContents.Kind) throws {
    let contents = TensorContents(kind, seed: 3)
    let dict = try TensorContents.stateDict(Self.infos, contents: contents)
    #expect(dict.infos == Self.infos)
    for ((name, tensor), (info, address)) in zip(dict, zip(Self.infos, Self.starts)) {
      let alone = try contents.tensor(info, address: address)
      #expect(tensor == alone, "\(name)")
    }
  }

  @Test("Addresses can be given")
  func givenAddresses() throws {
    let contents = TensorContents(.iota)
    let addresses: [UInt64] = [100, 90, 80, 70, 60, .max]
    let dict = try TensorContents.stateDict(
      Self.infos, contents: contents, addresses: addresses)
    for ((name, tensor), (info, address)) in zip(dict, zip(Self.infos, addresses)) {
      let alone = try contents.tensor(info, address: address)
      #expect(tensor == alone, "\(name)")
    }
  }

  @Test("Tensors start at multiples of 64 bytes, in one allocation")
  func alignment() throws {
    let dict = try TensorContents.stateDict(Self.infos, contents: TensorContents(.random))
    let addresses = dict.map { (_, tensor) in
      unsafe tensor.withUnsafeBytes { Int(bitPattern: $0.baseAddress) }
    }
    #expect(addresses.allSatisfy { $0 % 64 == 0 })
    let distances = zip(addresses, addresses.dropFirst()).map { $1 - $0 }
    #expect(distances == [64, 64, 0, 128, 64])
  }

  @Test("There may be no tensors")
  func empty() throws {
    let dict = try TensorContents.stateDict([], contents: TensorContents(.iota))
    #expect(dict.isEmpty)
  }

  @Test("Names that occur twice and sizes beyond memory are errors")
  func errors() throws {
    let contents = TensorContents(.iota)
    let twice = [TensorInfo("a", .u8, [1]), TensorInfo("a", .u8, [2])]
    #expect(throws: TensorError.duplicateName("a")) {
      try TensorContents.stateDict(twice, contents: contents)
    }
    let huge = TensorInfo("a", .u8, [.max])
    #expect(throws: TensorError.outOfMemory(byteCount: .max)) {
      try TensorContents.stateDict([huge], contents: contents)
    }
    let half = try Shape([1 << 62])
    #expect(throws: TensorError.outOfMemory(byteCount: 1 << 62)) {
      try TensorContents.stateDict(
        [TensorInfo("a", .u8, half), TensorInfo("b", .u8, half)], contents: contents)
    }
    #expect(throws: TensorError.self) {
      try TensorContents.stateDict([TensorInfo("a", .f64, half)], contents: contents)
    }
  }
}
