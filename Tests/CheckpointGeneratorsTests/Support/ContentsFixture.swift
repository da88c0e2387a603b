// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import CheckpointGenerators
import Foundation
import Tensors

/// What NumPy gives; see `make_contents_fixture.py` for the format.
struct ContentsFixture: Decodable {
  struct Block: Decodable {
    let key: [String]
    let block: String
    let words: [String]
  }

  struct Contents: Decodable {
    let kind: String
    let parameter: Int
    let seed: String
    let name: String
    let dtype: String
    let count: Int
    let address: String
    let bytes: String?
    let fnv1a: String?

    var expected: String { bytes ?? fnv1a ?? "nothing" }

    /// The bytes in the form of `expected`.
    func described(_ tensor: Tensor) -> String {
      let bytes = (0..<tensor.byteCount).map { tensor.bytes.byte(at: $0) }
      if self.bytes != nil {
        return bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
      }
      return String(
        bytes.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 },
        radix: 16)
    }
  }

  let blocks: [Block]
  let specialPatterns: [String: [String]]
  let tensors: [Contents]

  static func read() throws -> ContentsFixture {
    let url = Bundle.module.bundleURL.appendingPathComponent("Fixtures/contents.json")
    return try JSONDecoder().decode(ContentsFixture.self, from: Data(contentsOf: url))
  }
}

/// A number of the fixture.
func word(_ hexadecimal: String) throws -> UInt64 {
  guard let word = UInt64(hexadecimal, radix: 16) else {
    throw CocoaError(.formatting, userInfo: [NSDebugDescriptionErrorKey: hexadecimal])
  }
  return word
}

func hex(_ value: UInt64) -> String { "0x" + String(value, radix: 16) }

let signedFloats: [DType] = [.bf16, .f16, .f32, .f64, .f8E4M3, .f8E5M2]

/// One of each kind of contents.
let kinds: [TensorContents.Kind] = [
  .constant(pattern: 3), .tracer(digit: 1), .iota, .random, .special,
]
