// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import CheckpointGenerators
import Layouts
import Tensors

/// Recognizes what is wrong with one step of an adapter, each kind of fault by itself.
struct StepClassifier {
  let relation: TraceComparison
  /// What is known of the checkpoint beside the relation.
  let context: DiagnosisContext

  /// All that is wrong.
  func drafts() -> [CauseCandidate] {
    halves() + kinds() + experts() + layers() + arrangements() + keys() + types() + order()
  }

  var book: AddressBook { relation.book }
  var layout: Layout { book.layout }
  var isFromHF: Bool { relation.step.isFromHF }

  func subject(_ output: TracedMap.Output) -> TensorSubject { TensorSubject(output.name, layout) }

  func draft(_ fault: Diagnosis.Fault, _ name: TensorName) -> CauseCandidate {
    CauseCandidate(fault, name, layout)
  }
}

/// Contents that landed under another class of tensors.
extension StepClassifier {
  private struct Move: Hashable {
    let to: TensorKind
    let from: TensorKind
    let layer: Int?
  }

  private func kinds() -> [CauseCandidate] {
    let moved = relation.landings.compactMap {
      landing -> (landing: TracedTensor, from: TensorKind)? in
      guard let source = landing.source else { return nil }
      let kind = book.subjects[source].kind
      return kind == landing.kind ? nil : (landing, kind)
    }
    let moves = Set(moved.map { Move(to: $0.landing.kind, from: $0.from, layer: $0.landing.layer) })
    return moved.map { landing, from in
      let isExchange = moves.contains(Move(to: from, from: landing.kind, layer: landing.layer))
      guard isExchange else { return CauseCandidate(.classReplaced(by: from.word), landing) }
      if isGateAndUp(landing.kind, from) { return CauseCandidate(.halvesExchanged, landing) }
      let pair = [landing.kind, from].sorted().map(\.word)
      return CauseCandidate(.classesExchanged(pair[0], pair[1]), landing)
    }
  }
}

/// Layers whose contents landed on others.
extension StepClassifier {
  func layers() -> [CauseCandidate] {
    var moved: [Int: Set<Int>] = [:]
    for landing in relation.landings {
      guard let layer = landing.layer, let source = landing.source,
        let from = book.subjects[source].layer
      else { continue }
      moved[layer, default: []].insert(from)
    }
    let wrong = moved.filter { $0.value != [$0.key] }.keys.sorted()
    guard !wrong.isEmpty else { return [] }
    if let order = order(moved) { return [CauseCandidate(.layerOrder(order))] }
    let absent = Set(relation.missing.compactMap { subject($0).layer })
    return wrong.compactMap { layer in
      let from = (moved[layer] ?? []).subtracting([layer])
      let merged = from.union(absent.filter { "\($0)".hasPrefix("\(layer)") && $0 != layer })
      return from.isEmpty ? nil : CauseCandidate(.layersMerged(merged.sorted(), onto: layer))
    }
  }

  /// The order of all layers, if each holds the contents of one.
  private func order(_ moved: [Int: Set<Int>]) -> NumberOrder? {
    let layers = moved.keys.sorted()
    guard let first = layers.first, let last = layers.last, layers.count == last - first + 1
    else { return nil }
    let contents = layers.compactMap { layer in
      moved[layer].flatMap { $0.count == 1 ? $0.first : nil }
    }
    let normal = isFromHF ? contents : NumberOrder.inverse(places: layers, contents: contents)
    guard let normal, normal.sorted() == layers else { return nil }
    return NumberOrder(places: layers, contents: normal)
  }
}

/// Wrong element types and shapes.
extension StepClassifier {
  private func types() -> [CauseCandidate] {
    (relation.matched + relation.renamed).flatMap { alignment -> [CauseCandidate] in
      // The tensors on disk that make up the output.
      let parts = book.tensors(of: alignment.expected.origins).sorted()
      var faults = cast(alignment, parts).map { [$0] } ?? []
      let found = Set(book.tensors(of: alignment.found.origins).map { book.subjects[$0].kind })
      let lacking = parts.filter { !found.contains(book.subjects[$0].kind) }
      if !lacking.isEmpty, lacking.count < parts.count, alignment.fit == .different {
        return lacking.map { draft(.projectionMissing, book.schema[$0].name).ofClass }
      }
      if alignment.fit == .reshaped || alignment.fit == .different {
        faults.append(
          .wrongShape(
            expected: alignment.expected.shape.description,
            found: alignment.found.shape.description))
      }
      return faults.flatMap { fault in
        parts.map { part in
          var ofPart = draft(fault, book.schema[part].name)
          ofPart.tensors = [alignment.expected.name]
          return isFromHF ? ofPart.ofClass : ofPart
        }
      }
    }
  }

  private func cast(_ alignment: Alignment, _ parts: [Int]) -> Diagnosis.Fault? {
    let (expected, found) = (alignment.expected.dtype, alignment.found.dtype)
    guard expected != found else { return nil }
    let stays = parts.first.map { book.schema[$0].dtype }
    if isFromHF, let stays, found == stays { return .notCast(to: expected) }
    return .cast(from: isFromHF ? stays ?? expected : expected, to: found)
  }
}

/// Right keys in a wrong order.
extension StepClassifier {
  private func order() -> [CauseCandidate] {
    let expected = relation.expected.map(\.name)
    let found = relation.found.map(\.name)
    guard expected != found, relation.missing.isEmpty, relation.surplus.isEmpty,
      relation.renamed.isEmpty, expected.count == found.count
    else { return [] }
    return [CauseCandidate(.keyOrder(arrangement(expected, found)))]
  }

  private func arrangement(
    _ expected: [TensorName], _ found: [TensorName]
  ) -> Diagnosis.KeyArrangement {
    let isGroup = { (name: TensorName) in
      let subject = TensorSubject(name, layout)
      return subject.isOfExperts && subject.expert == nil
    }
    let groups = expected.filter(isGroup)
    let others = expected.filter { !isGroup($0) }
    if isFromHF, !groups.isEmpty, !others.isEmpty {
      if found == others + groups { return .groupsBehindAll }
      if found == groups + others { return .groupsBeforeAll }
      if found == byFirstMember { return .groupsAtFirstMember }
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
  private var byFirstMember: [TensorName] {
    var arrival = [Int](repeating: 0, count: context.checkpoint.order.count)
    for (place, position) in context.checkpoint.order.enumerated() { arrival[position] = place }
    let places = relation.expected.map { output in
      // What the book has beside the checkpoint's tensors never arrives.
      book.tensors(of: output.origins)
        .compactMap { arrival.indices.contains($0) ? arrival[$0] : nil }.min() ?? 0
    }
    return relation.expected.indices.sorted { (places[$0], $0) < (places[$1], $1) }
      .map { relation.expected[$0].name }
  }
}
