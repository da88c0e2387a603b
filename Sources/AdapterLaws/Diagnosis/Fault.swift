// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import CheckpointGenerators
public import Tensors

extension Diagnosis {
  /// What an adapter does wrong, without where.
  public enum Fault: Sendable, Hashable {
    // Elements.
    case halvesExchanged
    /// The rows of gate and up alternate.
    case halvesInterleaved
    /// The rows of gate and up, one after the other, are shifted around the end.
    case halvesShifted(by: Int)
    case notTransposed(isSquare: Bool)
    /// A matrix that keeps its axes in native form is transposed.
    case transposed(isSquare: Bool)
    /// The memory keeps its order under the new shape.
    case reshapedInsteadOfTransposed
    case axesPermuted([Int])
    /// Rows, columns or elements stand in a wrong order.
    case axisOrder(Axis, NumberOrder)
    /// Elements are rearranged in another way; the text shows the first.
    case rearranged(example: String)
    case zeros(isPartly: Bool)
    /// A constant stands where elements belong.
    case constant(bits: UInt64)
    /// The elements are those of no tensor.
    case foreignElements(isPartly: Bool)
    // Experts, layers and classes of tensors.
    case expertOrder(NumberOrder)
    case expertOverwritten(Int, by: Int)
    case expertsMissing([Int])
    case expertsSurplus([Int])
    case rankRangeShifted(by: Int)
    /// A rank gets the experts of all.
    case rankIgnored
    /// A rank writes its experts under numbers that count from zero.
    case localExpertNumbers
    case layersMerged([Int], onto: Int)
    case layerOrder(NumberOrder)
    /// The contents of two classes of tensors are exchanged.
    case classesExchanged(String, String)
    /// A grouped tensor lacks a projection.
    case projectionMissing
    /// A class of tensors holds the contents of another.
    case classReplaced(by: String)
    // Keys.
    case notRenamed
    case renamedWrongly(to: String)
    case wrongPrefix(String, insteadOf: String)
    case notGrouped
    case notSplit
    case keysDropped
    case keysSurplus
    case mtpKept(Part)
    case mtpDropped(Part)
    /// The wrong answer, and to which keys.
    case mtpKeyMisjudged(isMTP: Bool, MTPKeyForm)
    case keyOrder(KeyArrangement)
    case keysRepeated
    // Exclusion.
    case exclusionIgnored
    case exclusionTestsNativeName
    case exclusionTestsBothNames
    case exclusionSearchesAnywhere
    case exclusionMatchesWholeKey
    /// Keys are left out that the pattern does not match, and no others.
    case exclusionInverted
    /// Keys are kept that the pattern matches.
    case exclusionKeeps
    /// Keys are removed that the pattern does not match.
    case exclusionRemoves
    // Types and shapes.
    case cast(from: DType, to: DType)
    case notCast(to: DType)
    case wrongShape(expected: String, found: String)
    // Behaviour.
    case refused(String)
    case notRepeatable
    /// An adapter that was used gives something else than a new one.
    case dependsOnEarlierCalls
    /// Tensors saved one at a time come out otherwise when they go in in another order.
    case dependsOnOrder
    case inputChanged
    // Values.
    case value(ValueFault)
    /// No answer came.
    case misbehaved(Misbehaviour.Kind)
    case unexplained(String)
  }

  /// What a row-major matrix or vector counts along an axis.
  public enum Axis: String, Sendable, Hashable {
    case rows
    case columns
    case elements
  }

  /// Which of several layers are concerned.
  public enum Part: String, Sendable, Hashable {
    case first
    case last
    case some
    case all
  }

  /// In what wrong order keys come out.
  public enum KeyArrangement: Sendable, Hashable {
    case sorted
    case reversed
    case schema
    /// Grouped tensors stand where the first of their experts stood.
    case groupsAtFirstMember
    case groupsBehindAll
    case groupsBeforeAll
    /// Another order; the first key that is not in its place.
    case other(first: TensorName)
  }

  /// What happens to elements because of their value.
  public enum ValueFault: Sendable, Hashable {
    case negativeZeroLost
    case nanPayloadLost
    case nanSignLost
    case nanPayloadAndSignLost
    case nanQuieted
    case nanReplaced
    case subnormalsFlushed
    case infinitiesSaturated
    case roundedTowardZero
    case roundedHalfAwayFromZero
    case roundedHalfUp
    case castThrough(DType)
    case clipped(toBits: UInt64)
    case bitFlipped(Int)
    /// A number was added, such as the 1 of norms that are stored as the difference from it.
    case added(Int)
    case scaled(by: Double)
    case bytesSwapped
    case changed(example: String)
  }
}
