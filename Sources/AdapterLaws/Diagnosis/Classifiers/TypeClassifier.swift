// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Tensors

/// Recognizes wrong element types and shapes.
enum TypeClassifier {
  static func classify(_ relation: Relation, _ context: DiagnosisContext) -> [Observation] {
    (relation.matched + relation.renamed).flatMap { alignment -> [Observation] in
      let parts = parts(alignment, relation.book)
      var faults: [Diagnosis.Fault] = []
      if let fault = cast(alignment, parts, relation) { faults.append(fault) }
      let found = Set(
        relation.book.tensors(of: alignment.found.origins).map { relation.book.subjects[$0].kind })
      let lacking = parts.filter { !found.contains(relation.book.subjects[$0].kind) }
      if !lacking.isEmpty, lacking.count < parts.count, alignment.fit == .different {
        return lacking.map {
          Observation(.projectionMissing, relation.book.schema[$0].name, context.layout).ofClass
        }
      }
      if alignment.fit == .reshaped || alignment.fit == .different {
        faults.append(
          .wrongShape(
            expected: alignment.expected.shape.description,
            found: alignment.found.shape.description))
      }
      return faults.flatMap { fault in
        parts.map { part in
          var observation = Observation(fault, relation.book.schema[part].name, context.layout)
          observation.tensor = alignment.expected.name
          observation.expert = relation.step.isFromHF ? nil : observation.expert
          return observation
        }
      }
    }
  }

  /// The tensors on disk that make up an output.
  private static func parts(_ alignment: Alignment, _ book: AddressBook) -> [Int] {
    book.tensors(of: alignment.expected.origins).sorted()
  }

  private static func cast(
    _ alignment: Alignment, _ parts: [Int], _ relation: Relation
  ) -> Diagnosis.Fault? {
    let (expected, found) = (alignment.expected.dtype, alignment.found.dtype)
    guard expected != found else { return nil }
    let stays = parts.first.map { relation.book.schema[$0].dtype }
    if relation.step.isFromHF, let stays, found == stays { return .notCast(to: expected) }
    return .cast(from: relation.step.isFromHF ? stays ?? expected : expected, to: found)
  }
}
