// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// Values of several axes that no valid checkpoint has together, or that mean the same as others.
struct AxisRule: Sendable {
  /// Some values of one axis, as bits.
  struct Term: Sendable, BitwiseCopyable {
    let axis: UInt8
    let values: UInt32
  }

  let reason: String
  let terms: [Term]

  init(_ reason: String, _ terms: Term...) {
    self.init(reason, terms: terms)
  }

  init(_ reason: String, terms: [Term]) {
    self.reason = reason
    self.terms = terms
  }

  /// Whether an assignment has all the values; axes without a value never do.
  func forbids(_ assignment: AxisAssignment) -> Bool {
    for term in terms {
      let value = assignment[term.axis]
      guard value < 32, term.values >> UInt32(value) & 1 == 1 else { return false }
    }
    return true
  }
}

extension ConfigAxis {
  /// The values of this axis at some positions.
  func has(_ values: some Sequence<UInt8>) -> AxisRule.Term {
    AxisRule.Term(axis: rawValue, values: values.reduce(0) { $0 | 1 << UInt32($1) })
  }

  func has(_ values: UInt8...) -> AxisRule.Term { has(values) }

  /// All values of this axis but one.
  func isNot(_ value: UInt8) -> AxisRule.Term {
    has((0..<UInt8(values.count)).filter { $0 != value })
  }

  func has<Value: CaseIterable & Equatable>(_ values: Value...) -> AxisRule.Term {
    has(values.map(\.axisValue))
  }

  func isNot<Value: CaseIterable & Equatable>(_ value: Value) -> AxisRule.Term {
    isNot(value.axisValue)
  }
}
