// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import PropertyEngine
public import Tensors

/// The counter-based generator Philox4x64-10 of Salmon et al., "Parallel Random Numbers: As Easy as
/// 1, 2, 3" (SC 2011), with the stream of NumPy's `np.random.Philox(key=[k0, k1]).random_raw()`.
///
/// Any block of the stream is computed without those before it.
public struct Philox4x64: Sendable, Hashable {
  /// The first word of the key.
  public let key0: UInt64
  /// The second word of the key.
  public let key1: UInt64

  /// The generator of a key.
  public init(key0: UInt64, key1: UInt64) {
    self.key0 = key0
    self.key1 = key1
  }

  /// The generator of one tensor: the key is the seed and the FNV-1a 64 hash of the name's UTF-8
  /// bytes, so that each tensor can be made without the others, in any language.
  ///
  /// - Complexity: O(length of the name).
  public init(seed: UInt64, name: TensorName) {
    self.init(key0: seed, key1: stableHash(name.text))
  }

  /// Words `4 * index ..< 4 * index + 4` of the stream.
  ///
  /// NumPy counts up before it computes a block, so that block 0 is that of counter 1.
  @inline(__always)
  public func block(_ index: UInt64) -> (UInt64, UInt64, UInt64, UInt64) {
    var counter = (index &+ 1, (index == .max ? 1 : 0) as UInt64, 0 as UInt64, 0 as UInt64)
    var key = (key0, key1)
    for _ in 0..<10 {
      let even = counter.0.multipliedFullWidth(by: 0xd2e7_470e_e14c_6c93)
      let odd = counter.2.multipliedFullWidth(by: 0xca5a_8263_9512_1157)
      counter = (
        odd.high ^ counter.1 ^ key.0, odd.low, even.high ^ counter.3 ^ key.1, even.low
      )
      key = (key.0 &+ 0x9e37_79b9_7f4a_7c15, key.1 &+ 0xbb67_ae85_84ca_a73b)
    }
    return counter
  }

  /// One word of the stream.
  public func word(_ index: UInt64) -> UInt64 {
    let words = block(index / 4)
    return switch index % 4 {
    case 0: words.0
    case 1: words.1
    case 2: words.2
    default: words.3
    }
  }
}
