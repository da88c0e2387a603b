// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import CheckpointGenerators
import Layouts
import Tensors

/// Finds out whether an adapter that was used converts otherwise than a new one.
struct HistoryExaminer {
  private let spec: CheckpointSpec
  private let adapter: any AdapterUnderTest

  init(_ spec: CheckpointSpec, _ adapter: any AdapterUnderTest) {
    self.spec = spec
    self.adapter = adapter
  }

  /// The fault, if it has it.
  func draft() -> Draft? {
    let checkpoint = Checkpoint(spec)
    let oracle = LayoutOracle(spec)
    guard let earlier = try? checkpoint.stateDict(TensorContents(.tracer(digit: 1))),
      let onDisk = try? checkpoint.stateDict(TensorContents(.tracer(digit: 0))),
      let used = try? adapter.session(for: spec.setup)
    else { return nil }
    let rank = spec.parallelism.flatMap { try? ExpertParallelism(rank: 0, size: $0.size) }
    let last = spec.parallelism.flatMap {
      try? ExpertParallelism(rank: $0.size - 1, size: $0.size)
    }
    // What the calls give is of no interest, nor whether they fail.
    _ = try? used.fromHF(earlier, rank)
    _ = try? used.toHF(oracle.native(of: earlier), excluding: ".*", nil)
    let loads: Conversion = { try $0.fromHF(onDisk, last) }
    if differs(used, loads) { return draft(.fromHF) }
    let native = oracle.native(of: onDisk)
    let saves: Conversion = { try $0.toHF(native, excluding: "", nil) }
    if differs(used, saves) { return draft(.toHF) }
    return differs(used, loads) ? draft(.fromHF) : nil
  }

  private typealias Conversion = (any AdapterSession) throws -> StateDict

  private func draft(_ direction: Diagnosis.Direction) -> Draft {
    var draft = Draft(.dependsOnEarlierCalls)
    draft.direction = direction
    return draft
  }

  /// Whether a session gives something else than new ones, which agree with each other.
  private func differs(_ used: any AdapterSession, _ convert: Conversion) -> Bool {
    guard let found = try? convert(used), let expected = freshly(convert), found != expected else {
      return false
    }
    return freshly(convert) == expected
  }

  private func freshly(_ convert: Conversion) -> StateDict? {
    try? convert(adapter.session(for: spec.setup))
  }
}

/// Conversions of a checkpoint with random contents, by which faults are told apart that change the
/// values of one checkpoint alike.
struct ValueProbes {
  private static let seeds: ClosedRange<UInt64> = 1...6

  let evidence: [ValueEvidence]

  /// - Parameter step: What the adapter did when a law was broken; steps that are no single conversion
  ///   give no probes.
  init(_ step: ConversionStep, _ spec: CheckpointSpec, _ session: any AdapterSession) {
    let (checkpoint, oracle) = (Checkpoint(spec), LayoutOracle(spec))
    evidence = Self.seeds.flatMap { seed -> [ValueEvidence] in
      guard let onDisk = try? checkpoint.stateDict(TensorContents(.random, seed: seed)) else {
        return []
      }
      func loaded(_ rank: ExpertParallelism?) -> ValueEvidence? {
        guard let found = try? session.fromHF(onDisk, rank) else { return nil }
        let expected = oracle.native(of: onDisk, rank)
        let castTensors = oracle.castTensors(of: expected)
        return ValueEvidence(
          violation: .init(expected: expected, found: found, castTensors: castTensors),
          sources: onDisk)
      }
      func saved(_ rank: ExpertParallelism?) -> ValueEvidence? {
        let native = oracle.native(of: onDisk, rank)
        guard let found = try? session.toHF(native, excluding: "", rank) else { return nil }
        let expected = oracle.onDisk(of: native, rank)
        return ValueEvidence(violation: .init(expected: expected, found: found))
      }
      let made: [ValueEvidence?] =
        switch step {
        case .fromHF(let rank): [loaded(rank)]
        case .toHF(let rank): [saved(rank)]
        case .roundTrip: [loaded(nil), saved(nil)]
        case .excluding, .streaming, .isMTPKey: []
        }
      return made.compactMap(\.self)
    }
  }
}
