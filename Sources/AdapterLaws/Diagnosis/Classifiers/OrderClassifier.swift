// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import CheckpointGenerators
import Tensors

/// Recognizes right keys in a wrong order.
enum OrderClassifier {
  static func classify(_ relation: Relation, _ context: DiagnosisContext) -> [Observation] {
    let expected = relation.expected.map(\.name)
    let found = relation.found.map(\.name)
    guard expected != found, relation.missing.isEmpty, relation.surplus.isEmpty,
      relation.renamed.isEmpty, expected.count == found.count
    else { return [] }
    return [Observation(.keyOrder(arrangement(expected, found, relation, context)))]
  }

  private static func arrangement(
    _ expected: [TensorName], _ found: [TensorName], _ relation: Relation,
    _ context: DiagnosisContext
  ) -> Diagnosis.KeyArrangement {
    let isGroup = { (name: TensorName) in
      let subject = TensorSubject(name, context.layout)
      return subject.isOfExperts && subject.expert == nil
    }
    let groups = expected.filter(isGroup)
    let others = expected.filter { !isGroup($0) }
    if relation.step.isFromHF, !groups.isEmpty, !others.isEmpty {
      if found == others + groups { return .groupsBehindAll }
      if found == groups + others { return .groupsBeforeAll }
      if found == byFirstMember(relation, context) { return .groupsAtFirstMember }
    }
    if found == expected.sorted() { return .sorted }
    if found == expected.reversed() { return .reversed }
    let schema = relation.expected.sorted {
      ($0.origins.first?.address ?? 0) < ($1.origins.first?.address ?? 0)
    }
    if found == schema.map(\.name) { return .schema }
    let first = zip(expected, found).first { $0 != $1 }
    return .other(first: first?.1 ?? "")
  }

  /// The expected keys in the order in which the first of their parts arrives.
  private static func byFirstMember(
    _ relation: Relation, _ context: DiagnosisContext
  ) -> [TensorName] {
    var arrival = [Int](repeating: 0, count: context.checkpoint.order.count)
    for (place, position) in context.checkpoint.order.enumerated() { arrival[position] = place }
    let places = relation.expected.map { output in
      // What the book has beside the checkpoint's tensors never arrives.
      relation.book.tensors(of: output.origins)
        .compactMap { arrival.indices.contains($0) ? arrival[$0] : nil }.min() ?? 0
    }
    return relation.expected.indices.sorted { (places[$0], $0) < (places[$1], $1) }
      .map { relation.expected[$0].name }
  }
}
