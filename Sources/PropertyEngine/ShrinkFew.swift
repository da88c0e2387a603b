// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

extension Shrinker {
  /// The most combinations that are tried.
  private static let mostCombinations: UInt64 = 1024

  /// Where most of a case is the simplest and few small numbers are left, tries all simpler combinations of them, the simplest first:
  /// numbers that must go together in some way that no other pass knows come down together, or an
  /// earlier one comes down as a later one goes up.
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
