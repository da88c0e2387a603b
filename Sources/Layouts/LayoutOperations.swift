// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// What lies between disk and native form.
public enum LayoutOperation: String, Sendable, Hashable, CaseIterable {
  case renamed
  case groupedOverExperts = "grouped over experts"
  case groupedOnDisk = "grouped on disk"
  case transposed
  case halves
  case interleaved
  case predictionDropped = "MTP dropped"
  case predictionKept = "MTP kept"
  case movedLast = "moved last"
}

extension Layout {
  /// The operations that the native form needs, in the order of their list.
  public var operations: [LayoutOperation] {
    LayoutOperation.allCases.filter { needs($0) }
  }

  private func needs(_ operation: LayoutOperation) -> Bool {
    switch operation {
    case .renamed:
      tensors.contains { if case .renamed = $0.native { true } else { false } }
    case .groupedOverExperts: tensors.contains { $0.isOfExperts && $0.name.hasExpert }
    case .groupedOnDisk: tensors.contains { $0.isOfExperts && !$0.name.hasExpert }
    case .transposed: terms.contains { Self.isTransposed($0) }
    case .halves:
      groups.contains { group in
        let parts = group.parts.filter { !Self.isInterleaved(terms(of: $0)) }
        return parts.count > 1
      }
    case .interleaved: terms.contains { Self.isInterleaved($0) }
    case .predictionDropped: layers.prediction?.isDroppedOnLoad == true
    case .predictionKept: layers.prediction?.isDroppedOnLoad == false
    case .movedLast: movesRenamed
    }
  }

  private var terms: [[IndexTerm]] { tensors.indices.map { terms(of: $0) } }

  private func terms(of tensor: Int) -> [IndexTerm] {
    if case .part(_, let terms) = tensors[tensor].native { terms } else { [] }
  }

  private static func isTransposed(_ terms: [IndexTerm]) -> Bool {
    let axes = terms.compactMap(\.axis)
    return axes != axes.sorted()
  }

  private static func isInterleaved(_ terms: [IndexTerm]) -> Bool {
    terms.contains { $0.coefficient > 1 }
  }
}
