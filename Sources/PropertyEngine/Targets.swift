// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// Hill climbing on the scores that a property gives.
extension Runner {
  /// Raises each score by changing the best case choice by choice, within the run's examples.
  mutating func climb() {
    for label in best.keys.sorted(by: isBefore) { climb(label) }
  }

  private mutating func climb(_ label: String) {
    var hasImproved = true
    while hasImproved, mayClimb {
      hasImproved = false
      var position = 0
      while let current = best[label]?.result.sequence, position < current.count, mayClimb {
        if raise(label, position) { hasImproved = true }
        position += 1
      }
    }
  }

  private var mayClimb: Bool {
    report.passed < examples && report.executed < 4 * examples
      && report.end == .completed && failures.isEmpty && !cancellation.check()
  }

  private mutating func raise(_ label: String, _ position: Int) -> Bool {
    guard let start = best[label]?.result.sequence, position < start.count else { return false }
    let choice = start.choices[position]
    if choice.isForced { return false }
    switch choice.constraint.kind {
    case .boolean: return attempt(label, start, position, choice.bits ^ 1)
    case .integer:
      for sign in [Int128(1), -1] {
        let limit = sign > 0 ? choice.constraint.upper : choice.constraint.lower
        if attempt(label, start, position, limit) { return true }
        var steps = 0
        steps = findInteger { number in
          guard let bits = choice.constraint.moved(choice.bits, by: sign * Int128(number))
          else { return false }
          return attempt(label, start, position, bits)
        }
        if steps > 0 { return true }
      }
      return false
    case .float:
      let format = choice.constraint.format
      let place = format.ordinal(choice.bits)
      for sign in [Int128(1), -1] {
        let steps = findInteger { number in
          guard number < 1 << 40 else { return false }
          let moved = format.ordinal(choice.bits) + sign * Int128(number) * 1_000_003
          guard moved >= format.ordinal(choice.constraint.lower),
            moved <= format.ordinal(choice.constraint.upper), moved != place
          else { return false }
          return attempt(label, start, position, format.bits(ordinal: moved))
        }
        if steps > 0 { return true }
      }
      return false
    case .symbols: return false
    }
  }

  /// Runs an edited case, what is missing drawn at random; whether the score rose.
  private mutating func attempt(
    _ label: String, _ start: ChoiceSequence, _ position: Int, _ bits: UInt64
  ) -> Bool {
    guard mayClimb, bits != start.choices[position].bits,
      start.choices[position].constraint.permits(bits)
    else { return false }
    var candidate = start
    candidate.choices[position].bits = bits
    let before = best[label]?.score ?? -.infinity
    let result = pool.single(
      CaseRequest(
        prefix: candidate, tail: .random, limit: settings.maximumChoices,
        random: RandomStream(
          seed: settings.seed, index: UInt64(report.executed), salt: 0x7A26)))
    merge(result)
    return (best[label]?.score ?? before) > before
  }
}
