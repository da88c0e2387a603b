// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Tensors

/// Recognizes gate and up rows that are mixed.
enum HalvesClassifier {
  static func isGateAndUp(_ one: String, _ other: String) -> Bool {
    let gate = one.contains("gate_proj") ? one : other
    let up = one.contains("gate_proj") ? other : one
    return gate.hasPrefix("mlp.experts.*") || gate.hasPrefix("mlp.experts.")
      ? gate.contains("gate_proj")
        && up == gate.replacing("gate_proj", with: "up_proj")
      : false
  }

  static func classify(_ relation: Relation, _ context: DiagnosisContext) -> [Observation] {
    let mixed = relation.landings.filter { $0.sources.count == 2 && $0.expert != nil }
    return mixed.filter { $0.kind.contains("gate_proj") }.flatMap { gate -> [Observation] in
      guard
        let up = mixed.first(where: {
          $0.layer == gate.layer && $0.expert == gate.expert && isGateAndUp(gate.kind, $0.kind)
        }), let rows = jointRows(gate, up, relation.book),
        let fault = fault(rows)
      else { return [] }
      return [Observation(fault, gate), Observation(fault, up)]
    }
  }

  /// Whether a landing is explained here.
  static func explains(_ landing: Landing, _ observations: [Observation]) -> Bool {
    observations.contains {
      $0.tensor == landing.output && $0.expert == landing.expert && $0.kind == landing.kind
    }
  }

  private static func fault(_ rows: [Int]) -> Diagnosis.Fault? {
    let half = rows.count / 2
    let alternating = rows.indices.map { $0 % 2 * half + $0 / 2 }
    let parted = rows.indices.map { $0 < half ? 2 * $0 : 2 * ($0 - half) + 1 }
    if rows == alternating || rows == parted { return .halvesInterleaved }
    guard let shift = rows.first,
      rows.indices.allSatisfy({ rows[$0] == ($0 + shift) % rows.count })
    else { return nil }
    return .halvesShifted(by: 2 * shift > rows.count ? shift - rows.count : shift)
  }

  /// For each row of gate then up, the row of gate then up that it comes from; nil if columns are
  /// moved or rows come from several experts.
  private static func jointRows(_ gate: Landing, _ up: Landing, _ book: AddressBook) -> [Int]? {
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
