// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import CheckpointGenerators
import Layouts
import Tensors

/// Keys that are missing, surplus, or named otherwise than they should be.
extension StepClassifier {
  func keys() -> [CauseCandidate] {
    var missing = relation.missing
    var surplus = relation.surplus
    var result = relation.renamed.compactMap(renaming)
    result += ungrouped(&missing, &surplus)
    let kept = keptLayers
    let isOfDroppedLayer = { (output: TracedMap.Output) in
      subject(output).layer.map { !kept.contains($0) } ?? true
    }
    result += mtp(missing.filter(isOfDroppedLayer), surplus)
    let merged = mergedLayers
    missing.removeAll { subject($0).layer.map { merged.contains($0) } ?? false }
    missing.removeAll { isMTP($0) && !context.dropsMTP && isOfDroppedLayer($0) }
    surplus.removeAll { isMTP($0) && context.dropsMTP }
    result += isFromHF ? ownExperts(&missing) : missingExperts(&missing)
    result += missing.map { draft(.keysDropped, $0.name) }
    var seen: Set<TensorName> = []
    let repeated = relation.found.map(\.name).filter { !seen.insert($0).inserted }
    result += repeated.map { draft(.keysRepeated, $0) }
    result += surplus.filter { !repeated.contains($0.name) }
      .map { draft(.keysSurplus, $0.name) }
    return result
  }

  private func renaming(_ alignment: Alignment) -> CauseCandidate? {
    let (wanted, name) = (alignment.expected.name, alignment.found.name)
    let (want, found) = (subject(alignment.expected), subject(alignment.found))
    // Numbers of layers and experts are checked by other classifiers.
    if want.kind == found.kind, want.layer == found.layer, want.expert != found.expert {
      let own = context.experts(of: relation.step.parallelism)
      let isLocal = want.expert.flatMap { one in found.expert.map { one - $0 } } == own.lowerBound
      return draft(isLocal ? .localExpertNumbers : .renamedWrongly(to: name.text), wanted)
    }
    if want == found {
      return draft(.wrongPrefix(prefix(name), insteadOf: prefix(wanted)), wanted)
    }
    let isKept =
      isFromHF ? book.schema.contains { $0.name == name } : name == context.nativeNames[wanted]
    if isKept { return draft(.notRenamed, wanted) }
    return draft(
      .renamedWrongly(to: want.kind == found.kind ? name.text : found.kind.text), wanted)
  }

  /// What stands before the number of a layer.
  private func prefix(_ name: TensorName) -> String {
    let key = LenientKey(name, layout)
    return key.layerText == nil ? name.text : key.prefix
  }

  /// Experts that pass through ungrouped, or grouped tensors that pass through unsplit.
  private func ungrouped(
    _ missing: inout [TracedMap.Output], _ surplus: inout [TracedMap.Output]
  ) -> [CauseCandidate] {
    var result: [CauseCandidate] = []
    let wanted = missing.reduce(into: Set<Int>()) { $0.formUnion(book.tensors(of: $1.origins)) }
    for output in surplus where subject(output).isOfExperts {
      let sources = book.tensors(of: output.origins)
      guard !sources.isDisjoint(with: wanted) else { continue }
      result += sources.sorted().map { source in
        draft(isFromHF ? .notGrouped : .notSplit, book.schema[source].name).ofClass
      }
    }
    guard !result.isEmpty else { return [] }
    let explained = Set(result.flatMap(\.tensors))
    let isExplained = { (output: TracedMap.Output) in
      book.tensors(of: output.origins).contains { explained.contains(book.schema[$0].name) }
    }
    missing.removeAll(where: isExplained)
    surplus.removeAll(where: isExplained)
    return result
  }

  /// Layers that landed on others, so that their own keys cannot be there.
  private var mergedLayers: Set<Int> {
    layers().reduce(into: []) { result, draft in
      if case .layersMerged(let layers, _) = draft.fault { result.formUnion(layers) }
    }
  }

  /// The layers of which some keys came out, so that it is not the layer that is dropped.
  private var keptLayers: Set<Int> {
    let found = Set(relation.found.map(\.name))
    return Set(
      relation.expected.filter { found.contains($0.name) }.compactMap { subject($0).layer })
  }

  private func isMTP(_ output: TracedMap.Output) -> Bool {
    subject(output).layer.map { context.mtpLayers.contains($0) } ?? false
  }

  private func mtp(
    _ missing: [TracedMap.Output], _ surplus: [TracedMap.Output]
  ) -> [CauseCandidate] {
    let isDropping = context.dropsMTP
    let outputs = (isDropping ? surplus : missing).filter(isMTP)
    let layers = Set(outputs.compactMap { subject($0).layer })
    guard !layers.isEmpty else { return [] }
    let part = context.part(layers)
    return outputs.map { output in
      CauseCandidate(
        isDropping ? .mtpKept(part) : .mtpDropped(part), layer: subject(output).layer,
        tensor: output.name)
    }
  }

  /// Experts of which nothing comes out.
  private func missingExperts(_ missing: inout [TracedMap.Output]) -> [CauseCandidate] {
    var result: [CauseCandidate] = []
    let gone = missing.map(subject)
    let all = relation.expected.map(subject)
    for layer in context.sparseLayers {
      let experts = Set(gone.filter { $0.layer == layer }.compactMap(\.expert)).sorted()
      let whole = experts.filter { expert in
        gone.count { $0.layer == layer && $0.expert == expert }
          == all.count { $0.layer == layer && $0.expert == expert }
      }
      let there = Set(all.filter { $0.layer == layer }.compactMap(\.expert))
      guard !whole.isEmpty, whole.count < there.count else { continue }
      result.append(CauseCandidate(.expertsMissing(whole), layer: layer))
      missing.removeAll { output in
        let subject = subject(output)
        return subject.layer == layer && subject.expert.map { whole.contains($0) } ?? false
      }
    }
    return result
  }

  /// The experts of a rank where it loads none.
  private func ownExperts(_ missing: inout [TracedMap.Output]) -> [CauseCandidate] {
    guard let rank = relation.step.parallelism else { return [] }
    return context.sparseLayers.compactMap { layer in
      let isOfLayer = { (output: TracedMap.Output) in
        let subject = subject(output)
        return subject.kind.isOfRanks && subject.layer == layer
      }
      let wanted = relation.expected.filter(isOfLayer)
      guard !wanted.isEmpty, missing.filter(isOfLayer).count == wanted.count else { return nil }
      missing.removeAll(where: isOfLayer)
      return CauseCandidate(.expertsMissing(Array(context.experts(of: rank))), layer: layer)
    }
  }
}
