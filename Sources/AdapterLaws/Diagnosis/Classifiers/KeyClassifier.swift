// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import CheckpointGenerators
import Layouts
import Tensors

/// Recognizes keys that are missing, surplus, or named otherwise than they should be.
enum KeyClassifier {
  static func classify(_ relation: Relation, _ context: DiagnosisContext) -> [Observation] {
    var missing = relation.missing
    var surplus = relation.surplus
    var result = relation.renamed.compactMap { renaming($0, relation, context) }
    result += ungrouped(&missing, &surplus, relation, context)
    let kept = keptLayers(relation, context)
    let isOfDroppedLayer = { (output: TracedMap.Output) in
      TensorSubject(output.name, context.layout).layer.map { !kept.contains($0) } ?? true
    }
    let whole = missing.filter(isOfDroppedLayer)
    result += mtp(whole, surplus, context)
    let merged = mergedLayers(relation, context)
    missing.removeAll {
      TensorSubject($0.name, context.layout).layer.map { merged.contains($0) } ?? false
    }
    missing.removeAll { output in
      isMTP(output.name, context) && !context.dropsMTP
        && isOfDroppedLayer(output)
    }
    surplus.removeAll { isMTP($0.name, context) && context.dropsMTP }
    result += experts(&missing, relation, context)
    result += missing.map { Observation(.keysDropped, $0.name, context.layout) }
    var seen: Set<TensorName> = []
    let repeated = relation.found.map(\.name).filter { !seen.insert($0).inserted }
    result += repeated.map { Observation(.keysRepeated, $0, context.layout) }
    result += surplus.filter { !repeated.contains($0.name) }
      .map { Observation(.keysSurplus, $0.name, context.layout) }
    return result
  }

  private static func renaming(
    _ alignment: Alignment, _ relation: Relation, _ context: DiagnosisContext
  ) -> Observation? {
    let (wanted, name) = (alignment.expected.name, alignment.found.name)
    let (want, found) = (TensorSubject(wanted, context.layout), TensorSubject(name, context.layout))
    // Numbers of layers and experts are judged by other classifiers.
    if want.kind == found.kind, want.layer == found.layer, want.expert != found.expert {
      return numbering(alignment, want, found, relation, context)
    }
    if want == found {
      return Observation(
        .wrongPrefix(prefix(name, context), insteadOf: prefix(wanted, context)), wanted,
        context.layout)
    }
    let kept =
      relation.step.isFromHF
      ? relation.book.schema.contains { $0.name == name }
      : name == context.nativeNames[wanted]
    if kept { return Observation(.notRenamed, wanted, context.layout) }
    var result = Observation(.renamedWrongly(to: found.kind.text), wanted, context.layout)
    if want.kind == found.kind {
      result = Observation(.renamedWrongly(to: name.text), wanted, context.layout)
    }
    return result
  }

  /// What stands before the number of a layer.
  private static func prefix(_ name: TensorName, _ context: DiagnosisContext) -> String {
    let key = LenientKey(name, context.layout)
    return key.layerText == nil ? name.text : key.prefix
  }

  private static func numbering(
    _ alignment: Alignment, _ want: TensorSubject, _ found: TensorSubject, _ relation: Relation,
    _ context: DiagnosisContext
  ) -> Observation {
    let own = LayoutOracle(context.spec).experts(of: relation.step.parallelism)
    if let one = want.expert, let other = found.expert, one - other == own.lowerBound {
      return Observation(.localExpertNumbers, alignment.expected.name, context.layout)
    }
    return Observation(
      .renamedWrongly(to: alignment.found.name.text), alignment.expected.name, context.layout)
  }

  /// Experts that pass through ungrouped, or grouped tensors that pass through unsplit.
  private static func ungrouped(
    _ missing: inout [TracedMap.Output], _ surplus: inout [TracedMap.Output],
    _ relation: Relation, _ context: DiagnosisContext
  ) -> [Observation] {
    var result: [Observation] = []
    let wanted = missing.reduce(into: Set<Int>()) { result, output in
      result.formUnion(relation.book.tensors(of: output.origins))
    }
    for output in surplus where TensorSubject(output.name, context.layout).isOfExperts {
      let sources = relation.book.tensors(of: output.origins)
      guard !sources.isDisjoint(with: wanted) else { continue }
      let fault: Diagnosis.Fault = relation.step.isFromHF ? .notGrouped : .notSplit
      result += sources.sorted().map { source in
        var observation = Observation(fault, relation.book.schema[source].name, context.layout)
        observation.expert = nil
        return observation
      }
    }
    guard !result.isEmpty else { return [] }
    let explained = Set(result.compactMap(\.tensor))
    let isExplained = { (output: TracedMap.Output) in
      let sources = relation.book.tensors(of: output.origins)
      return sources.contains { explained.contains(relation.book.schema[$0].name) }
    }
    missing.removeAll(where: isExplained)
    surplus.removeAll(where: isExplained)
    return result
  }

  /// Layers that landed on others, so that their own keys cannot be there.
  private static func mergedLayers(_ relation: Relation, _ context: DiagnosisContext) -> Set<Int> {
    LayerClassifier.classify(relation, context).reduce(into: []) { result, observation in
      if case .layersMerged(let layers, _) = observation.fault { result.formUnion(layers) }
    }
  }

  /// The layers of which some keys came out, so that it is not the layer that is dropped.
  private static func keptLayers(_ relation: Relation, _ context: DiagnosisContext) -> Set<Int> {
    let found = Set(relation.found.map(\.name))
    return Set(
      relation.expected.filter { found.contains($0.name) }
        .compactMap { TensorSubject($0.name, context.layout).layer })
  }

  private static func isMTP(_ name: TensorName, _ context: DiagnosisContext) -> Bool {
    TensorSubject(name, context.layout).layer.map { context.mtpLayers.contains($0) } ?? false
  }

  private static func mtp(
    _ missing: [TracedMap.Output], _ surplus: [TracedMap.Output], _ context: DiagnosisContext
  ) -> [Observation] {
    let isDropping = context.dropsMTP
    let names = (isDropping ? surplus : missing).map(\.name).filter { isMTP($0, context) }
    let layers = Set(names.compactMap { TensorSubject($0, context.layout).layer })
    guard !layers.isEmpty else { return [] }
    let part = context.part(layers)
    return names.map { name in
      var observation = Observation(
        isDropping ? .mtpKept(part) : .mtpDropped(part), name, context.layout)
      observation.kind = nil
      observation.expert = nil
      return observation
    }
  }

  /// Experts of which nothing comes out.
  private static func experts(
    _ missing: inout [TracedMap.Output], _ relation: Relation, _ context: DiagnosisContext
  ) -> [Observation] {
    guard !relation.step.isFromHF else { return ownExperts(&missing, relation, context) }
    var result: [Observation] = []
    let gone = missing.map { TensorSubject($0.name, context.layout) }
    let all = relation.expected.map { TensorSubject($0.name, context.layout) }
    for layer in context.sparseLayers {
      let experts = Set(gone.filter { $0.layer == layer }.compactMap(\.expert)).sorted()
      let whole = experts.filter { expert in
        gone.count { $0.layer == layer && $0.expert == expert }
          == all.count { $0.layer == layer && $0.expert == expert }
      }
      let there = Set(all.filter { $0.layer == layer }.compactMap(\.expert))
      guard !whole.isEmpty, whole.count < there.count else { continue }
      var observation = Observation(.expertsMissing(whole))
      observation.layer = layer
      result.append(observation)
      missing.removeAll { output in
        let subject = TensorSubject(output.name, context.layout)
        return subject.layer == layer && subject.expert.map { whole.contains($0) } ?? false
      }
    }
    return result
  }

  /// The experts of a rank where it loads none.
  private static func ownExperts(
    _ missing: inout [TracedMap.Output], _ relation: Relation, _ context: DiagnosisContext
  ) -> [Observation] {
    guard let rank = relation.step.parallelism else { return [] }
    let own = LayoutOracle(context.spec).experts(of: rank)
    return context.sparseLayers.compactMap { layer in
      let isOfLayer = { (output: TracedMap.Output) in
        isOfRanks(output.name, layer, context)
      }
      let wanted = relation.expected.filter(isOfLayer)
      guard !wanted.isEmpty, missing.filter(isOfLayer).count == wanted.count else { return nil }
      missing.removeAll(where: isOfLayer)
      var observation = Observation(.expertsMissing(Array(own)))
      observation.layer = layer
      return observation
    }
  }

  /// Whether a native key is of the experts of a layer that ranks share out.
  private static func isOfRanks(
    _ name: TensorName, _ layer: Int, _ context: DiagnosisContext
  ) -> Bool {
    let subject = TensorSubject(name, context.layout)
    return subject.kind.isOfRanks && subject.layer == layer
  }
}
