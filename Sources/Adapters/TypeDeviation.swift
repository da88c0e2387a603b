// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Layouts
public import Tensors

/// Tensors on disk of another element type than the layout gives them, all the same two types.
public struct TypeDeviation: Sendable, Hashable {
  /// The type by the table, or by the config where the table names none.
  public let expected: DType
  /// The type of the tensors.
  public let found: DType
  /// The tensors, in their order.
  public fileprivate(set) var names: [TensorName] = []

  /// Whether the values can be used: both are floating-point types.
  public var isUsable: Bool { expected.isFloatingPoint && found.isFloatingPoint }
}

extension AdapterPlanner {
  /// The tensors whose types are not the layout's, by types in the order in which they turn up; a quantized
  /// weight has the type of its format, as a scale beside it shows.
  ///
  /// - Complexity: O(tensors).
  public func typeDeviations(_ sources: [TensorInfo]) -> [TypeDeviation] {
    let index = SourceIndex(sources, catalog)
    var result: [TypeDeviation] = []
    for (info, number) in zip(sources, index.numbers) {
      guard let number, number < catalog.schema.count else { continue }
      let expected = catalog.schema[number].dtype
      guard info.dtype != expected, !isQuantized(info.name, index) else { continue }
      let known = result.firstIndex { ($0.expected, $0.found) == (expected, info.dtype) }
      if known == nil { result.append(TypeDeviation(expected: expected, found: info.dtype)) }
      result[known ?? result.count - 1].names.append(info.name)
    }
    return result
  }

  private func isQuantized(_ name: TensorName, _ index: SourceIndex) -> Bool {
    guard name.text.hasSuffix("weight") else { return false }
    let module = name.text.dropLast("weight".utf8.count)
    return layout.companions.contains { index[TensorName(module + $0)] != nil }
  }
}
