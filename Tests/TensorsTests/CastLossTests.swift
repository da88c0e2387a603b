// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Tensors
import Testing

@Suite("What casts lose")
struct CastLossTests {
  private static let floats = DType.allCases.filter(\.isFloatingPoint)

  @Test("A cast that is said to lose nothing restores every pattern", arguments: floats)
  func lossless(source: DType) throws {
    for target in Self.floats where Cast.isSupported(from: source, to: target) {
      let cast = try Cast(from: source, to: target)
      guard let back = try? Cast(from: target, to: source), source.byteCount <= 2 else { continue }
      let patterns = UInt64(1) << (8 * UInt64(source.byteCount))
      let changed = (0..<patterns).count { back(bits: cast(bits: $0)) != $0 }
      #expect((changed == 0) == cast.isLossless, "\(source) to \(target): \(changed)")
      let tensor = try Tensor(source, [Int(patterns)]) { UInt64($0) }
      #expect(try cast.changedCount(in: tensor.bytes) == changed, "\(source) to \(target)")
    }
  }

  @Test("Elements that the narrow type holds are not counted")
  func counts() throws {
    let cast = try Cast(from: .f32, to: .bf16)
    let tensor = try Tensor(.f32, [10_001]) { UInt64($0) << 16 | ($0 % 3 == 0 ? 1 : 0) }
    #expect(try cast.changedCount(in: tensor.bytes) == 3334)
    #expect(try Cast(from: .f64, to: .f32).isLossless == false)
    #expect(try Cast(from: .f32, to: .f64).isLossless)
    #expect(try cast.changedCount(in: try Tensor(.f32, [0]) { _ in 0 }.bytes) == 0)
  }
}
