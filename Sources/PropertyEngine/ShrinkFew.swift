// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

extension Shrinker {
  /// The most combinations that are tried.
  private static let mostCombinations = 512

  /// Where few small numbers are left, tries all simpler combinations of them, the simplest first:
  /// numbers that must go together in some way that no other pass knows come down together.
  func exhaustFew() {
    let places = choices.indices.filter { !sequence.isTrivial($0) }
    guard places.count > 1, places.allSatisfy({ choices[$0].isCountable }) else { return }
    let orders = places.map { UInt64(truncatingIfNeeded: choices[$0].order) + 1 }
    var total: UInt64 = 1
    for order in orders {
      let (product, overflows) = total.multipliedReportingOverflow(by: order)
      guard !overflows, product <= Self.mostCombinations else { return }
      total = product
    }
    for number in 0..<total - 1 where !isOver {
      var candidate = sequence
      var rest = number
      for (place, order) in zip(places, orders).reversed() {
        guard let bits = candidate.choices[place].alternative(rest % order) else { return }
        candidate.choices[place].bits = bits
        rest /= order
      }
      if consider(candidate) { return }
    }
  }
}

extension Choice {
  /// Whether it is a coin or an integer.
  fileprivate var isCountable: Bool {
    constraint.kind == .boolean || constraint.kind == .integer && order <= UInt128(UInt32.max)
  }
}
