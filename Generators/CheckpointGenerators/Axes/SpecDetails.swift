// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// What is drawn of a checkpoint beside the values of its axes: one number an axis, which chooses
/// among what the value leaves open, and the numbers without an axis.
struct SpecDetails: Sendable, Hashable {
  private var ofAxes = SIMD32<UInt16>()
  var vocabulary = 0
  var denseIntermediateSize = 0
  /// The values of the sizes that no axis decides, above their least, in the layout's order.
  var ownSizes: [Int] = []
  /// Whether the flags that no axis decides are not what they are in a config without them.
  var ownFlags: [Bool] = []
  /// The layers with sizes of their own, one bit a layer, and those sizes, above their least.
  var variantLayers = 0
  var variantSizes: [Int] = []
  var variation: UInt64 = 0
  var contentsSeed: UInt64 = 0
  var faults: [CheckpointFault] = []

  subscript(_ axis: ConfigAxis) -> Int {
    get { Int(ofAxes[Int(axis.rawValue)]) }
    set { ofAxes[Int(axis.rawValue)] = UInt16(truncatingIfNeeded: newValue) }
  }

  /// A number from a range, chosen by the detail of an axis; the simplest is the least.
  func number(_ range: ClosedRange<Int>, _ axis: ConfigAxis) -> Int {
    range.lowerBound + self[axis] % range.count
  }

  /// One of a list, chosen by the detail of an axis, or nil of an empty list.
  func element<Element>(of list: [Element], _ axis: ConfigAxis) -> Element? {
    list.isEmpty ? nil : list[self[axis] % list.count]
  }
}
