// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts

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

extension SpecDetails {
  /// The simplest details that make a checkpoint, given the values of its axes; nil if none do.
  ///
  /// - Complexity: O(256) configs for each axis with details.
  init?(of spec: CheckpointSpec) {
    self.init()
    let values = AxisValues(spec).assignment
    // Counts that no axis lists are not drawn.
    guard AxisValues(spec)[.experts] != nil, takeNumbers(of: spec) else { return nil }
    // Each is sought after those that it depends on.
    let config: [(ConfigAxis, (ModelConfig) -> [Int])] = [
      (.experts, { [$0.expertCount] }), (.decoderLayers, { [$0.hiddenLayerCount] }),
      (.densePrefix, { $0.layerKinds.map { $0 == .dense ? 0 : 1 } }),
      (.hiddenSize, { [$0.hiddenSize] }), (.intermediateSize, { [$0.moeIntermediateSize] }),
      (.heads, { [$0.attentionHeadCount, $0.keyValueHeadCount, $0.headSize] }),
    ]
    for (axis, numbers) in config {
      let wanted = numbers(spec.config)
      let isFound = find(axis) { details in
        let builder = ConfigBuilder(layout: spec.config.layout, values: values, details: details)
        return builder.config().map { numbers($0) == wanted } ?? false
      }
      // A space with a config of its own does not draw one.
      if !isFound { self[axis] = 0 }
    }
    func seek(_ axis: ConfigAxis, _ part: (CheckpointSpec) -> some Equatable) -> Bool {
      find(axis) { details in
        part(SpecBuilder(values: values, details: details, config: spec.config).spec())
          == part(spec)
      }
    }
    if case .shuffled(let number) = spec.keyOrder {
      self[.keyOrder] = Int(truncatingIfNeeded: number)
    } else if !seek(.keyOrder, \.keyOrder) {
      return nil
    }
    guard seek(.expertParallelism, { $0.parallelism?.size }), seek(.rankPosition, \.parallelism),
      seek(.loraRank, \.lora), seek(.exclusion, \.exclusion), seek(.contents, \.contents)
    else { return nil }
  }

  /// Finds the least detail of an axis that does.
  private mutating func find(_ axis: ConfigAxis, _ isRight: (SpecDetails) -> Bool) -> Bool {
    var attempt = self
    for detail in 0..<256 {
      attempt[axis] = detail
      if isRight(attempt) {
        self = attempt
        return true
      }
    }
    return false
  }

  /// Takes what is a number in the checkpoint, too; whether all are such as are drawn.
  private mutating func takeNumbers(of spec: CheckpointSpec) -> Bool {
    let (config, layout) = (spec.config, spec.config.layout)
    vocabulary = config.vocabularySize - 1
    denseIntermediateSize = config.denseIntermediateSize - 1
    ownSizes = layout.ownSizes.map { config.sizes[$0] - layout.sizes[$0].least }
    ownFlags = layout.ownFlags.map { config.flags[$0] != layout.flags[$0].fallback }
    variantLayers = config.variant.layers.reduce(0) { $0 | 1 << ($1 % 8) }
    variantSizes = layout.sizes.indices.filter { layout.sizes[$0].variant != nil }.map {
      (config.variant.sizes[$0] ?? layout.sizes[$0].least) - layout.sizes[$0].least
    }
    variation = spec.variation
    contentsSeed = spec.contents.seed
    faults = spec.faults
    return ([vocabulary, denseIntermediateSize] + ownSizes + variantSizes).allSatisfy { $0 >= 0 }
      && faults.allSatisfy { $0.kind >= 0 }
  }
}
