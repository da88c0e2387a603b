// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// The engine's only source of randomness: xoshiro256**, seeded through SplitMix64, the same on
/// every machine.
public struct RandomStream: RandomNumberGenerator, Sendable {
  private var a: UInt64
  private var b: UInt64
  private var c: UInt64
  private var d: UInt64

  /// The stream of `seed`.
  public init(seed: UInt64) {
    var state = seed
    a = splitMix(&state)
    b = splitMix(&state)
    c = splitMix(&state)
    d = splitMix(&state)
  }

  /// The stream of one numbered case of a run.
  init(seed: UInt64, index: UInt64, salt: UInt64 = 0) {
    var state = index &* 0xD129_0B2C_6F1D_5A95 ^ salt
    self.init(seed: seed ^ splitMix(&state))
  }

  /// The next 64 bits.
  public mutating func next() -> UInt64 {
    let product = b &* 5
    let result = (product << 7 | product >> 57) &* 9
    let shifted = b << 17
    c ^= a
    d ^= b
    b ^= c
    a ^= d
    c ^= shifted
    d = d << 45 | d >> 19
    return result
  }

  /// A number in `0...bound`, evenly.
  mutating func upTo(_ bound: UInt64) -> UInt64 {
    if bound == .max { return next() }
    let count = bound + 1
    // Lemire's method: the high word of a product, redrawn in the short first interval.
    var product = next().multipliedFullWidth(by: count)
    if product.low < count {
      let threshold = (0 &- count) % count
      while product.low < threshold { product = next().multipliedFullWidth(by: count) }
    }
    return product.high
  }

  /// A position below `count`, which is positive.
  mutating func position(below count: Int) -> Int { Int(upTo(UInt64(count - 1))) }
}

/// The next number of the SplitMix64 stream of a state.
package func splitMix(_ state: inout UInt64) -> UInt64 {
  state &+= 0x9E37_79B9_7F4A_7C15
  var z = state
  z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
  z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
  return z ^ (z >> 31)
}

/// FNV-1a over bytes: labels and fingerprints that are the same in every process.
struct FNV {
  private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

  mutating func add(_ byte: UInt8) { value = (value ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }

  mutating func add(_ word: UInt64) {
    for place in 0..<8 { add(UInt8(truncatingIfNeeded: word >> UInt64(8 * place))) }
  }

  mutating func add(_ text: String) {
    for byte in text.utf8 { add(byte) }
  }
}
