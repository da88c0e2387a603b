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
    let magnitude = bits() & ~format.signBit
    if format.isNegative(bits()) { set(positions, magnitude) }
    guard isStill() else { return }
    let sign = bits() & format.signBit
    let attempt = { (candidate: UInt64?) in self.set(positions, candidate.map { $0 | sign }) }
    if !format.isFinite(bits()) {
      if attempt(format.firstNonFinite - 1) || attempt(format.firstNonFinite) {
        return minimizeFloat(positions, constraint)
      }
      if format.isNaN(bits()), format.hasInfinity {
        let top = format.topExponent << UInt64(format.significandBits)
        let quiet = UInt64(1) << UInt64(format.significandBits - 1)
        if attempt(top | quiet) || attempt(top | quiet >> 1) { return }
        clearBits(format, bits) { attempt($0) }
      }
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
    lowerWholePart(format, bits()) { attempt($0) }
    guard isStill() else { return }
    lowerExponent(format, bits) { attempt($0) }
    guard isStill() else { return }
    for fewer in fewerBits(format, bits()) where attempt(fewer) { break }
    clearBits(format, bits) { attempt($0) }
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

  /// The same fraction after a lower whole part, of which 1 is the simplest.
  private func lowerWholePart(
    _ format: FloatFormat, _ bits: UInt64, _ attempt: @escaping (UInt64) -> Bool
  ) {
    let fractionBits = Int(format.significandBits) - format.exponent(bits)
    guard fractionBits > 0, fractionBits < 62, format.exponentField(bits) != 0 else { return }
    let scaled = bits & format.significandMask | (format.significandMask + 1)
    let whole = scaled >> UInt64(fractionBits)
    let fraction = scaled & ((1 << UInt64(fractionBits)) - 1)
    let put = { (part: UInt64) -> Bool in
      guard let number = format.bits(integer: part << UInt64(fractionBits) | fraction) else {
        return false
      }
      let lowered = number &- (UInt64(fractionBits) << UInt64(format.significandBits))
      return lowered < number && attempt(lowered)
    }
    if whole == 0 { _ = put(1) } else { _ = descend(from: whole, put) }
  }

  /// The same exponent with a half, a quarter, three quarters, or with the first bits only.
  private func fewerBits(_ format: FloatFormat, _ bits: UInt64) -> [UInt64] {
    let fractionBits = Int(format.significandBits) - max(0, format.exponent(bits))
    guard fractionBits > 0 else { return [] }
    let top = UInt64(1) << UInt64(fractionBits - 1)
    let whole = format.magnitude(bits) & ~(top | (top - 1))
    let fraction = bits & (top | (top - 1))
    var fewer = [top, top >> 1, top | top >> 1]
    fewer += (3..<max(3, fractionBits)).map { fraction & ~((top | (top - 1)) >> UInt64($0)) }
    return fewer.filter { $0 != 0 && $0 != fraction }.map { whole | $0 }
  }

  /// The same number with an exponent nearer to zero: first with no other bit, then as it is.
  private func lowerExponent(
    _ format: FloatFormat, _ bits: () -> UInt64, _ attempt: @escaping (UInt64) -> Bool
  ) {
    let width = UInt64(format.significandBits)
    let bias = UInt64(format.bias)
    for keepsSignificand in [false, true] {
      let field = format.exponentField(bits())
      let rest = keepsSignificand ? bits() & format.significandMask : 0
      let put = { (distance: UInt64) in
        attempt((field >= bias ? bias + distance : bias - distance) << width | rest)
      }
      let start = field >= bias ? field - bias : bias - field
      if start == 0 || put(0) { continue }
      if start == 1 { continue }
      if put(1) { continue }
      var low: UInt64 = 1
      var high = start
      while low + 1 < high, !isOver {
        let middle = low + (high - low) / 2
        if put(middle) { high = middle } else { low = middle }
      }
      if !keepsSignificand { _ = put(high) }
    }
  }

  private func clearBits(
    _ format: FloatFormat, _ bits: () -> UInt64, _ attempt: (UInt64) -> Bool
  ) {
    for place in 0..<UInt64(format.significandBits) where bits() >> place & 1 == 1 {
      _ = attempt(bits() & ~(1 << place))
      if isOver { return }
    }
  }
}
