// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import CheckpointGenerators
import Tensors

/// The runs of an adapter that a diagnosis rests on.
struct Examination {
  let violation: Violation
  let spec: CheckpointSpec
  private(set) var relations: [Relation] = []
  /// The steps that threw, with what they threw.
  private(set) var refusals: [(step: TracedStep, reason: String)] = []
  private(set) var context: DiagnosisContext?
  private var native: [TracedMap.Output] = []
  private var behaviour: [Observation] = []

  init(_ violation: Violation, _ spec: CheckpointSpec, _ adapter: any AdapterUnderTest) {
    self.violation = violation
    self.spec = spec
    let tracer = Tracer(spec)
    let book = AddressBook(tracer.checkpoint.schema)
    guard let whole = try? tracer.expected(.fromHF(nil)) else { return }
    native = whole.outputs
    let session: any AdapterSession
    do {
      session = try adapter.session(for: spec.setup)
    } catch {
      refusals = [(.fromHF(nil), "\(error)")]
      return
    }
    for step in steps { trace(step, tracer, session, book) }
    let context = DiagnosisContext(
      spec, tracer.checkpoint, book, native: native,
      isRightInSchemaOrder: isRightInSchemaOrder(session))
    self.context = context
    if violation.step == .excluding || spec.exclusion != .none {
      behaviour += exclusion(tracer, session, context)
    }
    if violation.step == .isMTPKey {
      behaviour += BehaviourClassifier.classifyMTPKeys(session, context)
    }
  }

  private static let classifiers: [Classifier] = [
    HalvesClassifier.classify, KindClassifier.classify, ExpertClassifier.classify,
    LayerClassifier.classify, ArrangementClassifier.classify, KeyClassifier.classify,
    TypeClassifier.classify, OrderClassifier.classify,
  ]

  /// All that was found, faults of both directions merged.
  func drafts() -> [Draft] {
    var behaviour = Draft.grouped(BehaviourClassifier.classify(violation) + self.behaviour)
    for position in behaviour.indices where self.behaviour.isEmpty == false {
      behaviour[position].direction = violation.step == .isMTPKey ? .none : .toHF
    }
    var merger = DraftMerger(refusals: refusals)
    if let context {
      for relation in relations {
        var observations = Self.classifiers.flatMap { $0(relation, context) }
        let ownCount =
          relation.step.parallelism
          .map { $0.experts(of: spec.config.expertCount).count } ?? spec.config.expertCount
        if !relation.isRepeatable { observations = [Observation(.notRepeatable)] }
        merger.add(
          Draft.everywhere(Draft.grouped(observations, expertCount: ownCount), context),
          relation.step)
      }
    }
    let traced = merger.finished()
    return behaviour + traced + values(traced)
  }

  private var steps: [TracedStep] {
    var result: [TracedStep] = [.fromHF(nil), .toHF(nil)]
    var ranks: [ExpertParallelism] = []
    switch violation.step {
    case .fromHF(let rank?), .toHF(let rank?): ranks.append(rank)
    default: break
    }
    if let rank = spec.parallelism { ranks.append(rank) }
    for rank in ranks.unique { result += [.fromHF(rank), .toHF(rank)] }
    return result + [.streaming(nil)]
  }

  private mutating func trace(
    _ step: TracedStep, _ tracer: Tracer, _ session: any AdapterSession, _ book: AddressBook
  ) {
    guard let expected = try? tracer.expected(step) else { return }
    do {
      let found = try tracer.trace(step, of: session)
      var onDisk: [Origin]?
      if !step.isFromHF {
        let native = try tracer.expected(.fromHF(step.parallelism))
        onDisk = native.outputs.flatMap(\.origins)
      }
      relations.append(Relation(step, book, expected: expected, found: found, onDisk: onDisk))
    } catch {
      refusals.append((step, "\(error)"))
    }
  }

  private func isRightInSchemaOrder(_ session: any AdapterSession) -> Bool {
    guard spec.keyOrder != .schema else { return false }
    var spec = spec
    spec.keyOrder = .schema
    let tracer = Tracer(spec)
    guard let found = try? tracer.trace(.fromHF(nil), of: session),
      let expected = try? tracer.expected(.fromHF(nil))
    else { return false }
    return expected.outputs.allSatisfy { found[$0.name]?.origins == $0.origins }
  }

  private func exclusion(
    _ tracer: Tracer, _ session: any AdapterSession, _ context: DiagnosisContext
  ) -> [Observation] {
    let patterns: [Exclusion] = [
      spec.exclusion, .head, .experts, .expertBias, .nativeExpertBias, .unanchored,
      .projection("up_proj"), .everything,
    ]
    let probes = patterns.compactMap { pattern -> ExclusionClassifier.Probe? in
      guard let kept = try? tracer.keptKeys(pattern, by: session) else { return nil }
      return .init(exclusion: pattern, kept: kept)
    }
    // Keys that are wrong without any pattern are no matter of exclusion.
    guard let whole = relations.first(where: { $0.step == .toHF(nil) }) else { return [] }
    let found = Set(whole.found.map(\.name))
    let names = whole.expected.map(\.name).filter { found.contains($0) }
    return ExclusionClassifier.classify(probes, whole: names, context)
  }

  /// Faults that depend on values, in classes of tensors whose elements go where they belong.
  private func values(_ traced: [Draft]) -> [Draft] {
    guard let context, let evidence = violation.evidence else { return [] }
    let wrong = Set(traced.filter(\.fault.isOfElements).flatMap(\.kinds))
    var drafts = Draft.grouped(
      ValueClassifier.classify(evidence, context, native: native, explained: wrong))
    for position in drafts.indices {
      switch violation.step {
      case .fromHF(let rank):
        drafts[position].direction = .fromHF
        drafts[position].parallelism = rank
      case .toHF(let rank):
        drafts[position].direction = .toHF
        drafts[position].parallelism = rank
      case .streaming: drafts[position].direction = .streaming
      case .roundTrip, .excluding, .isMTPKey: break
      }
    }
    return drafts
  }
}
