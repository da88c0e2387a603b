// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// Recognizes contents that landed under another class of tensors.
enum KindClassifier {
  private struct Move: Hashable {
    let to: TensorKind
    let from: TensorKind
    let layer: Int?
  }

  static func classify(_ relation: Relation, _ context: DiagnosisContext) -> [Observation] {
    var result: [Observation] = []
    let moved = relation.landings.compactMap { landing -> (landing: Landing, from: TensorKind)? in
      guard let source = landing.source else { return nil }
      let kind = relation.book.subjects[source].kind
      return kind == landing.kind ? nil : (landing, kind)
    }
    let moves = Set(moved.map { Move(to: $0.landing.kind, from: $0.from, layer: $0.landing.layer) })
    for (landing, from) in moved {
      let isExchange = moves.contains(Move(to: from, from: landing.kind, layer: landing.layer))
      if isExchange, HalvesClassifier.isGateAndUp(landing.kind, from, context.layout) {
        result.append(Observation(.halvesExchanged, landing))
      } else if isExchange {
        let pair = [landing.kind, from].sorted().map(\.word)
        result.append(Observation(.classesExchanged(pair[0], pair[1]), landing))
      } else {
        result.append(Observation(.classReplaced(by: from.word), landing))
      }
    }
    return result
  }
}
