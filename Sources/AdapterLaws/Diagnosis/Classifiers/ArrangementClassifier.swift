// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Tensors

/// How elements are rearranged within their tensor.
extension StepClassifier {
  func arrangements() -> [CauseCandidate] {
    let halves = halves()
    var result: [CauseCandidate] = []
    for alignment in relation.matched + relation.renamed {
      for landing in alignment.landings {
        let axes = axesFault(alignment, landing)
        if let axes { result.append(CauseCandidate(axes, landing)) }
        let isExplained = halves.contains {
          $0.isSame(as: CauseCandidate($0.fault, landing)) && $0.tensors == [landing.output]
        }
        guard !isExplained, let fault = arrangementFault(landing) else { continue }
        // Axes in another order that yet hold each element in its old place were reshaped.
        if axes != nil, fault == .reshapedInsteadOfTransposed { result.removeLast() }
        result.append(CauseCandidate(fault, landing))
      }
    }
    return result
  }

  private func axesFault(_ alignment: Alignment, _ landing: TracedTensor) -> Diagnosis.Fault? {
    guard case .permuted(let axes) = alignment.fit else { return nil }
    let isTranspose = axes == [1, 0] || axes == [0, 2, 1]
    return isTranspose ? transpose(landing, isSquare: false) : .axesPermuted(axes)
  }

  /// Some matrices change their axes in native form, all others keep them.
  private func transpose(_ landing: TracedTensor, isSquare: Bool) -> Diagnosis.Fault {
    landing.kind.changesAxes
      ? .notTransposed(isSquare: isSquare) : .transposed(isSquare: isSquare)
  }

  private func arrangementFault(_ landing: TracedTensor) -> Diagnosis.Fault? {
    guard !landing.origins.isEmpty else { return nil }
    if let fault = emptiness(landing) { return fault }
    guard let source = landing.source, let elements = landing.sourceElements(book) else {
      return landing.sources.isEmpty ? nil : example(landing)
    }
    let shape = book.schema[landing.target].shape
    guard elements != Array(elements.indices) else { return nil }
    guard book.schema[source].shape == shape else { return example(landing) }
    if shape.rank == 2, Self.isTransposed(elements, shape) {
      return shape[0] == shape[1]
        ? transpose(landing, isSquare: true) : .reshapedInsteadOfTransposed
    }
    return axisFault(elements, shape) ?? example(landing)
  }

  /// Places that hold no elements, in whole or in part.
  private func emptiness(_ landing: TracedTensor) -> Diagnosis.Fault? {
    let strange = landing.origins.filter { book.locate($0) == nil }
    guard let first = strange.first else { return nil }
    let isPartly = strange.count < landing.origins.count
    if strange.allSatisfy({ $0 == .zero }) { return .zeros(isPartly: isPartly) }
    if case .constant(let bits) = first, !isPartly, strange.allSatisfy({ $0 == first }) {
      return .constant(bits: bits)
    }
    return .foreignElements(isPartly: isPartly)
  }

  /// The first element that is not the one of its place.
  private func example(_ landing: TracedTensor) -> Diagnosis.Fault? {
    for (element, origin) in landing.origins.enumerated() {
      guard let found = book.locate(origin), found != (landing.target, element) else { continue }
      return .rearranged(
        example: "the place of \(book.text(landing.target, element)) holds "
          + book.text(found.tensor, found.element))
    }
    return nil
  }

  /// Whether elements stand as the rows of the transposed matrix would, one way or the other.
  private static func isTransposed(_ elements: [Int], _ shape: Shape) -> Bool {
    let (rows, columns) = (shape[0], shape[1])
    let there = elements.indices.map { $0 % columns * rows + $0 / columns }
    let back = elements.indices.map { $0 % rows * columns + $0 / rows }
    return elements == there || elements == back
  }

  private func axisFault(_ elements: [Int], _ shape: Shape) -> Diagnosis.Fault? {
    let columns = shape.rank == 2 ? shape[1] : 1
    guard shape.rank == 1 || shape.rank == 2, columns > 0 else { return nil }
    let rowMap = (0..<shape[0]).map { elements[$0 * columns] / columns }
    let columnMap = (0..<columns).map { elements[$0] % columns }
    guard
      elements.indices.allSatisfy({
        elements[$0] == rowMap[$0 / columns] * columns + columnMap[$0 % columns]
      })
    else { return nil }
    for (axis, map) in [
      (shape.rank == 1 ? Diagnosis.Axis.elements : .rows, rowMap), (.columns, columnMap),
    ] {
      let places = Array(map.indices)
      let normal = isFromHF ? map : NumberOrder.inverse(places: places, contents: map) ?? map
      if let order = NumberOrder(places: places, contents: normal) {
        return .axisOrder(axis, order)
      }
    }
    return nil
  }
}
