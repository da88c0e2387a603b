// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import CheckpointGenerators
import Layouts
import Tensors

/// Experts that landed in the places of others, or nowhere.
extension StepClassifier {
  private struct Group {
    let layer: Int?
    let kind: TensorKind
    var landings: [TracedTensor]
  }

  func experts() -> [CauseCandidate] {
    var groups: [Group] = []
    for landing in relation.landings where landing.expert != nil {
      if let position = groups.firstIndex(where: {
        $0.layer == landing.layer && $0.kind == landing.kind
      }) {
        groups[position].landings.append(landing)
      } else {
        groups.append(Group(layer: landing.layer, kind: landing.kind, landings: [landing]))
      }
    }
    return groups.flatMap { group in
      faults(group).map { fault in
        CauseCandidate(
          fault, kind: group.kind, layer: group.layer, tensor: group.landings.first?.output)
      }
    }
  }

  private func faults(_ group: Group) -> [Diagnosis.Fault] {
    let landings = group.landings.sorted { ($0.expert ?? 0) < ($1.expert ?? 0) }
    let places = landings.compactMap(\.expert)
    let contents = landings.map(contentExpert)
    // Ranks do not share out LoRA factors.
    let range = context.experts(of: group.kind.isOfRanks ? relation.step.parallelism : nil)
    let own = Array(range)
    let known = contents.compactMap { $0 }
    let isWhole = !isFromHF || known == own
    guard !known.isEmpty, contents != places || !isWhole else { return [] }
    if isFromHF {
      if known.count == contents.count, let fault = rangeFault(known, own) { return [fault] }
    } else if range.lowerBound > 0,
      known == own, zip(places, known).allSatisfy({ $1 - $0 == own[0] })
    {
      return [.localExpertNumbers]
    }
    if known.count == places.count, let order = order(places, known, group) {
      return [.expertOrder(order)]
    }
    return zip(places, contents).compactMap { place, content in
      guard let content, content != place else { return nil }
      return .expertOverwritten(place, by: content)
    }
  }

  /// The expert that all elements with an origin come from.
  private func contentExpert(_ landing: TracedTensor) -> Int? {
    let experts = Set(landing.sources.map { book.subjects[$0].expert })
    guard experts.count == 1, let expert = experts.first else { return nil }
    return expert
  }

  private func order(_ places: [Int], _ contents: [Int], _ group: Group) -> NumberOrder? {
    guard isFromHF else {
      let inverse = NumberOrder.inverse(places: places, contents: contents) ?? contents
      return NumberOrder(places: places, contents: inverse)
    }
    let arrival = context.isRightInSchemaOrder ? arrival(group, places) : nil
    return NumberOrder(places: places, contents: contents, arrival: arrival)
  }

  /// The experts of a class of tensors in the order of their keys in the checkpoint.
  private func arrival(_ group: Group, _ places: [Int]) -> [Int] {
    context.checkpoint.infos.compactMap { info in
      let subject = TensorSubject(info.name, layout)
      guard subject.layer == group.layer, subject.kind == group.kind else { return nil }
      return subject.expert
    }.filter { places.contains($0) }
  }

  /// What is wrong where other experts stand in the slots than a rank owns.
  private func rangeFault(_ found: [Int], _ own: [Int]) -> Diagnosis.Fault? {
    let missing = own.filter { !found.contains($0) }
    let surplus = found.filter { !own.contains($0) }
    let all = Array(0..<context.spec.config.expertCount)
    if found.count > own.count, found.sorted() == all,
      context.ranks.allSatisfy({ $0.found == all.count })
    {
      return .rankIgnored
    }
    if missing.isEmpty, surplus.isEmpty, found.count > own.count {
      return .expertsSurplus(found.filter { expert in found.count { $0 == expert } > 1 }.unique)
    }
    // Where other ranks have more experts than theirs, this one's follow from that.
    let isPushed = context.ranks.contains { $0.found > $0.own }
    if found.count == own.count, !isPushed, !missing.isEmpty, let first = found.first,
      let start = own.first, found == Array(first..<first + found.count)
    {
      return .rankRangeShifted(by: first - start)
    }
    if isPushed, !surplus.isEmpty { return .expertsSurplus(surplus) }
    guard found.count != own.count, !missing.isEmpty || !surplus.isEmpty else { return nil }
    return missing.isEmpty ? .expertsSurplus(surplus) : .expertsMissing(missing)
  }
}

extension Array where Element: Hashable {
  /// The elements without those that stood before.
  package var unique: [Element] {
    var seen: Set<Element> = []
    return filter { seen.insert($0).inserted }
  }
}
