// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import CheckpointGenerators
import Layouts
import Tensors

/// Whether an adapter that was used converts otherwise than a new one.
extension TracerRuns {
  private typealias Conversion = (any AdapterSession) throws -> StateDict

  /// The fault, if it has it.
  func fault(ofEarlierCallsTo adapter: any AdapterUnderTest) -> CauseCandidate? {
    let checkpoint = Checkpoint(spec)
    let oracle = LayoutOracle(spec)
    guard let earlier = try? checkpoint.stateDict(TensorContents(.tracer(digit: 1))),
      let onDisk = try? checkpoint.stateDict(TensorContents(.tracer(digit: 0))),
      let used = try? adapter.session(for: spec.setup)
    else { return nil }
    let ranks = spec.parallelism.map(\.size).map { size in
      [0, size - 1].map { try? ExpertParallelism(rank: $0, size: size) }
    }
    // What the calls give is of no interest, nor whether they fail.
    _ = try? used.fromHF(earlier, ranks?[0])
    _ = try? used.toHF(oracle.native(of: earlier), excluding: ".*", nil)
    let native = oracle.native(of: onDisk)
    let loads: Conversion = { try $0.fromHF(onDisk, ranks?[1]) }
    let saves: Conversion = { try $0.toHF(native, excluding: "", nil) }
    let streams: Conversion = { session in
      let pieces = try session.convertTensorsToHF(native, excluding: "", nil)
      return try StateDict(pieces.map { ($0.name, $0.tensor) })
    }
    for (step, convert) in [
      (ConversionStep.fromHF(nil), loads), (.toHF(nil), saves), (.fromHF(nil), loads),
      (.streaming, streams),
    ]
    where differs(used, adapter, convert) {
      return CauseCandidate(.dependsOnEarlierCalls).of(step)
    }
    return nil
  }

  /// Whether a session gives something else than new ones, which agree with each other.
  private func differs(
    _ used: any AdapterSession, _ adapter: any AdapterUnderTest, _ convert: Conversion
  ) -> Bool {
    func freshly() -> StateDict? { try? convert(adapter.session(for: spec.setup)) }
    guard let found = try? convert(used), let expected = freshly(), found != expected else {
      return false
    }
    return freshly() == expected
  }
}

/// Whether tensors that are saved one at a time come out otherwise in another order.
extension TracerRuns {
  func dependsOnOrder(_ adapter: any AdapterUnderTest) -> Bool {
    guard let onDisk = try? Checkpoint(spec).stateDict() else { return false }
    let native = Array(LayoutOracle(spec).native(of: onDisk))
    func saved(_ tensors: [StateDict.Element]) -> StateDict? {
      let pieces = try? adapter.session(for: spec.setup).convertTensorsToHF(
        StateDict(tensors.map { ($0.name, $0.tensor) }), excluding: "", nil)
      return pieces.flatMap { try? StateDict($0.map { ($0.name, $0.tensor) }) }
    }
    guard let found = saved(native.reversed()), let expected = saved(native) else {
      return saved(native) != nil
    }
    return Mismatch(expected: expected, found: found, ordered: false) != nil
  }
}

/// Square matrices that are reshaped look as if they were not transposed.
extension TracerRuns {
  /// The same faults, those of square matrices by how the adapter converts them where they are not square.
  func seenOblong(_ drafts: [CauseCandidate], _ adapter: any AdapterUnderTest) -> [CauseCandidate] {
    let square = Diagnosis.Fault.notTransposed(isSquare: true)
    guard drafts.contains(where: { $0.fault == square }),
      let config = try? spec.config.with(hiddenSize: spec.config.hiddenSize + 1)
    else { return drafts }
    var (oblong, violation) = (spec, violation)
    oblong.setup.config = config
    violation.evidence = nil
    let reshaped = TracerRuns(violation, oblong, adapter).drafts().filter {
      $0.fault == .reshapedInsteadOfTransposed
    }
    return drafts.map { draft in
      let isReshaped = reshaped.contains { draft.kinds.allSatisfy($0.kinds.contains) }
      return draft.fault == square && isReshaped ? draft.with(.reshapedInsteadOfTransposed) : draft
    }
  }
}

/// The experts that ranks load, by which a range that is too long is told from one in a wrong place.
extension TracerRuns {
  /// What each rank of a group loads and should, for those faults of ranks that one rank does not tell.
  static func holdings(
    _ relations: [TraceComparison], _ trace: (ConversionStep) -> TraceComparison?,
    _ spec: CheckpointSpec
  ) -> [RankHolding] {
    let wrong = relations.first { relation in
      relation.step.parallelism != nil && relation.step.isFromHF
        && relation.matched.contains { $0.found.origins != $0.expected.origins }
    }
    guard let size = wrong?.step.parallelism?.size, size <= 8 else { return [] }
    return (0..<size).compactMap { number in
      guard let rank = try? ExpertParallelism(rank: number, size: size) else { return nil }
      let step = ConversionStep.fromHF(rank)
      guard let relation = relations.first(where: { $0.step == step }) ?? trace(step) else {
        return nil
      }
      return RankHolding(relation, LayoutOracle(spec).experts(of: rank))
    }
  }
}

/// How many experts a rank loads and should.
struct RankHolding {
  let own: Int
  let found: Int

  init(_ relation: TraceComparison, _ own: Range<Int>) {
    self.own = own.count
    let landings = relation.landings.filter { $0.kind.isOfRanks && $0.expert != nil }
    let first = landings.first
    found = landings.count { $0.layer == first?.layer && $0.kind == first?.kind }
  }
}

/// Conversions of a checkpoint with random contents, by which faults are told apart that change the
/// values of one checkpoint alike.
extension TracerRuns {
  /// What the adapter makes of other contents in the broken law's step; nothing in steps that are no
  /// single conversion.
  func conversions(by session: any AdapterSession) -> [Violation.Evidence] {
    let (checkpoint, oracle) = (Checkpoint(spec), LayoutOracle(spec))
    return (1...6 as ClosedRange<UInt64>).flatMap { seed -> [Violation.Evidence] in
      guard let onDisk = try? checkpoint.stateDict(TensorContents(.random, seed: seed)) else {
        return []
      }
      func loaded(_ rank: ExpertParallelism?) -> Violation.Evidence? {
        guard let found = try? session.fromHF(onDisk, rank) else { return nil }
        let expected = oracle.native(of: onDisk, rank)
        let castTensors = oracle.castTensors(of: expected)
        var evidence = Violation.Evidence(
          expected: expected, found: found, castTensors: castTensors)
        evidence.sources = onDisk
        return evidence
      }
      func saved(_ rank: ExpertParallelism?) -> Violation.Evidence? {
        let native = oracle.native(of: onDisk, rank)
        guard let found = try? session.toHF(native, excluding: "", rank) else { return nil }
        let expected = oracle.onDisk(of: native, rank)
        return Violation.Evidence(expected: expected, found: found)
      }
      let made: [Violation.Evidence?] =
        switch violation.step {
        case .fromHF(let rank): [loaded(rank)]
        case .toHF(let rank): [saved(rank)]
        case .roundTrip: [loaded(nil), saved(nil)]
        case .excluding, .streaming, .isMTPKey: []
        }
      return made.compactMap(\.self)
    }
  }
}
