// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// Passes that draw anew; seeded, so that they are the same in every run.
extension Shrinker {
  /// Takes a lower alternative at a selector and lets chance fill in what that needs.
  func lowerAlternatives() {
    var position = 0
    while position < count, !isOver {
      let choice = choices[position]
      let constraint = choice.constraint
      let isSelector =
        constraint.kind == .boolean
        || constraint.kind == .integer && constraint.upper &- constraint.lower <= 10
      if isSelector, !sequence.isTrivial(position) {
        for order in 0..<UInt64(choice.order) where takeAlternative(order, position) { break }
      }
      position += 1
    }
  }

  private func takeAlternative(_ order: UInt64, _ position: Int) -> Bool {
    let constraint = choices[position].constraint
    let bits = constraint.kind == .boolean ? order : constraint.integer(atIndex: order)
    guard let bits else { return false }
    var candidate = sequence
    candidate.choices[position].bits = bits
    let plain = attempt(candidate)
    if plain.isAdopted { return true }
    guard let realised = plain.realised, plain.status == .overrun || realised.count != count,
      plain.status == .overrun || realised.count > position + 1
    else { return false }
    candidate.choices.removeSubrange((position + 1)..<candidate.count)
    for seed in 0..<10 {
      if run(candidate, tail: .random, limit: count, seed: UInt64(seed)).isAdopted { return true }
    }
    return false
  }

  /// Raises a gate so that something drawn after it disappears.
  func shortenByIncrement() {
    var position = 0
    while position < count, !isOver {
      let choice = choices[position]
      if !choice.isForced {
        var raised: [UInt64] = []
        switch choice.constraint.kind {
        case .boolean where choice.bits == 0: raised = [1]
        case .integer:
          raised = [choice.constraint.moved(choice.bits, by: 1), choice.constraint.upper]
            .compactMap { $0 }.filter { $0 != choice.bits }
        default: break
        }
        for bits in raised where raise(position, bits) { break }
      }
      position += 1
    }
  }

  private func raise(_ position: Int, _ bits: UInt64) -> Bool {
    guard position < count else { return false }
    var candidate = sequence
    candidate.choices[position].bits = bits
    if let known = tree.predict(candidate),
      known.status != .failed || !known.realised.isSimpler(than: sequence)
    {
      return false
    }
    return run(candidate, tail: .overrun, limit: count, seed: 0).isAdopted
  }

  /// Keeps a beginning, makes the choice after it the simplest and, where that leads to other draws,
  /// redraws the rest.
  func mutateAndShrink() {
    var position = 0
    while position < count, !isOver {
      if !sequence.isTrivial(position) { redrawRest(after: position) }
      position += 1
    }
  }

  private func redrawRest(after position: Int) {
    var candidate = sequence
    candidate.simplify(position)
    let plain = attempt(candidate)
    if plain.isAdopted { return }
    let isSameShape =
      plain.realised.map { realised in
        realised.count == count
          && zip(realised.choices, choices).allSatisfy { $0.constraint == $1.constraint }
      } ?? true
    if isSameShape { return }
    candidate.choices.removeSubrange((position + 1)..<candidate.count)
    for seed in 0..<10 {
      let redrawn = run(candidate, tail: .random, limit: count, seed: UInt64(seed))
      if redrawn.isAdopted { return }
    }
  }
}
