// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// The order of floats: non-negative before negative; then integers below 2^56 by value, fractions
/// and large numbers by exponent (0, 1, 2 ... then -1, -2 ...) with few fractional bits first,
/// infinity, NaN with the plain quiet one first.
extension FloatFormat {
  /// Position of a pattern in the order of simplicity; an injection, not dense.
  func order(of bits: UInt64) -> UInt128 {
    let sign: UInt128 = isNegative(bits) ? 1 << 64 : 0
    if let integer = integer(bits) { return sign | UInt128(integer) }
    return sign
      | UInt128(
        1 << 63 | rank(exponentField(bits)) << UInt64(significandBits)
          | arranged(bits & significandMask, exponentField: exponentField(bits)))
  }

  /// The pattern at a position of the order, or `nil` where there is none.
  func bits(atOrder order: UInt128) -> UInt64? {
    guard order < 1 << 65 else { return nil }
    let sign = order >> 64 == 1 ? signBit : 0
    let key = UInt64(truncatingIfNeeded: order)
    if key >> 63 == 0 {
      return key < 1 << 56 ? bits(integer: key).map { $0 | sign } : nil
    }
    let body = key & ~(1 << 63)
    guard body < signBit else { return nil }
    let field = unrank(body >> UInt64(significandBits))
    let bits =
      field << UInt64(significandBits) | arranged(body & significandMask, exponentField: field)
    return integer(bits) == nil ? bits | sign : nil
  }

  /// Exponents 0, 1, 2 ... first, then -1, -2 ..., the top one (infinity, NaN) last.
  private func rank(_ field: UInt64) -> UInt64 {
    let bias = UInt64(self.bias)
    if field == topExponent { return topExponent }
    return field >= bias ? field - bias : topExponent - 1 - field
  }

  private func unrank(_ rank: UInt64) -> UInt64 {
    let bias = UInt64(self.bias)
    if rank == topExponent { return topExponent }
    return rank < topExponent - bias ? rank + bias : topExponent - 1 - rank
  }

  /// The significand with its fractional bits reversed; its own inverse.
  private func arranged(_ significand: UInt64, exponentField: UInt64) -> UInt64 {
    let width = UInt64(significandBits)
    let power = Int(exponentField) - bias
    if exponentField == topExponent || power <= 0 { return reversed(significand, width) }
    guard power < Int(width) else { return significand }
    let fraction = width - UInt64(power)
    let mask = (UInt64(1) << fraction) - 1
    return significand & ~mask | reversed(significand & mask, fraction)
  }

  private func reversed(_ bits: UInt64, _ width: UInt64) -> UInt64 {
    var result: UInt64 = 0
    for place in 0..<width where bits >> place & 1 == 1 { result |= 1 << (width - 1 - place) }
    return result
  }

  /// The simplest finite pattern among those at `ordinals`, which hold at least one.
  func simplest(in ordinals: ClosedRange<Int128>) -> UInt64 {
    if ordinals.contains(0) { return 0 }
    guard ordinals.lowerBound > 0 else {
      let mirrored = (-1 - ordinals.upperBound)...(-1 - ordinals.lowerBound)
      return signBit | simplest(in: mirrored)
    }
    let low = UInt64(ordinals.lowerBound)
    let high = UInt64(ordinals.upperBound)
    let one = UInt64(bias) << UInt64(significandBits)
    if high >= one {
      // The least integer that is not below `low`, if the range reaches it.
      let start = max(low, one)
      let power = (start >> UInt64(significandBits)) - UInt64(bias)
      let fraction = power < significandBits ? UInt64(significandBits) - power : 0
      let mask = (UInt64(1) << fraction) - 1
      let integer = (start + mask) & ~mask
      return integer <= high ? integer : fewestBits(start, high)
    }
    // Below one the highest binade comes first.
    let floor = max(low, high & ~significandMask)
    let ceiling = min(high, floor | significandMask)
    return fewestBits(floor, ceiling)
  }

  /// The number with the most trailing zeros in a range of magnitudes within one binade.
  private func fewestBits(_ low: UInt64, _ high: UInt64) -> UInt64 {
    var best = high
    for place in 0...UInt64(significandBits) {
      let step = UInt64(1) << place
      let candidate = (low + step - 1) & ~(step - 1)
      if candidate > high { break }
      best = candidate
    }
    return best
  }
}
