// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// Lowering of floats, in the order of `FloatFormat`.
extension Shrinker {
  func minimizeFloat(_ positions: [Int], _ constraint: Constraint) {
    let format = constraint.format
    let first = positions[0]
    let bits = { first < self.count ? self.choices[first].bits : 0 }
    let isStill = { first < self.count && self.choices[first].constraint.kind == .float }
    if set(positions, constraint.anchor) { return }
    if format.isNegative(bits()) { set(positions, format.magnitude(bits())) }
    guard isStill() else { return }
    let sign = bits() & format.signBit
    let attempt = { (candidate: UInt64?) in self.set(positions, candidate.map { $0 | sign }) }
    if !format.isFinite(bits()) {
      if attempt(format.firstNonFinite - 1) || attempt(format.firstNonFinite) {
        return minimizeFloat(positions, constraint)
      }
      guard format.isNaN(bits()), format.hasInfinity else { return }
      let top = format.topExponent << UInt64(format.significandBits)
      let quiet = UInt64(1) << UInt64(format.significandBits - 1)
      if !attempt(top | quiet), !attempt(top | quiet >> 1) { clearBits(format, bits, attempt) }
      return
    }
    if format.integer(bits()) == nil {
      for whole in nearbyIntegers(format, bits()) where attempt(whole) { break }
    }
    guard isStill() else { return }
    if let integer = format.integer(bits()) {
      _ = descend(from: integer) { attempt(format.bits(integer: $0)) }
      return
    }
    // Fractions by their place in the order: one and a half, powers of two, then any.
    let start = UInt128(1) << 63
    let place = UInt64(format.order(of: format.magnitude(bits())) - start)
    let put = { (place: UInt64) in attempt(format.bits(atOrder: start | UInt128(place))) }
    if put(1) { return }
    let width = UInt64(format.significandBits)
    _ = bisect(0, place >> width) { put($0 << width) }
    if bits() & format.significandMask == 0 { return }
    _ = descend(from: place, put)
    guard isStill() else { return }
    clearBits(format, bits, attempt)
  }

  /// One, the parts below and above, without a fraction.
  private func nearbyIntegers(_ format: FloatFormat, _ bits: UInt64) -> [UInt64] {
    let power = format.exponent(bits)
    let one = UInt64(format.bias) << UInt64(format.significandBits)
    guard power >= 0, power < Int(format.significandBits) else {
      return power < 0 ? [one] : [UInt64(1) << 55, 1 << 53].compactMap { format.bits(integer: $0) }
    }
    let mask = (UInt64(1) << UInt64(Int(format.significandBits) - power)) - 1
    let floor = format.magnitude(bits) & ~mask
    return [floor, floor + mask + 1]
  }

  private func clearBits(
    _ format: FloatFormat, _ bits: () -> UInt64, _ attempt: (UInt64?) -> Bool
  ) {
    for place in 0..<UInt64(format.significandBits) where bits() >> place & 1 == 1 && !isOver {
      _ = attempt(bits() & ~(1 << place))
    }
  }
}
