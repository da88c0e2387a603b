// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import CheckpointGenerators
import Layouts
import Tensors

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
        let expected = oracle.onDisk(of: native, excluding: .none, rank)
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
