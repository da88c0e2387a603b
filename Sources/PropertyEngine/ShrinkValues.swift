// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// Passes that lower single values, or several to the same value.
extension Shrinker {
  func minimizeChoices() {
    forEachPosition { minimize([$0]) }
  }

  func minimizeDuplicates() {
    forEachOpenPosition { position in
      let choice = choices[position]
      if choice.constraint.kind == .boolean { return }
      let group = (position..<count).filter { other in
        !choices[other].isForced && isSame(choices[other], choice)
      }
      let isFirst = !(0..<position).contains { isSame(choices[$0], choice) }
      if group.count > 1, isFirst { minimize(group) }
    }
  }

  private func isSame(_ a: Choice, _ b: Choice) -> Bool {
    a.constraint.kind == b.constraint.kind && a.bits == b.bits
  }

  /// Lowers the values at `positions`, which are equal, together.
  func minimize(_ positions: [Int]) {
    guard let first = positions.first, first < count, !sequence.isTrivial(first) else { return }
    let choice = choices[first]
    switch choice.constraint.kind {
    case .boolean: _ = set(positions, 0)
    case .integer: minimizeInteger(positions, choice.constraint)
    case .float: minimizeFloat(positions, choice.constraint)
    }
  }

  /// Tries one pattern at all positions.
  @discardableResult func set(_ positions: [Int], _ bits: UInt64?) -> Bool {
    guard let bits else { return false }
    var candidate = sequence
    for position in positions {
      guard position < candidate.count, !candidate.choices[position].isForced,
        candidate.choices[position].constraint.permits(bits)
      else { return false }
      candidate.choices[position].bits = bits
    }
    return consider(candidate)
  }

  private func minimizeInteger(_ positions: [Int], _ constraint: Constraint) {
    let first = positions[0]
    let isStill = { first < self.count && self.choices[first].constraint.kind == .integer }
    let start = constraint.distance(ofInteger: choices[first].bits)
    if set(positions, constraint.anchor) { return }
    if !start.isAbove, set(positions, constraint.integer(magnitude: start.magnitude, isAbove: true))
    {
      return lower(positions, constraint, start.magnitude, isAbove: true)
    }
    guard isStill() else { return }
    lower(positions, constraint, start.magnitude, isAbove: start.isAbove)
  }

  /// Finds the least distance from the simplest that fails, by orders of magnitude, then bisection.
  private func lower(
    _ positions: [Int], _ constraint: Constraint, _ magnitude: UInt64, isAbove: Bool
  ) {
    let attempt = { (distance: UInt64) in
      self.set(positions, constraint.integer(magnitude: distance, isAbove: isAbove))
    }
    if magnitude <= 1 { return }
    let high = descend(from: magnitude, attempt)
    if high == 1 { return }
    // The step by two finds what only even or only odd values have.
    if high > 2, attempt(high - 2) {
      return lower(positions, constraint, high - 2, isAbove: isAbove)
    }
    // In the order of simplicity -1 comes before 2.
    if isAbove { set(positions, constraint.integer(magnitude: high - 1, isAbove: false)) }
  }

  /// Looks below `start` for the least number that holds, where 0 does not: by halves, then in steps
  /// that double, then by bisection. Gives up quickly where nothing nearby holds.
  func descend(from start: UInt64, _ holds: (UInt64) -> Bool) -> UInt64 {
    if start <= 1 || holds(1) { return min(start, 1) }
    let shift = findInteger { $0 < 64 && start >> UInt64($0) > 1 && holds(start >> UInt64($0)) }
    var high = start >> UInt64(shift)
    var low: UInt64 = 1
    var step: UInt64 = 1
    while high - low > step {
      guard holds(high - step) else {
        low = high - step
        break
      }
      high -= step
      step *= 2
    }
    return bisect(low, high, holds)
  }
}
