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

/// Decides which values of axes go together.
struct AxisFeasibility: Sendable {
  /// The rules that name an axis, one list an axis.
  private let rules: [[AxisRule]]
  /// Axes that the size of a checkpoint depends on.
  private let sizes: UInt32
  /// Whether the size of checkpoints is bounded.
  private let boundsSize: Bool

  /// All rules.
  private let all: [AxisRule]

  /// For the checkpoints of a space; a given config is as large as it is.
  init(_ space: CheckpointSpace) {
    boundsSize = space.config == nil
    let all = AxisRule.all(in: space.layout)
    self.all = all
    rules = ConfigAxis.allCases.map { axis in
      all.filter { rule in rule.terms.contains { $0.axis == axis.rawValue } }
    }
    let axes: [ConfigAxis] = [
      .experts, .decoderLayers, .densePrefix, .mtpLayers, .mtpStorage, .mtpPolicy, .activation,
      .expertDType, .lora, .extent,
    ]
    sizes = axes.reduce(0) { $0 | 1 << UInt32($1.rawValue) }
  }

  /// Whether valid checkpoints may have all assigned values, as far as the value of one axis
  /// decides it.
  func permits(_ axis: ConfigAxis, in assignment: AxisAssignment) -> Bool {
    for rule in rules[Int(axis.rawValue)] where rule.forbids(assignment) { return false }
    guard boundsSize, sizes >> UInt32(axis.rawValue) & 1 == 1 else { return true }
    return SizeBudget.permits(assignment)
  }

  /// The axes of each rule, as bits, and those that the size of a checkpoint depends on.
  var scopes: [UInt32] {
    all.map { $0.terms.reduce(0) { $0 | 1 << UInt32($1.axis) } } + (boundsSize ? [sizes] : [])
  }

  /// Why no valid checkpoint has all assigned values, or nil if one may.
  func conflict(_ assignment: AxisAssignment) -> String? {
    if let rule = all.first(where: { $0.forbids(assignment) }) { return rule.reason }
    return boundsSize && !SizeBudget.permits(assignment) ? SizeBudget.reason : nil
  }
}

/// The values of some axes or all.
struct AxisAssignment: Sendable, Hashable {
  /// Of an axis that has no value yet.
  static let unassigned: UInt8 = 255
  /// Of an axis whose value is none of the table's.
  static let outside: UInt8 = 254

  private var storage = SIMD32<UInt8>(repeating: unassigned)

  init() {}

  init(_ values: [(ConfigAxis, UInt8)]) {
    for (axis, value) in values { self[axis] = value }
  }

  subscript(_ axis: ConfigAxis) -> UInt8 {
    get { storage[Int(axis.rawValue)] }
    set { storage[Int(axis.rawValue)] = newValue }
  }

  subscript(_ axis: UInt8) -> UInt8 { storage[Int(axis)] }

  func isAssigned(_ axis: ConfigAxis) -> Bool { self[axis] != Self.unassigned }

  /// One byte an axis.
  var bytes: [UInt8] { ConfigAxis.allCases.map { self[$0] } }
}
