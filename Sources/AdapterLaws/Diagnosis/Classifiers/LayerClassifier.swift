// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// Recognizes layers whose contents landed on others.
enum LayerClassifier {
  static func classify(_ relation: Relation, _ context: DiagnosisContext) -> [Observation] {
    var moved: [Int: Set<Int>] = [:]
    for landing in relation.landings {
      guard let layer = landing.layer, let source = landing.source,
        let from = relation.book.subjects[source].layer
      else { continue }
      moved[layer, default: []].insert(from)
    }
    let wrong = moved.filter { $0.value != [$0.key] }.keys.sorted()
    guard !wrong.isEmpty else { return [] }
    if let order = order(moved, relation) {
      return [Observation(.layerOrder(order))]
    }
    let absent = Set(
      relation.missing.compactMap { TensorSubject($0.name, relation.book.layout).layer })
    return wrong.compactMap { layer in
      let from = (moved[layer] ?? []).subtracting([layer])
      let merged = from.union(absent.filter { "\($0)".hasPrefix("\(layer)") && $0 != layer })
      guard !from.isEmpty else { return nil }
      return Observation(.layersMerged(merged.sorted(), onto: layer))
    }
  }

  /// The order of all layers, if each holds the contents of one.
  private static func order(_ moved: [Int: Set<Int>], _ relation: Relation) -> NumberOrder? {
    let layers = moved.keys.sorted()
    guard let first = layers.first, let last = layers.last, layers.count == last - first + 1
    else { return nil }
    let contents = layers.compactMap { layer in
      moved[layer].flatMap { $0.count == 1 ? $0.first : nil }
    }
    let isFromHF = relation.step.isFromHF
    let normal = isFromHF ? contents : NumberOrder.inverse(places: layers, contents: contents)
    guard let normal, normal.sorted() == layers else { return nil }
    return NumberOrder(places: layers, contents: normal)
  }
}
