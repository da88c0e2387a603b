// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// The order of integers: zig-zag around the simplest value until one side of the range runs out,
/// then straight on. All arithmetic is on distances, so full 64-bit ranges need nothing wider.
extension Constraint {
  /// Position of a permitted integer in the order of simplicity.
  func index(ofInteger bits: UInt64) -> UInt64 {
    let offset = bits &- lower
    let home = anchor &- lower
    let room = min(home, (upper &- lower) - home)
    if offset > home {
      let distance = offset - home
      return distance <= room ? 2 * distance - 1 : room + distance
    }
    let distance = home - offset
    return distance <= room ? 2 * distance : room + distance
  }

  /// The integer at a position of the order, or `nil` beyond the last.
  func integer(atIndex index: UInt64) -> UInt64? {
    let width = upper &- lower
    guard index <= width else { return nil }
    let home = anchor &- lower
    let room = min(home, width - home)
    if index <= 2 * room {
      let distance = index / 2 + index % 2
      return index % 2 == 1 ? anchor &+ distance : anchor &- distance
    }
    let distance = index - room
    return home == room && home < width - home ? anchor &+ distance : anchor &- distance
  }

  /// How far a permitted integer is from the simplest, and on which side.
  func distance(ofInteger bits: UInt64) -> (magnitude: UInt64, isAbove: Bool) {
    let offset = bits &- lower
    let home = anchor &- lower
    return offset >= home ? (offset - home, true) : (home - offset, false)
  }

  /// The integer `magnitude` away from the simplest on one side, if the range has it.
  func integer(magnitude: UInt64, isAbove: Bool) -> UInt64? {
    let home = anchor &- lower
    let room = isAbove ? (upper &- lower) - home : home
    guard magnitude <= room else { return nil }
    return isAbove ? anchor &+ magnitude : anchor &- magnitude
  }

  /// `bits` moved by `delta` if that stays in the range.
  func moved(_ bits: UInt64, by delta: Int128) -> UInt64? {
    let offset = Int128(bits &- lower) + delta
    guard offset >= 0, offset <= Int128(upper &- lower) else { return nil }
    return lower &+ UInt64(offset)
  }

  /// `bits` moved by `delta` around the end of the range, if the range is a whole machine word of
  /// 8 bits or more: sums of such numbers wrap.
  func wrapped(_ bits: UInt64, by delta: UInt64) -> UInt64? {
    let width = upper &- lower
    guard width >= 255, width & (width &+ 1) == 0 else { return nil }
    return lower &+ ((bits &- lower &+ delta) & width)
  }

  /// The integer as a number.
  func number(_ bits: UInt64) -> Int128 {
    flags & 1 == 1 ? Int128(Int64(bitPattern: bits)) : Int128(bits)
  }
}
