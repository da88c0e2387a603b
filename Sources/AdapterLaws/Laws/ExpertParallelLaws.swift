// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import CheckpointGenerators
import Layouts
import Tensors

extension Laws {
  static let expertParallel = [ranksLoad, ranksPartition, ranksSave]

  private static let ranksLoad = AdapterLaw(
    "ep-rank",
    statement: "a rank loads its own experts and all other tensors, order included",
    reason: "each process of a training run holds a part of the experts",
    brokenBy: "the range of a rank with its size and rank exchanged; router tensors cut as well"
  ) { (trial) throws(Violation) in
    for rank in try trial.ranks() {
      let expected = try trial.expectedNative(rank)
      try trial.require(
        trial.rankNative(rank), equals: expected,
        castTensors: trial.oracle.castTensors(of: expected), .fromHF(rank))
    }
    return trial.spec.parallelism != nil
  }

  private static let ranksPartition = AdapterLaw(
    "ep-partition",
    statement: "the experts of all ranks, one rank after the other, are the experts of the whole",
    reason: "an expert that no rank holds is not trained, one that two hold is trained twice",
    brokenBy: "the last expert lost where the ranks do not divide the experts",
    worth: "needs no oracle: the ranks' shards against the whole"
  ) { (trial) throws(Violation) in
    let ranks = try trial.ranks()
    guard let size = trial.spec.parallelism?.size, ranks.count == size else { return false }
    let whole = try trial.native()
    var parts: [StateDict] = []
    for rank in ranks { parts.append(try trial.rankNative(rank)) }
    let joined = try trial.attempt(.fromHF(ranks.first)) {
      try StateDict(
        whole.compactMap { name, tensor in
          guard let axis = trial.oracle.group(of: name)?.expertAxis else {
            return (name, parts[0][name] ?? tensor)
          }
          return try Tensor(joining: parts.compactMap { $0[name] }, along: axis).map { (name, $0) }
        })
    }
    // Which NaN a cast makes of another may depend on where it stands.
    try trial.require(
      joined, equals: whole, castTensors: trial.oracle.castTensors(of: whole), .fromHF(ranks.last))
    return true
  }

  private static let ranksSave = AdapterLaw(
    "ep-save",
    statement: "what all ranks save together is what the whole saves",
    reason: "a checkpoint is put together from the ranks' files",
    brokenBy: "experts numbered from zero on every rank"
  ) { (trial) throws(Violation) in
    let ranks = try trial.ranks()
    guard let size = trial.spec.parallelism?.size else { return false }
    let oracle = trial.oracle
    var union = StateDict()
    // What is grouped on disk, each rank writes its experts of.
    var shards: [TensorName: [Tensor]] = [:]
    for rank in ranks {
      let native = try trial.expectedNative(rank)
      let saved = try trial.toHF(native, rank)
      try trial.require(
        saved, equals: oracle.onDisk(of: native, rank), .toHF(rank))
      try trial.attempt(.toHF(rank)) {
        for (name, tensor) in saved {
          if trial.isSharedOut(name) {
            shards[name, default: []].append(tensor)
          } else if union[name] == nil {
            try union.insert(tensor, named: name)
          }
        }
      }
    }
    guard ranks.count == size else { return true }
    try trial.attempt(.toHF(nil)) {
      for (name, tensors) in shards {
        let axis = KeyEdits(layout: oracle.layout).expertAxis(name) ?? 0
        if let whole = try Tensor(joining: tensors, along: axis) {
          try union.insert(whole, named: name)
        }
      }
    }
    try trial.require(union, equals: trial.expectedSaved(), ordered: false, .toHF(nil))
    return true
  }
}

extension CheckpointUnderTest {
  /// Whether a tensor on disk holds all experts natively shared out to ranks.
  fileprivate func isSharedOut(_ name: TensorName) -> Bool {
    guard case .tensor(let tensor) = key(name).subject else { return false }
    let rule = spec.config.layout.tensors[tensor]
    return rule.isPart && rule.expertAxis != nil
  }

  /// All ranks of the group, or those at its ends and where the experts' shares change if there
  /// are many.
  func ranks() throws(Violation) -> [ExpertParallelism] {
    guard let parallelism = spec.parallelism else { return [] }
    let size = parallelism.size
    let change = spec.config.expertCount % size
    let chosen =
      size <= 8
      ? Array(0..<size)
      : Set([0, 1, change - 1, change, size - 2, size - 1, parallelism.rank])
        .filter { (0..<size).contains($0) }.sorted()
    return try attempt(.fromHF(parallelism)) {
      try chosen.map { try ExpertParallelism(rank: $0, size: size) }
    }
  }
}
