// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Foundation
import Tensors
import Testing

@testable import AdapterLaws

private let targets: [DType] = [.bf16, .f16, .f32, .f64, .f8E4M3, .f8E5M2]

@Suite("Rounding by looking for the nearest number")
struct RoundingOracleTests {
  @Test(
    "On all patterns of 8 and 16 bits it agrees with Cast",
    arguments: [DType.f8E4M3, .f8E5M2, .f8E8M0, .bf16, .f16], targets)
  func narrowSources(source: DType, target: DType) throws {
    let oracle = try #require(RoundingOracle(from: source, to: target))
    let cast = try Cast(from: source, to: target)
    let patterns = UInt64(1) << UInt64(8 * source.byteCount)
    let difference = (0..<patterns).first { bits in
      !source.isNaN(bits) && oracle(bits) != cast(bits: bits)
    }
    #expect(difference.map(hex) == nil)
  }

  @Test("On F32 and F64 it gives what torch gives", arguments: [DType.f32, .f64], targets)
  func wideSources(source: DType, target: DType) throws {
    guard source != target else { return }
    let oracle = try #require(RoundingOracle(from: source, to: target))
    let inputs = try torch("\(source).inputs", source)
    let outputs = try torch("\(source).\(target)", target)
    #expect(inputs.count > 3000 && inputs.count == outputs.count)
    let difference = zip(inputs, outputs).first { oracle($0) != $1 }
    #expect(difference.map { hex($0.0) } == nil)
  }

  @Test("At and next to ties between any two numbers of F16 it agrees with Cast from F32")
  func ties() throws {
    let oracle = try #require(RoundingOracle(from: .f32, to: .f16))
    let cast = try Cast(from: .f32, to: .f16)
    var difference: UInt64?
    for bits in stride(from: UInt64(0), through: 0x7bff, by: 7) where difference == nil {
      let one = try #require(DType.f16.number(bits))
      let other = try #require(bits == 0x7bff ? 65536 : DType.f16.number(bits + 1))
      let middle = UInt64(Float((one + other) / 2).bitPattern)
      difference = [middle - 1, middle, middle + 1, middle | 1 << 31].first {
        oracle($0) != cast(bits: $0)
      }
    }
    #expect(difference.map(hex) == nil)
  }

  @Test("What F8_E4M3 cannot hold becomes 448, elsewhere infinity")
  func overflow() throws {
    for (value, target, expected) in [
      (464, .f8E4M3, 0x7e), (1e9, .f8E4M3, 0x7e), (-.infinity, .f8E4M3, 0xfe),
      (65519, .f16, 0x7bff), (65520, .f16, 0x7c00), (-.infinity, .bf16, 0xff80),
      (61440, .f8E5M2, 0x7c), (61439, .f8E5M2, 0x7b), (-0.0, .f16, 0x8000),
    ] as [(Float, DType, UInt64)] {
      let oracle = try #require(RoundingOracle(from: .f32, to: target))
      #expect(oracle(UInt64(value.bitPattern)) == expected, "\(value) -> \(target)")
    }
  }

  @Test("NaN stays NaN, and types that hold no such numbers have no cast")
  func limits() throws {
    for target in targets {
      let oracle = try #require(RoundingOracle(from: .f32, to: target))
      #expect(target.isNaN(oracle(0xffa0_0001)), "\(target)")
    }
    #expect(RoundingOracle(from: .bf16, to: .i16) == nil)
    #expect(RoundingOracle(from: .u8, to: .bf16) == nil)
    #expect(RoundingOracle(from: .bf16, to: .f8E8M0) == nil)
    let identity = try #require(RoundingOracle(from: .u8, to: .u8))
    #expect(identity(0xff) == 0xff)
  }

  /// What torch made, as the tests of `Cast` hold it.
  private func torch(_ name: String, _ dtype: DType) throws -> [UInt64] {
    let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let bytes = try Data(contentsOf: tests.appending(path: "TensorsTests/Fixtures/Casts/\(name)"))
    let count = bytes.count / dtype.byteCount
    return try Tensor(dtype, try Shape([count]), bytes: Array(bytes)).patterns
  }
}
