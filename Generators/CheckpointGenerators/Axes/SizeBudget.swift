// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts

/// Keeps generated checkpoints small enough for thousands of them to be converted.
enum SizeBudget {
  /// The most tensors of experts: 192 experts with up and down projections, scales and factors.
  static let expertTensors = 1536
  /// The most elements of expert weights, which take four bytes at most.
  static let expertElements = 1 << 17

  static let reason = "more than \(expertTensors) tensors of experts"

  /// Whether the least that the assigned values ask for is within the budget.
  static func permits(_ assignment: AxisAssignment) -> Bool {
    let tensors = tensorsPerLayer(assignment)
    return tensors.each * leastExperts(assignment) + tensors.fused
      <= expertTensors / max(1, leastSparseLayers(assignment))
  }

  /// The least number of tensors in a layer for each of its experts, and beside that.
  static func tensorsPerLayer(_ assignment: AxisAssignment) -> (each: Int, fused: Int) {
    let isGated =
      assignment.isAssigned(.activation)
      && assignment[.activation] != ExpertActivation.relu2.axisValue
    let projections = isGated ? 3 : 2
    let isScaled = assignment[.expertDType] == ExpertTypeClass.scaled.axisValue
    let lora = LoRAClass?(unless: assignment, .lora)
    let extent = CheckpointScope?(unless: assignment, .extent)
    let mayLackWeights =
      extent == .loraOnly || extent == nil && lora != LoRAClass.none && !isScaled
    let weights = mayLackWeights ? 0 : isScaled ? 2 * projections : projections
    let isFused = lora == .paramWrapper || lora == .legacyParamWrapper
    return (weights + (lora == .perExpert ? 2 * projections : 0), isFused ? 4 : 0)
  }

  private static func leastExperts(_ assignment: AxisAssignment) -> Int {
    let value = Int(assignment[.experts])
    return value < AxisTable.expertRanges.count ? AxisTable.expertRanges[value].lowerBound : 1
  }

  /// The least number of sparse layers on disk.
  static func leastSparseLayers(_ assignment: AxisAssignment) -> Int {
    let value = Int(assignment[.decoderLayers])
    let layers = value < AxisTable.layerRanges.count ? AxisTable.layerRanges[value].lowerBound : 1
    let decoder =
      switch DensePrefix?(unless: assignment, .densePrefix) {
      case .nothing: layers
      case .one: max(1, layers - 1)
      case .several, .scattered: 1
      case .everything, nil: 0
      }
    return decoder + storedMTPLayers(assignment)
  }

  /// The number of multi-token prediction layers that must be on disk.
  static func storedMTPLayers(_ assignment: AxisAssignment) -> Int {
    let layers = Int(assignment[.mtpLayers])
    let mustBeStored =
      assignment[.mtpStorage] == MTPStorage.stored.axisValue
      || assignment.isAssigned(.mtpPolicy) && assignment[.mtpPolicy] != AxisValues.drop
    return layers < AxisTable.mtpRanges.count && mustBeStored ? layers : 0
  }
}

extension Optional where Wrapped: CaseIterable & Equatable, Wrapped.AllCases == [Wrapped] {
  /// The value of an axis, or nil where it has none.
  fileprivate init(unless assignment: AxisAssignment, _ axis: ConfigAxis) {
    let value = assignment[axis]
    self = Int(value) < axis.valueCount ? Wrapped.at(axisValue: value) : nil
  }
}
