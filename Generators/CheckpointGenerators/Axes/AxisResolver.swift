// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// Makes a feasible assignment of all axes out of any.
///
/// An infeasible value gives way to a feasible one of its axis, so that no draw is in vain.
struct AxisResolver: Sendable {
  private let feasibility: AxisFeasibility
  private let domains: AxisDomains
  private let narrowed: [ConfigAxis]

  /// Why the values that are fixed do not go together, or nil if they do.
  let conflict: String?

  init(_ space: CheckpointSpace) {
    domains = AxisDomains(space)
    narrowed = domains.narrowed
    feasibility = AxisFeasibility(space)
    conflict = domains.conflict ?? feasibility.conflict(domains.fixed)
  }

  /// The axes with one value, which others give way to.
  var fixed: AxisAssignment { domains.fixed }

  /// Axes in the order of precedence: where a checkpoint would be too large, the number of its
  /// layers gives way, not what is in them.
  private static let order: [ConfigAxis] = {
    let first: [ConfigAxis] = [
      .extent, .lora, .expertDType, .activation, .experts, .mtpLayers, .mtpPolicy, .mtpStorage,
      .decoderLayers, .densePrefix, .hiddenSize, .intermediateSize, .expertParallelism,
    ]
    return first + ConfigAxis.allCases.filter { !first.contains($0) }
  }()

  /// The feasible assignment nearest to one, or nil if there is none; axes without a value get
  /// their simplest.
  func resolve(_ wanted: AxisAssignment) -> AxisAssignment? {
    guard conflict == nil else { return nil }
    return nearest(to: wanted) ?? searched(from: wanted)
  }

  /// Takes axis after axis; nil if an axis has no value left, which happens only where values are
  /// left out of others.
  private func nearest(to wanted: AxisAssignment) -> AxisAssignment? {
    var result = domains.fixed
    for axis in Self.order where !result.isAssigned(axis) {
      let value = wanted.isAssigned(axis) ? wanted[axis] : 0
      if isFeasible(value, of: axis, in: result) {
        result[axis] = value
      } else {
        let feasible = feasibleValues(of: axis, in: result)
        guard !feasible.isEmpty else { return nil }
        result[axis] = feasible[Int(value) % feasible.count]
      }
    }
    return result
  }

  /// Takes axis after axis, but no value that leaves a later axis without one, and turns back where
  /// that is seen too late.
  private func searched(from wanted: AxisAssignment) -> AxisAssignment? {
    let axes = Self.order.filter { !domains.fixed.isAssigned($0) }
    // Looking ahead makes turning back rare; the bound is for spaces that nobody thought of.
    var steps = 10_000
    func extended(_ start: AxisAssignment, _ position: Int) -> AxisAssignment? {
      guard position < axes.count else { return start }
      let axis = axes[position]
      let values = feasibleValues(of: axis, in: start)
      guard !values.isEmpty else { return nil }
      let value = wanted.isAssigned(axis) ? wanted[axis] : 0
      let first = values.firstIndex(of: value) ?? Int(value) % values.count
      for offset in values.indices where steps > 0 {
        steps -= 1
        var result = start
        result[axis] = values[(first + offset) % values.count]
        let isOpen = axes[(position + 1)...].allSatisfy {
          !feasibleValues(of: $0, in: result).isEmpty
        }
        if isOpen, let found = extended(result, position + 1) { return found }
      }
      return nil
    }
    return extended(domains.fixed, 0)
  }

  /// The values of an axis that go with those assigned.
  private func feasibleValues(of axis: ConfigAxis, in assignment: AxisAssignment) -> [UInt8] {
    (0..<UInt8(axis.valueCount)).filter { isFeasible($0, of: axis, in: assignment) }
  }

  /// Whether a value of an axis goes with those assigned to others.
  private func isFeasible(
    _ value: UInt8, of axis: ConfigAxis, in assignment: AxisAssignment
  ) -> Bool {
    var assignment = assignment
    assignment[axis] = value
    return domains.contains(value, axis) && feasibility.permits(axis, in: assignment)
  }

  /// The sets of axes, as bits, outside of which values of different axes do not depend on each other:
  /// those of a rule, and those that leave an axis with few values one of them.
  var scopes: [UInt32] {
    let own = feasibility.scopes
    return own
      + narrowed.map { axis in
        own.filter { $0 >> UInt32(axis.rawValue) & 1 == 1 }.reduce(0) { $0 | $1 }
      }
  }

  /// Whether values of up to three axes go together.
  func permits(_ values: [(axis: Int, value: Int)]) -> Bool {
    var assignment = domains.fixed
    for (axis, value) in values {
      let axis = ConfigAxis.allCases[axis]
      guard domains.contains(UInt8(value), axis) else { return false }
      assignment[axis] = UInt8(value)
    }
    // An axis with values left out must have one that goes with those assigned.
    return values.allSatisfy { feasibility.permits(ConfigAxis.allCases[$0.axis], in: assignment) }
      && narrowed.allSatisfy { axis in
        assignment.isAssigned(axis)
          || (0..<UInt8(axis.valueCount)).contains { isFeasible($0, of: axis, in: assignment) }
      }
  }
}
