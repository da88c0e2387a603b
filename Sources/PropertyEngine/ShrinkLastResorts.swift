// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// Passes that draw anew; seeded, so that they are the same in every run.
extension Shrinker {
  /// Takes a lower alternative at a selector and lets chance fill in what that needs.
  func lowerAlternatives() {
    forEachOpenPosition { position in
      let choice = choices[position]
      guard choice.isSelector(upTo: 10) else { return }
      for order in 0..<UInt64(choice.order) where takeAlternative(order, position) { break }
    }
  }

  private func takeAlternative(_ order: UInt64, _ position: Int) -> Bool {
    guard let bits = choices[position].alternative(order) else { return false }
    let candidate = sequence.with(bits, at: position)
    let plain = attempt(candidate)
    if plain.isAdopted { return true }
    guard let realised = plain.realised, plain.status == .overrun || realised.count != count,
      plain.status == .overrun || realised.count > position + 1
    else { return false }
    return redraw(candidate, after: position)
  }

  /// Has chance fill in what follows a position.
  @discardableResult private func redraw(_ candidate: ChoiceSequence, after position: Int) -> Bool {
    let head = candidate.removing((position + 1)..<candidate.count)
    return (0..<10).contains {
      run(head, tail: .random, limit: count, seed: UInt64($0)).isAdopted
    }
  }

  /// Takes each lower alternative at a selector together with each of the simplest values of the
  /// next choice, which often says what the selector leaves open.
  func lowerWithNext() {
    forEachOpenPosition { if $0 + 1 < count { lowerWithNext($0) } }
  }

  private func lowerWithNext(_ position: Int) {
    let (choice, next) = (choices[position], choices[position + 1])
    guard choice.isSelector(upTo: 63), next.constraint.kind == .integer, !choice.isForced,
      !next.isForced
    else { return }
    let lower = UInt64(choice.order)
    // A product of so many is tried at all.
    let most = max(1, 160 / max(1, lower))
    for order in 0..<lower {
      for nextOrder in 0..<most {
        guard !isOver, let bits = choice.alternative(order),
          let nextBits = next.constraint.integer(atIndex: nextOrder)
        else { break }
        if consider(sequence.with(bits, at: position).with(nextBits, at: position + 1)) { return }
      }
    }
  }

  /// Raises a gate so that something drawn after it disappears.
  func shortenByIncrement() {
    forEachPosition { position in
      let choice = choices[position]
      if choice.isForced { return }
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
  }

  private func raise(_ position: Int, _ bits: UInt64) -> Bool {
    guard position < count else { return false }
    let candidate = sequence.with(bits, at: position)
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
    forEachOpenPosition { position in
      var candidate = sequence
      candidate.simplify(position)
      let plain = attempt(candidate)
      guard !plain.isAdopted, let realised = plain.realised else { return }
      let isSameShape =
        realised.count == count
        && zip(realised.choices, choices).allSatisfy { $0.constraint == $1.constraint }
      if !isSameShape { redraw(candidate, after: position) }
    }
  }
}

extension Choice {
  /// Whether it is a coin or an integer of a range that is no wider.
  fileprivate func isSelector(upTo width: UInt64) -> Bool {
    constraint.kind == .boolean
      || constraint.kind == .integer && constraint.upper &- constraint.lower <= width
  }

  /// The coin or integer at a position of the order of simplicity.
  func alternative(_ order: UInt64) -> UInt64? {
    constraint.kind == .boolean ? order : constraint.integer(atIndex: order)
  }
}

extension Shrinker {
  /// The most combinations that are tried.
  private static let mostCombinations: UInt64 = 1024

  /// Where most of a case is the simplest and few small numbers are left, tries all simpler
  /// combinations of them, the simplest first: numbers that must go together in some way that no
  /// other pass knows come down together, or an earlier one comes down as a later one goes up.
  func exhaustFew() {
    let places = choices.indices.filter { !sequence.isTrivial($0) }
    guard places.count > 1, places.count * 8 <= count,
      places.allSatisfy({ choices[$0].isCountable })
    else { return }
    let orders = places.map { choices[$0].alternatives }
    var total: UInt64 = 1
    for order in orders {
      let (product, overflows) = total.multipliedReportingOverflow(by: order)
      guard !overflows, product <= Self.mostCombinations else { return }
      total = product
    }
    for number in 0..<total where !isOver {
      var candidate = sequence
      var rest = number
      for (place, order) in zip(places, orders).reversed() {
        guard let bits = candidate.choices[place].alternative(rest % order) else { return }
        candidate.choices[place].bits = bits
        rest /= order
      }
      guard candidate.isSimpler(than: sequence) else { return }
      if consider(candidate) { return }
    }
  }
}

extension Choice {
  /// Whether it is a coin or an integer.
  fileprivate var isCountable: Bool {
    constraint.kind == .boolean || constraint.kind == .integer && order <= UInt128(UInt32.max)
  }

  /// How many values are tried in its place: all of a few, else those that are no less simple.
  fileprivate var alternatives: UInt64 {
    let width = constraint.kind == .boolean ? 1 : constraint.upper &- constraint.lower
    return max(UInt64(truncatingIfNeeded: order), width < 16 ? width : 0) + 1
  }
}
