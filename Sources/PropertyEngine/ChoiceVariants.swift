// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// Sequences that differ in given choices only, to find out what of a value depends on them.
extension ChoiceSequence {
  /// The sequence with other values in `range`: once where they are not booleans, once where they
  /// are, because those often decide how many choices follow.
  public func variants(in range: Range<Int>) -> [ChoiceSequence] {
    [false, true].compactMap { changesBooleans in
      var result = self
      for position in range.clamped(to: 0..<count) where !choices[position].isForced {
        let isBoolean = choices[position].constraint.kind == .boolean
        if isBoolean == changesBooleans { result.vary(position) }
      }
      return result == self ? nil : result
    }
  }

  private mutating func vary(_ position: Int) {
    let choice = choices[position]
    let constraint = choice.constraint
    switch constraint.kind {
    case .boolean: choices[position].bits ^= 1
    case .integer:
      let others = (0..<2).compactMap { constraint.integer(atIndex: $0) }
      choices[position].bits = others.first { $0 != choice.bits } ?? choice.bits
    case .float:
      let others = [choice.bits ^ 1, constraint.anchor, constraint.lower, constraint.upper]
      choices[position].bits =
        others.first { $0 != choice.bits && constraint.permits($0) } ?? choice.bits
    case .symbols:
      let content = content(of: choice)
      let other =
        content.isEmpty ? [0] : content.map { UInt32((UInt64($0) + 1) % constraint.anchor) }
      if constraint.permits(other) { setContent(other, at: position) }
    }
  }
}
