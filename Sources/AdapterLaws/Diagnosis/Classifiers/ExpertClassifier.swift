// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import CheckpointGenerators
import Layouts
import Tensors

/// Recognizes experts that landed in the places of others, or nowhere.
enum ExpertClassifier {
  static func classify(_ relation: Relation, _ context: DiagnosisContext) -> [Observation] {
    var groups: [Group] = []
    for landing in relation.landings where landing.expert != nil {
      let position = groups.firstIndex {
        $0.layer == landing.layer && $0.kind == landing.kind
      }
      if let position {
        groups[position].landings.append(landing)
      } else {
        groups.append(Group(landing))
      }
    }
    return groups.flatMap { group in
      faults(group, relation, context).map { fault in
        var observation = Observation(fault)
        observation.kind = group.kind
        observation.layer = group.layer
        observation.tensor = group.landings.first?.output
        return observation
      }
    }
  }

  private struct Group {
    let layer: Int?
    let kind: TensorKind
    var landings: [Landing]

    init(_ landing: Landing) {
      layer = landing.layer
      kind = landing.kind
      landings = [landing]
    }
  }

  private static func faults(
    _ group: Group, _ relation: Relation, _ context: DiagnosisContext
  ) -> [Diagnosis.Fault] {
    let book = relation.book
    let landings = group.landings.sorted { ($0.expert ?? 0) < ($1.expert ?? 0) }
    let places = landings.compactMap(\.expert)
    let contents = landings.map { contentExpert($0, book) }
    let count = context.spec.config.expertCount
    // Ranks do not share out LoRA factors.
    let rank = group.kind.isOfRanks ? relation.step.parallelism : nil
    let range = LayoutOracle(context.spec).experts(of: rank)
    let own = Array(range)
    let known = contents.compactMap { $0 }
    let isWhole = !relation.step.isFromHF || known == own
    guard !known.isEmpty, contents != places || !isWhole else { return [] }
    if relation.step.isFromHF {
      if known.count == contents.count, let fault = rangeFault(known, own, count) { return [fault] }
    } else if range.lowerBound > 0,
      known == own, zip(places, known).allSatisfy({ $1 - $0 == own[0] })
    {
      return [.localExpertNumbers]
    }
    if known.count == places.count {
      if let fault = order(places, known, group, relation, context) { return [fault] }
    }
    return zip(places, contents).compactMap { place, content in
      guard let content, content != place else { return nil }
      return .expertOverwritten(place, by: content)
    }
  }

  /// The expert that all elements with an origin come from.
  private static func contentExpert(_ landing: Landing, _ book: AddressBook) -> Int? {
    let experts = Set(landing.sources.map { book.subjects[$0].expert })
    guard experts.count == 1, let expert = experts.first else { return nil }
    return expert
  }

  private static func order(
    _ places: [Int], _ contents: [Int], _ group: Group, _ relation: Relation,
    _ context: DiagnosisContext
  ) -> Diagnosis.Fault? {
    guard relation.step.isFromHF else {
      let inverse = NumberOrder.inverse(places: places, contents: contents) ?? contents
      return NumberOrder(places: places, contents: inverse).map { .expertOrder($0) }
    }
    let arrival =
      context.isRightInSchemaOrder
      ? Self.arrival(group, places, context.checkpoint) : nil
    return NumberOrder(places: places, contents: contents, arrival: arrival)
      .map { .expertOrder($0) }
  }

  /// The experts of a class of tensors in the order of their keys in the checkpoint.
  private static func arrival(_ group: Group, _ places: [Int], _ checkpoint: Checkpoint) -> [Int] {
    checkpoint.infos.compactMap { info in
      let subject = TensorSubject(info.name, checkpoint.spec.config.layout)
      guard subject.layer == group.layer, subject.kind == group.kind else { return nil }
      return subject.expert
    }.filter { places.contains($0) }
  }

  /// What is wrong where other experts stand in the slots than a rank owns.
  private static func rangeFault(_ found: [Int], _ own: [Int], _ count: Int) -> Diagnosis.Fault? {
    let missing = own.filter { !found.contains($0) }
    let surplus = found.filter { !own.contains($0) }
    if found.count > own.count, found.sorted() == Array(0..<count) { return .rankIgnored }
    if missing.isEmpty, surplus.isEmpty, found.count > own.count {
      return .expertsSurplus(found.filter { expert in found.count { $0 == expert } > 1 }.unique)
    }
    if !missing.isEmpty, !surplus.isEmpty, let first = found.first, let start = own.first,
      found == Array(first..<first + found.count)
    {
      return .rankRangeShifted(by: first - start)
    }
    guard found.count != own.count, !missing.isEmpty || !surplus.isEmpty else { return nil }
    return missing.isEmpty ? .expertsSurplus(surplus) : .expertsMissing(missing)
  }
}

extension Array where Element: Hashable {
  /// The elements without those that stood before.
  var unique: [Element] {
    var seen: Set<Element> = []
    return filter { seen.insert($0).inserted }
  }
}
