// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

extension Generator {
  /// The case of a number, drawn from a stream of its own, so that it is the same whatever was drawn
  /// before and in whatever process; nil if the generator discards it.
  public func numbered(
    _ number: UInt64, seed: UInt64
  ) -> (value: Value, choices: ChoiceSequence)? {
    let source = Source()
    source.begin(
      tail: .random, limit: .max, random: RandomStream(seed: seed, index: number, salt: 0xCA5E))
    let value = draw(source)
    return source.isStopped ? nil : (value, source.sequence)
  }
}

/// A number for each number and seed, spread evenly over all 64-bit numbers.
public func scattered(_ number: UInt64, seed: UInt64) -> UInt64 {
  var stream = RandomStream(seed: seed, index: number, salt: 0x5CA7)
  return stream.next()
}
