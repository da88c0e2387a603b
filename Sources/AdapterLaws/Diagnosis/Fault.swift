// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import CheckpointGenerators
public import Tensors

extension Diagnosis {
  /// What an adapter does wrong, without where.
  public enum Fault: Sendable, Hashable {
    // Elements.
    /// Gate is where up belongs.
    case halvesExchanged
    /// The rows of gate and up alternate.
    case halvesInterleaved
    /// The rows of gate and up, one after the other, are shifted around the end.
    case halvesShifted(by: Int)
    /// The last two axes are in the order of the other side.
    case notTransposed(isSquare: Bool)
    /// A matrix that keeps its axes in native form is transposed.
    case transposed(isSquare: Bool)
    /// The memory keeps its order under the new shape.
    case reshapedInsteadOfTransposed
    /// The axes are in another order: where each comes from.
    case axesPermuted([Int])
    /// Rows, columns or elements stand in a wrong order.
    case axisOrder(Axis, NumberOrder)
    /// Elements are rearranged in another way; the text shows the first.
    case rearranged(example: String)
    /// Elements are zero that should not be.
    case zeros(isPartly: Bool)
    /// A constant stands where elements belong.
    case constant(bits: UInt64)
    /// The elements are those of no tensor.
    case foreignElements(isPartly: Bool)
    // Experts, layers and classes of tensors.
    /// Experts are in another order.
    case expertOrder(NumberOrder)
    /// An expert has the elements of another.
    case expertOverwritten(Int, by: Int)
    /// Experts are left out.
    case expertsMissing([Int])
    /// There are experts that a rank or the config does not have.
    case expertsSurplus([Int])
    /// A rank has the experts of its range moved by so many.
    case rankRangeShifted(by: Int)
    /// A rank gets the experts of all.
    case rankIgnored
    /// A rank writes its experts under numbers that count from zero.
    case localExpertNumbers
    /// Layers are written onto one.
    case layersMerged([Int], onto: Int)
    /// Layers are in another order.
    case layerOrder(NumberOrder)
    /// The contents of two classes of tensors are exchanged.
    case classesExchanged(String, String)
    /// A grouped tensor lacks a projection.
    case projectionMissing
    /// A class of tensors holds the contents of another.
    case classReplaced(by: String)
    // Keys.
    /// Keys keep the name of the other side.
    case notRenamed
    /// Keys get a name that the layout does not have.
    case renamedWrongly(to: String)
    /// Keys begin with another prefix.
    case wrongPrefix(String, insteadOf: String)
    /// Experts stay in tensors of their own.
    case notGrouped
    /// Experts stay in one tensor.
    case notSplit
    /// Keys are left out.
    case keysDropped
    /// There are keys of no tensor.
    case keysSurplus
    /// Prediction layers are kept that should be dropped.
    case mtpKept(Part)
    /// Prediction layers are dropped that should be kept.
    case mtpDropped(Part)
    /// The wrong answer, and to which keys.
    case mtpKeyMisjudged(isMTP: Bool, MTPKeyForm)
    /// Keys are in another order.
    case keyOrder(KeyArrangement)
    /// Keys are given more than once.
    case keysRepeated
    // Exclusion.
    /// The pattern leaves out nothing.
    case exclusionIgnored
    /// The pattern is matched against native names.
    case exclusionTestsNativeName
    /// The pattern is matched against either name.
    case exclusionTestsBothNames
    /// The pattern need not match at the start of a name.
    case exclusionSearchesAnywhere
    /// The pattern must match a name to its end.
    case exclusionMatchesWholeKey
    /// Keys are left out that the pattern does not match, and no others.
    case exclusionInverted
    /// Keys are kept that the pattern matches.
    case exclusionKeeps
    /// Keys are removed that the pattern does not match.
    case exclusionRemoves
    // Types and shapes.
    /// Elements have another type than they should.
    case cast(from: DType, to: DType)
    /// Elements keep the type of the file.
    case notCast(to: DType)
    /// A tensor has another shape.
    case wrongShape(expected: String, found: String)
    // Behaviour.
    /// The adapter throws, and what.
    case refused(String)
    /// The same conversion gives another result when it is asked for again.
    case notRepeatable
    /// An adapter that was used gives something else than a new one.
    case dependsOnEarlierCalls
    /// Tensors saved one at a time come out otherwise when they go in in another order.
    case dependsOnOrder
    /// Tensors that were given are changed.
    case inputChanged
    // Values.
    /// Elements are in their places with other values.
    case value(ValueFault)
    /// No answer came.
    case misbehaved(Misbehaviour.Kind)
    /// None of the others fits; what is seen.
    case unexplained(String)
  }

  /// What a row-major matrix or vector counts along an axis.
  public enum Axis: String, Sendable, Hashable {
    /// The last axis but one.
    case rows
    /// The last axis.
    case columns
    /// The one axis of a vector.
    case elements
  }

  /// Which of several layers are concerned.
  public enum Part: String, Sendable, Hashable {
    /// The first of them.
    case first
    /// The last of them.
    case last
    /// Some of them.
    case some
    /// All of them.
    case all
  }

  /// In what wrong order keys come out.
  public enum KeyArrangement: Sendable, Hashable {
    /// By the bytes of their names.
    case sorted
    /// From the last to the first.
    case reversed
    /// As the layout lists them, whatever the order of the input.
    case schema
    /// Grouped tensors stand where the first of their experts stood.
    case groupsAtFirstMember
    /// Grouped experts after all other keys.
    case groupsBehindAll
    /// Grouped experts before all other keys.
    case groupsBeforeAll
    /// Another order; the first key that is not in its place.
    case other(first: TensorName)
  }

  /// What happens to elements because of their value.
  public enum ValueFault: Sendable, Hashable {
    /// -0 becomes 0.
    case negativeZeroLost
    /// The payloads of NaNs are lost.
    case nanPayloadLost
    /// The signs of NaNs are lost.
    case nanSignLost
    /// All NaNs become one.
    case nanPayloadAndSignLost
    /// Signalling NaNs become quiet ones.
    case nanQuieted
    /// NaNs become numbers.
    case nanReplaced
    /// Subnormal numbers become 0.
    case subnormalsFlushed
    /// Infinities become the largest numbers.
    case infinitiesSaturated
    /// A cast cuts off.
    case roundedTowardZero
    /// A cast rounds ties away from 0, not to even.
    case roundedHalfAwayFromZero
    /// A cast rounds ties up, not to even.
    case roundedHalfUp
    /// Elements were cast to a narrower type and back.
    case castThrough(DType)
    /// Elements are bounded by a value, given as its bits.
    case clipped(toBits: UInt64)
    /// One bit of the elements is inverted, counted from the least.
    case bitFlipped(Int)
    /// A number was added, such as the 1 of norms that are stored as the difference from it.
    case added(Int)
    /// Elements are multiplied.
    case scaled(by: Double)
    /// Elements are in the other byte order.
    case bytesSwapped
    /// None of the others fits; an element as an example.
    case changed(example: String)
  }
}
