// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

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

  /// Why no valid checkpoint has all assigned values, or nil if one may.
  func conflict(_ assignment: AxisAssignment) -> String? {
    if let rule = all.first(where: { $0.forbids(assignment) }) { return rule.reason }
    return boundsSize && !SizeBudget.permits(assignment) ? SizeBudget.reason : nil
  }
}
