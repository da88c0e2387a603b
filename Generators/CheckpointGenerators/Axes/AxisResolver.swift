// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// Makes a feasible assignment of all axes out of any.
///
/// An infeasible value gives way to a feasible one of its axis, so that no draw is in vain.
struct AxisResolver: Sendable {
  let feasibility: AxisFeasibility
  private let domains: AxisDomains

  /// Why the values that are fixed do not go together, or nil if they do.
  let conflict: String?

  init(_ space: CheckpointSpace) {
    domains = AxisDomains(space)
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
      result[axis] = value
      if domains.contains(value, axis), feasibility.permits(axis, in: result) { continue }
      var feasible = SIMD32<UInt8>()
      var count = 0
      for other in 0..<UInt8(axis.valueCount) where domains.contains(other, axis) {
        result[axis] = other
        guard feasibility.permits(axis, in: result) else { continue }
        feasible[count] = other
        count += 1
      }
      guard count > 0 else { return nil }
      result[axis] = feasible[Int(value) % count]
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
    var assignment = assignment
    return (0..<UInt8(axis.valueCount)).filter { value in
      assignment[axis] = value
      return domains.contains(value, axis) && feasibility.permits(axis, in: assignment)
    }
  }
}
