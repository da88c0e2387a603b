// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Layouts
import Tensors

/// Gate and up rows that are mixed.
extension StepClassifier {
  /// Whether two kinds are gate and up of one native tensor.
  func isGateAndUp(_ one: TensorKind, _ other: TensorKind) -> Bool {
    one.isOtherHalf(of: other, layout)
  }

  func halves() -> [CauseCandidate] {
    relation.landings.flatMap { landing -> [CauseCandidate] in
      switch landing.kind.tensor.flatMap({ layout.tensors[$0].part }) {
      case .gate:
        guard landing.sources.count == 2, landing.expert != nil, let up = partner(of: landing),
          let rows = jointRows(landing, up), let fault = Self.halvesFault(rows)
        else { return [] }
        return [CauseCandidate(fault, landing), CauseCandidate(fault, up)]
      case .gateAndUp:
        guard let places = lastIndices(landing),
          let fault = Self.exchange(places) ?? Self.halvesFault(places)
        else { return [] }
        return [CauseCandidate(fault, landing)]
      default: return []
      }
    }
  }

  /// The place of the up projection of the same expert.
  private func partner(of gate: TracedTensor) -> TracedTensor? {
    relation.landings.first {
      $0.sources.count == 2 && $0.layer == gate.layer && $0.expert == gate.expert
        && isGateAndUp(gate.kind, $0.kind)
    }
  }

  /// Gate and up that are one tensor on disk, exchanged as halves or as neighbors.
  private static func exchange(_ places: [Int]) -> Diagnosis.Fault? {
    let half = places.count / 2
    guard half > 0, places.count.isMultiple(of: 2) else { return nil }
    let areHalves = places.indices.allSatisfy { places[$0] == ($0 + half) % places.count }
    let areNeighbors = places.indices.allSatisfy { places[$0] == $0 ^ 1 }
    return areHalves || areNeighbors ? .halvesExchanged : nil
  }

  private static func halvesFault(_ rows: [Int]) -> Diagnosis.Fault? {
    let half = rows.count / 2
    let alternating = rows.indices.map { $0 % 2 * half + $0 / 2 }
    let parted = rows.indices.map { $0 < half ? 2 * $0 : 2 * ($0 - half) + 1 }
    let isInOrder = rows == Array(rows.indices)
    if !isInOrder, rows == alternating || rows == parted { return .halvesInterleaved }
    guard let shift = rows.first, shift != 0,
      rows.indices.allSatisfy({ rows[$0] == ($0 + shift) % rows.count })
    else { return nil }
    return .halvesShifted(by: 2 * shift > rows.count ? shift - rows.count : shift)
  }

  /// For each index along the last axis, the one that its elements come from; nil if they come from
  /// several or from elsewhere.
  private func lastIndices(_ landing: TracedTensor) -> [Int]? {
    let shape = book.schema[landing.target].shape
    guard landing.source == landing.target, let elements = landing.sourceElements(book),
      let width = shape.extents.last, width > 1
    else { return nil }
    let places = elements.prefix(width).map { $0 % width }
    let isColumnwise = elements.enumerated().allSatisfy { position, element in
      element / width == position / width && element % width == places[position % width]
    }
    return isColumnwise && places != Array(places.indices) ? places : nil
  }

  /// For each row of gate then up, the row of gate then up that it comes from; nil if columns are
  /// moved or rows come from several experts.
  private func jointRows(_ gate: TracedTensor, _ up: TracedTensor) -> [Int]? {
    let shape = book.schema[gate.target].shape
    guard shape.rank == 2, shape[1] > 0, book.schema[up.target].shape == shape else { return nil }
    var expert: Int?
    var rows: [Int] = []
    for (position, origin) in (gate.origins + up.origins).enumerated() {
      guard let (tensor, element) = book.locate(origin) else { return nil }
      let subject = book.subjects[tensor]
      guard subject.kind == gate.kind || subject.kind == up.kind, subject.layer == gate.layer,
        expert == nil || expert == subject.expert, element % shape[1] == position % shape[1]
      else { return nil }
      expert = subject.expert
      let row = element / shape[1] + (subject.kind == up.kind ? shape[0] : 0)
      if position % shape[1] == 0 { rows.append(row) }
      guard rows.last == row else { return nil }
    }
    return rows
  }
}

extension TensorKind {
  /// Whether the two are gate and up of one native tensor.
  func isOtherHalf(of other: TensorKind, _ layout: Layout) -> Bool {
    guard let first = tensor, let second = other.tensor, isFactor == other.isFactor,
      layout.groups.contains(where: { $0.parts.contains(first) && $0.parts.contains(second) })
    else { return false }
    let parts = [layout.tensors[first].part, layout.tensors[second].part]
    return parts == [.gate, .up] || parts == [.up, .gate]
  }
}
