// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Layouts
public import Tensors

extension ConversionPlan {
  /// The plan that carries out this one and then another of its result, without the tensors between them.
  ///
  /// - Complexity: O(moves of the other plan, times moves into the tensors that they read).
  public func followed(by next: ConversionPlan) -> ConversionPlan {
    var positions: [TensorName: Int] = [:]
    for (position, info) in destinations.enumerated() { positions[info.name] = position }
    let ranges = movesByDestination()
    var composed: [TensorMove] = []
    for second in next.moves {
      guard let between = positions[next.sources[second.source].name] else { continue }
      for first in moves[ranges[between]] {
        guard let first = first.restricted(toDestination: second.sourceRegion) else { continue }
        composed.append(
          TensorMove(
            source: first.source, first.sourceRegion, destination: second.destination,
            second.destinationRegion, permutation: second.permutation.map { first.permutation[$0] },
            isRepeat: second.isRepeat || first.isRepeat))
      }
    }
    return ConversionPlan(
      direction: next.direction, sources: sources, destinations: next.destinations,
      moves: composed, omissions: omissions)
  }
}

extension AdapterPlanner {
  /// Whether factors are among the tensors that all experts share in one, as PEFT's ParamWrapper writes them.
  public func hasFusedFactors(_ sources: [TensorInfo]) -> Bool {
    sources.contains { info in
      if case .fusedFactor = LenientKey(info.name, layout).subject { true } else { false }
    }
  }

  /// Proves a plan from disk and the way back, which gives fused factors one tensor for each expert: these
  /// must load to the same native tensors.
  public func proof(
    _ forward: ConversionPlan, _ backward: ConversionPlan,
    parallelism: ExpertParallelism? = nil
  ) throws(AdapterError) -> PlanProof {
    let proof = PlanProof(
      forward: forward, backward: backward, config: config, parallelism: parallelism)
    guard hasFusedFactors(forward.sources) else { return proof }
    var options = options
    options.completeness = .presentGroups
    let again = try AdapterPlanner(config, options).fromHF(
      backward.destinations, expertParallelism: parallelism)
    return PlanProof(
      proof.faults.filter { $0.law != .returned }
        + PlanProof(forward: again, backward: backward, config: config, parallelism: parallelism)
        .faults, of: proof)
  }
}
