// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import CheckpointGenerators
import Layouts
import Tensors

/// Recognizes what happened to a checkpoint from what differs between it and another.
struct DiffClassifier {
  typealias Unit = UnitPairing.Unit

  let config: ModelConfig
  let comparison: UnitComparison
  let examined: [UnitComparison.Examined]
  /// Where moved elements come from.
  let origins: [Unit: Unit]

  private var pairing: UnitPairing { comparison.pairing }

  /// A place of the second checkpoint with the elements of another of the first.
  private struct Move {
    let place: TensorSubject
    let content: TensorSubject
    let name: TensorName
  }

  private var parallelism: ExpertParallelism? { pairing.parallelism }
  /// The experts that are compared.
  private var own: Range<Int> {
    parallelism?.experts(of: config.expertCount) ?? 0..<config.expertCount
  }

  /// What happened at each place.
  func candidates() -> [CauseCandidate] { moves() + keys() + changes() }

  /// What the first checkpoint has, by which places are put into words.
  func places() -> DiagnosisPlaces {
    let infos = comparison.first.view.infos
    let units = pairing.subjects.sorted {
      ($0.key.position, $0.key.slot ?? 0) < ($1.key.position, $1.key.slot ?? 0)
    }
    return DiagnosisPlaces(
      config, units.map(\.value), units.map { infos[$0.key.position].dtype })
  }

  /// Elements that moved to another tensor, expert or layer.
  private func moves() -> [CauseCandidate] {
    let moves = examined.compactMap { one -> Move? in
      let pair = pairing.common[one.unit]
      guard let origin = origins[pair.second], let place = pairing.subjects[pair.first],
        let content = pairing.subjects[origin]
      else { return nil }
      return Move(place: place, content: content, name: one.difference.name)
    }
    let isOfExperts = { (move: Move) in
      move.place.kind == move.content.kind && move.place.layer == move.content.layer
        && move.place.expert != nil && move.content.expert != nil
    }
    let isOfLayers = { (move: Move) in
      move.place.kind == move.content.kind && move.place.expert == move.content.expert
        && move.place.layer != nil && move.content.layer != nil
    }
    let others = moves.filter { !isOfExperts($0) && !isOfLayers($0) }
    return experts(moves.filter(isOfExperts)) + layers(moves.filter(isOfLayers)) + classes(others)
  }

  private func experts(_ moves: [Move]) -> [CauseCandidate] {
    struct Key: Hashable {
      let kind: TensorKind
      let layer: Int?
    }
    let groups = Dictionary(grouping: moves) { Key(kind: $0.place.kind, layer: $0.place.layer) }
    // What differs and came from nowhere holds no expert's elements.
    let lost = Set(
      examined.filter { origins[pairing.common[$0.unit].second] == nil }
        .compactMap { pairing.subjects[pairing.common[$0.unit].first] })
    var result: [CauseCandidate] = []
    for (key, moves) in groups.sorted(by: {
      ($0.key.kind, $0.key.layer ?? -1) < ($1.key.kind, $1.key.layer ?? -1)
    }) {
      let contents = Dictionary(
        moves.map { ($0.place.expert ?? 0, $0.content.expert ?? 0) },
        uniquingKeysWith: { one, _ in one })
      let isWhole = !lost.contains { $0.kind == key.kind && $0.layer == key.layer }
      if isWhole,
        let order = NumberOrder(places: Array(own), contents: own.map { contents[$0] ?? $0 })
      {
        result.append(
          CauseCandidate(
            .expertOrder(order), kind: key.kind, layer: key.layer, tensor: moves[0].name))
        continue
      }
      for (place, content) in contents.sorted(by: { $0.key < $1.key }) {
        result.append(
          CauseCandidate(
            .expertOverwritten(place, by: content), kind: key.kind, layer: key.layer,
            tensor: moves[0].name))
      }
    }
    return result
  }

  /// Layers that moved to the places of others, whole or in part.
  private func layers(_ moves: [Move]) -> [CauseCandidate] {
    let byLayer = Dictionary(grouping: moves) { $0.place.layer ?? 0 }
    let sources = byLayer.mapValues { Set($0.compactMap(\.content.layer)).sorted() }
    let sizes = Dictionary(grouping: pairing.subjects.values) { $0.layer ?? -1 }.mapValues(\.count)
    let areWhole = byLayer.allSatisfy { layer, moves in
      sources[layer]?.count == 1 && 2 * moves.count > sizes[layer] ?? 0
    }
    guard areWhole else { return moves.map(rearranged) }
    let places = Array(0..<config.storedLayerCount)
    if let order = NumberOrder(places: places, contents: places.map { sources[$0]?[0] ?? $0 }) {
      return [CauseCandidate(.layerOrder(order))]
    }
    return sources.sorted { $0.key < $1.key }.map { CauseCandidate(.layersMerged($1, onto: $0)) }
  }

  private func rearranged(_ move: Move) -> CauseCandidate {
    CauseCandidate(
      .rearranged(example: "the place of \(move.place.text) holds \(move.content.text)"), move.name,
      config.layout)
  }

  private func classes(_ moves: [Move]) -> [CauseCandidate] {
    struct Pair: Hashable {
      let place, content: TensorSubject
    }
    let pairs = Set(moves.map { Pair(place: $0.place, content: $0.content) })
    return moves.map { move in
      let (to, from) = (move.place, move.content)
      let isNear = to.layer == from.layer && to.expert == from.expert
      guard isNear else { return rearranged(move) }
      let fault: Diagnosis.Fault
      if !pairs.contains(Pair(place: from, content: to)) {
        fault = .classReplaced(by: from.word)
      } else if to.kind.isOtherHalf(of: from.kind, config.layout) {
        fault = .halvesExchanged
      } else {
        let words = [to.kind, from.kind].sorted().map(\.word)
        fault = .classesExchanged(words[0], words[1])
      }
      return CauseCandidate(
        fault, kind: to.kind, layer: to.layer, expert: to.expert, tensor: move.name)
    }
  }

  /// Names that are missing, surplus, or others than they were.
  private func keys() -> [CauseCandidate] {
    let (infos, found) = (comparison.first.view.infos, comparison.second.view.infos)
    var (result, missing) = ([CauseCandidate](), pairing.missing)
    var surplus = pairing.surplus
    for unit in pairing.surplusUnits {
      guard let origin = origins[unit], missing.contains(origin.position) else { continue }
      let (old, new) = (infos[origin.position].name, found[unit.position].name)
      let (one, other) = (TensorSubject(old, config.layout), TensorSubject(new, config.layout))
      let fault: Diagnosis.Fault =
        one == other
        ? .wrongPrefix(
          LenientKey(new, config.layout).prefix, insteadOf: LenientKey(old, config.layout).prefix)
        : .renamedWrongly(
          to: one.kind == other.kind || other.layer == nil ? new.text : other.kind.text)
      result.append(CauseCandidate(fault, old, config.layout).ofClass)
      missing.removeAll { $0 == origin.position }
      surplus.removeAll { $0 == unit.position }
    }
    return result + experts(missing: missing)
      + surplus.map { CauseCandidate(.keysSurplus, found[$0].name, config.layout) }
  }

  /// Missing tensors, those of whole experts together.
  private func experts(missing: [Int]) -> [CauseCandidate] {
    struct Key: Hashable {
      let layer: Int
      let expert: Int
    }
    let infos = comparison.first.view.infos
    let subjects = infos.map { TensorSubject($0.name, config.layout) }
    func key(_ position: Int) -> Key? {
      guard let layer = subjects[position].layer, let expert = subjects[position].expert else {
        return nil
      }
      return Key(layer: layer, expert: expert)
    }
    let all = Dictionary(grouping: infos.indices.filter { key($0) != nil }) { key($0) }
    let gone = Dictionary(grouping: missing.filter { key($0) != nil }) { key($0) }
    var whole: [Int: [Int]] = [:]
    for case (let key?, let positions) in gone where positions.count == all[key]?.count {
      whole[key.layer, default: []].append(key.expert)
    }
    // Where no expert of a layer is there, its tensors are lost.
    whole = whole.filter { $0.value.count < own.count }
    let drafts = whole.sorted { $0.key < $1.key }.map { layer, experts in
      var draft = CauseCandidate(.expertsMissing(experts.sorted()), layer: layer)
      draft.kinds = subjects.filter { $0.layer == layer && $0.expert != nil }.map(\.kind).unique
      return draft
    }
    let rest = missing.filter { position in
      key(position).map { whole[$0.layer]?.contains($0.expert) != true } ?? true
    }
    return drafts + rest.map { CauseCandidate(.keysDropped, infos[$0].name, config.layout) }
  }

  /// Types, shapes and values.
  private func changes() -> [CauseCandidate] {
    examined.filter { origins[pairing.common[$0.unit].second] == nil }.flatMap {
      one -> [CauseCandidate] in
      let difference = one.difference
      func draft(_ fault: Diagnosis.Fault) -> CauseCandidate {
        var draft = CauseCandidate(fault, difference.name, config.layout)
        if let subject = pairing.subjects[pairing.common[one.unit].first] {
          (draft.kinds, draft.experts) = ([subject.kind], subject.expert.map { [$0] } ?? [])
        }
        return draft
      }
      if let arrangement = one.arrangement { return [draft(arrangement)] }
      switch difference.kind {
      case .shape:
        return [
          draft(
            .wrongShape(
              expected: "\(difference.expected.shape)", found: "\(difference.found.shape)"))
        ]
      case .dtype:
        let cast = draft(.cast(from: difference.expected.dtype, to: difference.found.dtype))
        return [cast] + (difference.count > 0 ? values(one).map(draft) : [])
      case .zeroed:
        return [draft(.zeros(isPartly: difference.count < difference.expected.shape.elementCount))]
      case .elements: return values(one).map(draft)
      }
    }
  }

  private func values(_ one: UnitComparison.Examined) -> [Diagnosis.Fault] {
    guard let scan = one.scan, !scan.changes.isEmpty else { return [] }
    let changes = scan.changes.map { change in
      ValueChange(
        dtype: scan.dtype, expected: change.expected, found: change.found, source: nil,
        place: one.difference.title)
    }
    return ValueClassifier.faults(changes, samples: []).map { fault in
      if case .changed = fault {
        return .value(.changed(example: "\(one.difference.title): \(one.difference.summary)"))
      }
      return .value(fault)
    }
  }
}
