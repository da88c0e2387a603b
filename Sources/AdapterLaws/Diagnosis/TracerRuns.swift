// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import CheckpointGenerators
import Layouts
import Tensors

/// The runs of an adapter that a diagnosis rests on.
struct TracerRuns {
  let violation: Violation
  let spec: CheckpointSpec
  private(set) var relations: [TraceComparison] = []
  /// The steps that threw, with what they threw.
  private(set) var refusals: [(step: ConversionStep, reason: String)] = []
  private(set) var context: DiagnosisContext?
  private var native: [TracedMap.Output] = []
  /// Whether the adapter gave no answer, after which it is asked nothing more.
  private var isSilent = false
  /// Faults in what was asked beside conversions.
  private var asked: [CauseCandidate] = []
  /// What comes of what the adapter did before, beside which nothing can be told apart.
  private var earlierCalls: CauseCandidate?
  /// The violation's conversion of other contents.
  private var probes: [Violation.Evidence] = []

  init(_ violation: Violation, _ spec: CheckpointSpec, _ adapter: any AdapterUnderTest) {
    self.violation = violation
    self.spec = spec
    let tracer = Tracer(spec)
    let book = AddressBook(tracer.checkpoint.schema, spec.config.layout)
    guard let whole = try? tracer.expected(.fromHF(nil)) else { return }
    native = whole.outputs
    let session: any AdapterSession
    do {
      session = try adapter.session(for: spec.setup)
    } catch {
      refusals = [(.fromHF(nil), "\(error)")]
      return
    }
    for step in steps where !isSilent { trace(step, tracer, session, book) }
    let ranks =
      isSilent
      ? []
      : Self.holdings(
        relations, { try? Self.relation($0, tracer, session, book) }, spec)
    let context = DiagnosisContext(
      spec, tracer.checkpoint, book, native: native, ranks: ranks,
      isRightInSchemaOrder: !isSilent && isRightInSchemaOrder(session))
    self.context = context
    if isSilent { return }
    earlierCalls = fault(ofEarlierCallsTo: adapter)
    if earlierCalls != nil { return }
    if violation.evidence != nil { probes = conversions(by: session) }
    if violation.step == .excluding || violation.step == .streaming || spec.exclusion != .none {
      asked += exclusion(tracer, session, context)
    }
    if violation.step == .streaming, dependsOnOrder(adapter) {
      asked.append(CauseCandidate(.dependsOnOrder).of(.streaming))
    }
    if violation.step == .isMTPKey {
      asked += CauseCandidate.grouped(MTPKeyClassifier.classify(session, context))
    }
  }

  private static let anyChange = Diagnosis.Fault.value(.changed(example: ""))

  /// All that was found, faults of both directions merged.
  func drafts() -> [CauseCandidate] {
    var behaviour =
      violation.kind == Violation.Kind.inputChanged.rawValue
      ? [CauseCandidate(.inputChanged).of(violation.step)] : []
    if let earlierCalls { return behaviour + [earlierCalls] }
    behaviour += asked
    var merger = CandidateMerger(refusals: refusals)
    if let context {
      for relation in relations {
        let found =
          relation.isRepeatable
          ? StepClassifier(relation: relation, context: context).drafts()
          : [CauseCandidate(.notRepeatable)]
        let ownCount = context.experts(of: relation.step.parallelism).count
        merger.add(
          CauseCandidate.everywhere(
            CauseCandidate.grouped(found, expertCount: ownCount), context.places),
          relation.step)
      }
    }
    let arithmetic = probes.isEmpty ? [] : values([]).filter(\.fault.isArithmetic)
    let computed = Set(arithmetic.flatMap(\.kinds))
    let traced = merger.drafts.filter { draft in
      // Tracers that are computed with look like those of other places.
      !draft.fault.traits.isOfElements || draft.kinds.isEmpty
        || !draft.kinds.allSatisfy { computed.contains($0) }
    }
    let values = values(traced)
    // What looks like strange elements may be arithmetic on values.
    let told = Set(values.filter { $0.fault.grouped != Self.anyChange }.flatMap(\.kinds))
    let placed = traced.filter { draft in
      !draft.fault.isVague || !draft.kinds.allSatisfy { told.contains($0) }
    }
    let vague = Set(placed.filter(\.fault.isVague).flatMap(\.kinds))
    return behaviour + placed
      + values.filter {
        $0.fault.grouped != Self.anyChange || !$0.kinds.allSatisfy { vague.contains($0) }
      }
  }

  private var steps: [ConversionStep] {
    var result: [ConversionStep] = [.fromHF(nil), .toHF(nil)]
    let ranks = [violation.step.parallelism, spec.parallelism].compactMap(\.self)
    for rank in ranks.unique { result += [.fromHF(rank), .toHF(rank)] }
    return result + [.streaming]
  }

  private mutating func trace(
    _ step: ConversionStep, _ tracer: Tracer, _ session: any AdapterSession, _ book: AddressBook
  ) {
    do {
      if let relation = try Self.relation(step, tracer, session, book) {
        relations.append(relation)
      }
    } catch {
      isSilent = error is Misbehaviour
      refusals.append((step, "\(error)"))
    }
  }

  /// What the adapter does in a step beside what is right; nil of steps that nothing is right in.
  ///
  /// - Throws: What the adapter throws.
  private static func relation(
    _ step: ConversionStep, _ tracer: Tracer, _ session: any AdapterSession, _ book: AddressBook
  ) throws -> TraceComparison? {
    guard let expected = try? tracer.expected(step) else { return nil }
    let found = try tracer.trace(step, of: session)
    var onDisk: [Origin]?
    if !step.isFromHF {
      let native = try tracer.expected(.fromHF(step.parallelism))
      onDisk = native.outputs.flatMap(\.origins)
    }
    return TraceComparison(step, book, expected: expected, found: found, onDisk: onDisk)
  }

  /// Whether what is loaded wrong is right when keys come in the schema's order.
  private func isRightInSchemaOrder(_ session: any AdapterSession) -> Bool {
    guard spec.keyOrder != .schema, relations.contains(where: { $0.step.isFromHF && !$0.isRight })
    else { return false }
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
  ) -> [CauseCandidate] {
    let patterns: [Exclusion] = [
      spec.exclusion, .head, .experts, .expertBias, .nativeExpertBias, .unanchored,
      .projection(.up), .everything,
    ]
    let steps: [ConversionStep] =
      violation.step == .streaming ? [.toHF(nil), .streaming] : [.toHF(nil)]
    for step in steps {
      // Keys that are wrong without any pattern are no matter of exclusion.
      guard let whole = relations.first(where: { $0.step == step }) else { continue }
      let found = Set(whole.found.map(\.name))
      let names = whole.expected.map(\.name).filter { found.contains($0) }
      let probes = patterns.compactMap { pattern in
        (try? tracer.keptKeys(pattern, by: session, isStreaming: step == .streaming))
          .map { (exclusion: pattern, kept: $0) }
      }
      let misread = ExclusionClassifier.classify(probes, whole: names, context)
      if !misread.isEmpty { return CauseCandidate.grouped(misread).map { $0.of(step) } }
    }
    return []
  }

  /// Faults that depend on values, in classes of tensors whose elements go where they belong.
  private func values(_ traced: [CauseCandidate]) -> [CauseCandidate] {
    guard let context, var evidence = violation.evidence else { return [] }
    evidence.sources = try? context.checkpoint.stateDict()
    let wrong = Set(
      traced.filter { $0.fault.traits.isOfElements && !$0.fault.isVague }.flatMap(\.kinds))
    let found = ValueClassifier.classify(
      evidence, probes: probes, context, native: native, explained: wrong)
    // Only the broken law's step can have done it.
    return CauseCandidate.grouped(found).map { $0.of(violation.step) }
  }
}
