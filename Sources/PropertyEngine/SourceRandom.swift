// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// How values are drawn at random: even where ranges are small, biased to edges, to small numbers
/// and to numbers seen before where they are large.
extension Source {
  func randomBits(_ constraint: Constraint) -> UInt64 {
    switch constraint.kind {
    case .boolean:
      var chance = constraint.lower
      if constraint.flags == 1, size < 256 {
        // The odds shrink with the size.
        let odds = chance * size
        let whole = max(1, odds + ((1 << 32) - chance) * 256)
        chance = ((odds << 16) / whole) << 16
      }
      return random.next() >> 32 < chance ? 1 : 0
    case .integer: return randomInteger(constraint)
    case .float: return randomFloat(constraint)
    }
  }

  private func randomInteger(_ constraint: Constraint) -> UInt64 {
    let width = constraint.upper &- constraint.lower
    if width == 0 { return constraint.lower }
    let dice = random.next()
    if dice & 15 == 0, let seen = seenInteger(constraint, dice >> 8) { return seen }
    if width >= 16, width < 256, dice >> 4 & 31 == 0 { return edge(constraint, dice >> 9) }
    if width < 256 { return constraint.lower &+ random.upTo(width) }
    switch dice >> 4 & 15 {
    case 0: return edge(constraint, dice >> 8)
    case 1...5 where width < 1 << 16 && size == 256, 1 where size == 256:
      return constraint.lower &+ random.upTo(width)
    default:
      // Bit length first, so that every order of magnitude is as likely; short ones early on.
      let longest = UInt64(64 - width.leadingZeroBitCount)
      let bound = max(1, longest * size >> 8)
      var length = random.upTo(bound)
      // Half of the time two tries, the shorter wins: small numbers are read and repeated more.
      if dice >> 20 & 1 == 0 { length = min(length, random.upTo(bound)) }
      let magnitude = length == 0 ? 0 : random.next() >> (64 - length)
      let isAbove = staysAbove || dice >> 21 & 1 == 0
      return constraint.integer(magnitude: magnitude, isAbove: isAbove)
        ?? constraint.integer(magnitude: magnitude, isAbove: !isAbove)
        ?? constraint.lower &+ random.upTo(width)
    }
  }

  /// A number of this case once more, or a neighbour of it.
  private func seenInteger(_ constraint: Constraint, _ dice: UInt64) -> UInt64? {
    guard !choices.isEmpty else { return nil }
    let choice = choices[random.position(below: choices.count)]
    guard choice.constraint.kind == .integer, !choice.isForced else { return nil }
    let step = [Int128(0), 0, 1, -1][Int(dice & 3)]
    guard constraint.permits(choice.bits) else { return nil }
    return constraint.moved(choice.bits, by: step)
  }

  private func edge(_ constraint: Constraint, _ dice: UInt64) -> UInt64 {
    let width = constraint.upper &- constraint.lower
    switch dice & 7 {
    case 0, 1: return constraint.lower
    case 2, 3: return constraint.upper
    case 4 where width > 2: return constraint.lower &+ 1
    case 5 where width > 2: return constraint.upper &- 1
    default:
      let power = UInt64(1) << (dice >> 3 & 63)
      let magnitude = dice & 1 == 0 ? power : power - 1
      return constraint.integer(magnitude: magnitude, isAbove: dice >> 9 & 1 == 0)
        ?? constraint.anchor
    }
  }

  func randomFloat(_ constraint: Constraint) -> UInt64 {
    for _ in 0..<4 {
      let bits = anyFloat(constraint.format)
      if constraint.permitsFloat(bits) { return bits }
    }
    // A narrow range: evenly over its patterns.
    let format = constraint.format
    let low = format.ordinal(constraint.lower)
    let width = UInt64(format.ordinal(constraint.upper) - low)
    for _ in 0..<4 {
      let bits = format.bits(ordinal: low + Int128(random.upTo(width)))
      if constraint.permitsFloat(bits) { return bits }
    }
    return constraint.anchor
  }

  private func anyFloat(_ format: FloatFormat) -> UInt64 {
    let dice = random.next()
    let sign = dice & 1 == 0 ? 0 : format.signBit
    let payload = random.next() & format.significandMask
    switch dice >> 1 & 15 {
    case 0...3:
      return sign | (format.bits(integer: random.next() >> (56 + (dice >> 8 & 7))) ?? 0)
    case 4...6:
      // A fraction of few bits: an exponent near zero and the top of a significand.
      let exponent = format.bias - 4 + Int(dice >> 8 & 7)
      let kept = dice >> 12 & 3
      let field = UInt64(max(1, min(exponent, Int(format.topExponent) - 1)))
      let top = payload & ~(format.significandMask >> min(kept, UInt64(format.significandBits)))
      return sign | field << UInt64(format.significandBits) | top
    case 7...9: return random.next() & (format.signBit | (format.signBit - 1))
    case 10: return sign | (dice >> 8 & 1 == 0 ? payload : dice >> 9 & 1 == 0 ? 1 : 0)
    case 11: return sign | (format.firstNonFinite - 1)
    case 12: return sign | format.firstNonFinite
    case 13:
      let top = format.topExponent << UInt64(format.significandBits)
      if !format.hasInfinity { return sign | format.firstNonFinite }
      let quiet = UInt64(1) << UInt64(format.significandBits - 1)
      return sign | top | (dice >> 8 & 1 == 0 ? quiet | payload : max(1, payload & ~quiet))
    case 14: return sign | UInt64(1) << UInt64(format.significandBits)
    default: return sign
    }
  }
}
