// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// Passes on several integers at once.
extension Shrinker {
  private func isOpenInteger(_ position: Int) -> Bool {
    choices[position].constraint.kind == .integer && !choices[position].isForced
  }

  /// The next few integers after `position`.
  private func neighbours(_ position: Int, _ number: Int) -> [Int] {
    Array(((position + 1)..<max(position + 1, count)).lazy.filter(isOpenInteger).prefix(number))
  }

  /// The sequence with the magnitude at each position lessened by `amount`, where all have it.
  private func lowered(_ positions: [Int], by amount: UInt64) -> ChoiceSequence? {
    var candidate = sequence
    for position in positions {
      guard position < count, isOpenInteger(position) else { return nil }
      let constraint = choices[position].constraint
      let (magnitude, isAbove) = constraint.distance(ofInteger: choices[position].bits)
      guard magnitude >= amount,
        let bits = constraint.integer(magnitude: magnitude - amount, isAbove: isAbove)
      else { return nil }
      candidate.choices[position].bits = bits
    }
    return candidate
  }

  private func lowerTogether(_ positions: [Int]) {
    let least = positions.map {
      choices[$0].constraint.distance(ofInteger: choices[$0].bits).magnitude
    }.min()
    guard let least, least > 0 else { return }
    if let all = lowered(positions, by: least), consider(all) { return }
    guard let one = lowered(positions, by: 1), consider(one), least > 1 else { return }
    // What is left of the least of them is what is shrunk.
    var left = least - 1
    _ = descend(from: left) { rest in
      guard rest < left, let candidate = lowered(positions, by: left - rest), consider(candidate)
      else { return false }
      left = rest
      return true
    }
  }

  /// All integers that were drawn from one range, where there are more than a pair.
  func lowerCommonOffset() {
    var seen: Set<Constraint> = []
    for position in 0..<count where position < count && isOpenInteger(position) {
      let constraint = choices[position].constraint
      guard seen.insert(constraint).inserted else { continue }
      let group = (0..<count).filter {
        isOpenInteger($0) && choices[$0].constraint == constraint && !sequence.isTrivial($0)
      }
      if group.count > 2 { lowerTogether(group) }
    }
  }

  func lowerTogether() {
    forEachOpenPosition { position in
      guard isOpenInteger(position) else { return }
      for other in neighbours(position, 3) where other < count && position < count {
        guard isOpenInteger(position), isOpenInteger(other), !sequence.isTrivial(other) else {
          continue
        }
        lowerTogether([position, other])
      }
    }
  }

  func redistribute() {
    forEachOpenPosition { position in
      guard isOpenInteger(position) else { return }
      for other in neighbours(position, 4) { move(from: position, to: other) }
    }
  }

  private func move(from source: Int, to sink: Int) {
    guard source < count, sink < count, isOpenInteger(source), isOpenInteger(sink) else { return }
    let before = choices
    let giver = before[source].constraint
    let taker = before[sink].constraint
    let (magnitude, isAbove) = giver.distance(ofInteger: before[source].bits)
    let attempt = { (amount: UInt64) -> Bool in
      guard amount <= magnitude, source < self.count, sink < self.count,
        self.choices[source].constraint == giver, self.choices[sink].constraint == taker,
        let left = giver.integer(magnitude: magnitude - amount, isAbove: isAbove),
        let right = taker.moved(
          before[sink].bits, by: isAbove ? Int128(amount) : -Int128(amount))
          ?? taker.wrapped(before[sink].bits, by: isAbove ? amount : 0 &- amount)
      else { return false }
      return self.consider(self.sequence.with(left, at: source).with(right, at: sink))
    }
    if magnitude == 0 || attempt(magnitude) { return }
    // As much as the other can take, then from one upwards.
    let offset = before[sink].bits &- taker.lower
    let room = min(isAbove ? (taker.upper &- taker.lower) - offset : offset, magnitude)
    if room > 0, room < magnitude, attempt(room) { return }
    guard room > 1, attempt(1) else { return }
    _ = findInteger { $0 == 1 || attempt(UInt64($0)) }
  }
}
