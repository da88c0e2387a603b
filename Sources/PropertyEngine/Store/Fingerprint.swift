// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

extension Generator {
  /// A number that changes when the generator's structure does: the constraints and spans of its
  /// simplest case. The same in every process.
  public var fingerprint: UInt64 {
    let source = Source()
    source.begin(tail: .simplest, limit: 1 << 14, random: RandomStream(seed: 0))
    _ = draw(source)
    var hash = FNV()
    for event in source.trail { hash.add(UInt64(truncatingIfNeeded: event)) }
    for choice in source.choices {
      let constraint = choice.constraint
      hash.add(constraint.kind.rawValue)
      hash.add(constraint.flags)
      hash.add(constraint.format.exponentBits)
      hash.add(constraint.format.significandBits)
      hash.add(constraint.lower)
      hash.add(constraint.upper)
      hash.add(constraint.anchor)
    }
    return hash.value
  }
}

/// A number for a name, the same in every process and for ever: FNV-1a of its UTF-8.
public func stableHash(_ name: String) -> UInt64 {
  var hash = FNV()
  hash.add(name)
  return hash.value
}

func hexadecimal(_ number: UInt64) -> String {
  let digits = String(number, radix: 16)
  return String(repeating: "0", count: 16 - digits.count) + digits
}
